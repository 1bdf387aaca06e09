// The receivers, in a process of their own. Healthy ones answer at once, and note when the first byte of each event
// came. Busy ones only answer at once. A black hole accepts connections and never answers, a slow one takes its time,
// and one resets every connection. GET /received answers the notes since the last call, and forgets them.
//   bun endpoints.ts MILLISECONDS   the delay of the slow one; prints the ports as one line of JSON

const slowMs = Number(process.argv[2])

let received: [eventId: string, atMs: number][] = []
const atMs = () => performance.timeOrigin + performance.now()

const http = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 60,
  fetch: async (request) => {
    const at = atMs()
    const { pathname } = new URL(request.url)
    if (pathname === "/received") {
      const noted = received
      received = []
      return Response.json(noted)
    }
    await request.arrayBuffer()
    if (pathname.startsWith("/healthy/")) received.push([request.headers.get("x-slotbase-event-id") ?? "", at])
    else if (pathname === "/slow") await Bun.sleep(slowMs)
    return new Response("ok")
  },
})

const blackHole = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } })

const resetting = Bun.listen({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    data(socket) {
      socket.terminate() // a reset, not an end
    },
  },
})

console.log(JSON.stringify({ http: http.port, blackHole: blackHole.port, resetting: resetting.port }))
