/** A connection by WebSocket. The token travels among the protocols, which no log of a proxy shows. */
import { textOfPlace } from "./place.ts"
import type { OpenLiveLink, ServerFrame } from "./types.ts"

export const openSocket: OpenLiveLink = ({ url, token, onFrame, onEnd }) => {
  const socket = new WebSocket(
    `${url.replace(/^http/, "ws")}/v1/live`,
    token === undefined ? [protocol] : [protocol, `bearer.${token}`],
  )
  const send = (frame: object) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame))
  }
  socket.onopen = () => token === undefined && send({ type: "guest" })
  socket.onmessage = ({ data }) => onFrame(JSON.parse(String(data)) as ServerFrame)
  socket.onclose = ({ code, reason }) => onEnd(code, reason)
  return {
    subscribe: (channel, place) => {
      send({ type: "subscribe", channel, ...(place && { after: textOfPlace(place) }) })
      return true
    },
    unsubscribe: (channel) => send({ type: "unsubscribe", channel }),
    ping: () => {
      send({ type: "ping" })
      return true
    },
    renew: (fresh) => send({ type: "auth", token: fresh }),
    close: () => {
      socket.onmessage = socket.onclose = null
      socket.close()
    },
  }
}

const protocol = "slotbase.v1"
