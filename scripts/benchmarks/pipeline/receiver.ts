// The receiver of the benchmark's webhooks, in a process of its own. It checks every signature, and remembers when each
// event arrived first. `bun receiver.ts SECRET` prints its address; /count and /received answer the results.

import { signatureOf } from "#outbound/webhooks/signature.ts"

const secret = process.argv[2] ?? ""
const receivedAt = new Map<string, number>()
let refused = 0

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  routes: {
    "/hook": { POST: take },
    "/count": () => Response.json({ count: receivedAt.size, refused }),
    "/received": () => Response.json([...receivedAt]),
  },
})
console.log(`http://127.0.0.1:${server.port}`)

async function take(request: Request): Promise<Response> {
  const at = performance.timeOrigin + performance.now()
  const eventId = request.headers.get("x-slotbase-event-id") ?? ""
  const timestamp = Number(request.headers.get("x-slotbase-timestamp"))
  const signature = signatureOf(await request.text(), secret, timestamp)
  if (signature !== request.headers.get("x-slotbase-signature")) {
    refused++
    return new Response(null, { status: 401 })
  }
  if (!receivedAt.has(eventId)) receivedAt.set(eventId, at)
  return new Response(null, { status: 204 })
}
