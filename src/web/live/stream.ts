/**
 * A connection by Server-Sent Events, for networks that let no WebSocket through. `fetch` in place of EventSource,
 * because that sends no header: its token would stand in the address.
 */
import { textOfPlace } from "./place.ts"
import type { LinkOptions, OpenLiveLink, ServerFrame } from "./types.ts"

export const openStream: OpenLiveLink = ({ url, token, channels, onFrame, onEnd }: LinkOptions) => {
  const aborted = new AbortController()
  const wanted = channels()
  const joined = new Set(wanted.map(({ channel }) => channel))
  // Throws at a token that no header can carry.
  const headers = new Headers({
    accept: "text/event-stream",
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  })
  let code = 1006
  let reason = "the stream ended"

  async function read(): Promise<void> {
    const list = wanted.map(({ channel, place }) => (place ? `${channel}@${textOfPlace(place)}` : channel))
    // Nothing is followed: such a stream says that the server is there, and the first channel opens another one.
    const query = list.length === 0 ? "" : `?channels=${list.join(",")}`
    const answer = await fetch(`${url}/v1/live/stream${query}`, {
      headers,
      cache: "no-store",
      signal: aborted.signal,
    })
    if (!answer.ok || answer.status === 204) {
      code = codes[answer.status] ?? (answer.status < 500 ? 4400 : 1006)
      reason = `status ${answer.status}`
      return
    }
    const decoder = new TextDecoder()
    const reader = answer.body?.getReader()
    let text = ""
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true }
      if (done) return
      text += decoder.decode(value, { stream: true })
      const lines = text.split("\n")
      text = lines.pop() ?? ""
      // The server writes every frame into one line of data.
      for (const line of lines) if (line.startsWith("data:")) hear(JSON.parse(line.slice(5)) as ServerFrame)
    }
  }

  function hear(frame: ServerFrame): void {
    if (frame.type === "closed") {
      code = Number(frame.code)
      reason = frame.reason ?? ""
    } else onFrame(frame)
  }

  read()
    .catch(() => {})
    .then(() => aborted.signal.aborted || onEnd(code, reason))

  return {
    // What was wanted when the stream was opened is in its address.
    subscribe: (channel) => joined.delete(channel),
    unsubscribe: () => {},
    ping: () => false,
    close: () => aborted.abort(),
  }
}

/** The close codes that say the same as a status. 204: nothing to come back for. */
const codes: Readonly<Record<number, number>> = { 204: 1000, 401: 4401, 403: 4403, 404: 1006, 408: 1006, 429: 4429 }
