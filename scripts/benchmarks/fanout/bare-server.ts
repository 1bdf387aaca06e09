// The server that SlotBase's fan-out is compared with: only Bun.serve and publish(), with SlotBase's own socket
// options. POST /publish?frames=N sends the body N times in one tick, and answers when it began.

import { webSocketOptions } from "#outbound/live/limits.ts"

const topic = "frames"
const { maxPayloadLength, backpressureLimit, closeOnBackpressureLimit, perMessageDeflate, idleTimeout, sendPings } =
  webSocketOptions

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: async (request, server) => {
    const url = new URL(request.url)
    if (url.pathname === "/live") return server.upgrade(request) ? undefined : new Response(null, { status: 426 })
    const text = await request.text()
    const began = performance.timeOrigin + performance.now()
    for (let n = 0; n < Number(url.searchParams.get("frames")); n++) server.publish(topic, text)
    return Response.json({ began })
  },
  websocket: {
    maxPayloadLength,
    backpressureLimit,
    closeOnBackpressureLimit,
    perMessageDeflate,
    idleTimeout,
    sendPings,
    open: (socket) => void socket.subscribe(topic),
    message: () => {},
  },
})
console.log(server.port)
