// The receiver of the benchmark's webhooks, in a process of its own. It checks every signature, and remembers when each
// event arrived first and last. `bun receiver.ts SECRET` prints its address. /count, /received and /last answer the
// results.

import { signatureOf } from "#outbound/webhooks/signature.ts"

const secret = process.argv[2] ?? ""
const firstAt = new Map<string, number>()
const lastAt = new Map<string, number>()
let refused = 0

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  routes: {
    "/hook": { POST: take },
    "/count": () => Response.json({ count: firstAt.size, refused }),
    "/last": () => Response.json([...lastAt]),
    "/received": () => Response.json([...firstAt]),
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
  if (!firstAt.has(eventId)) firstAt.set(eventId, at)
  lastAt.set(eventId, at)
  return new Response(null, { status: 204 })
}
