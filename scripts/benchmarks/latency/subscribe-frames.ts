// A WebSocket client of the live feed with the root key. It resolves when the server has confirmed the subscription.

import { rootKey } from "#test/harness/setup/system.ts"

/** @param onFrame called with the id of the event of each `booking.update` frame. */
export async function subscribeFrames(
  address: string,
  channel: string,
  onFrame: (eventId: string) => void,
): Promise<WebSocket> {
  const socket = new WebSocket(`${address.replace("http", "ws")}/v1/live`, ["slotbase.v1", `bearer.${rootKey}`])
  const subscribed = Promise.withResolvers<void>()
  socket.onmessage = ({ data }) => {
    const frame = JSON.parse(String(data)) as { type: string; eventId?: string }
    if (frame.type === "ready") socket.send(JSON.stringify({ type: "subscribe", channel }))
    else if (frame.type === "subscribed") subscribed.resolve()
    else if (frame.type === "booking.update" && frame.eventId) onFrame(frame.eventId)
    else if (frame.type === "error") subscribed.reject(new Error(String(data)))
  }
  socket.onerror = () => subscribed.reject(new Error("the WebSocket failed"))
  await subscribed.promise
  return socket
}
