// Requests on a kept connection whose other end is gone without a word, against a kernel that acknowledges nothing.

import { afterAll, describe, expect, test } from "bun:test"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { guardedFetch } from "#base/egress/fetch.ts"
import type { Trace } from "#base/egress/trace.ts"
import { queuedBytes, unacknowledgedBytes } from "#base/egress/unacknowledged.ts"
import { type HalfOpenReceiver, startHalfOpenReceiver } from "#test/harness/outside/half-open-receiver.ts"
import { failure } from "#test/harness/pipeline/pipeline.ts"

const ends: (() => Promise<void>)[] = []
afterAll(async () => {
  for (const end of ends) await end()
})

async function aReceiver(...given: Parameters<typeof startHalfOpenReceiver>): Promise<HalfOpenReceiver> {
  const receiver = await startHalfOpenReceiver(...given)
  ends.push(receiver.end)
  return receiver
}

const post = (receiver: HalfOpenReceiver, path: string, given: { body?: string; trace?: Trace } = {}) =>
  guardedFetch(`http://127.0.0.1:${receiver.port}/${path}`, {
    method: "POST",
    body: "{}",
    allow: ["127.0.0.0/8"],
    timeoutMs: 4_000,
    ...given,
  })
const hexOf = (port: number) => port.toString(16).toUpperCase().padStart(4, "0")
const requestsOf = (receiver: HalfOpenReceiver) => receiver.heard().flatMap(({ request = [] }) => request)

describe.skipIf(process.platform !== "linux")("the kernel says what the other side has acknowledged", () => {
  test.each([
    ["of one segment", "{}"],
    ["that is longer than the kernel takes at once", "x".repeat(8_000_000)],
  ])(
    "a request %s that nobody has received ends after two seconds, and never arrives",
    async (_, body) => {
      const receiver = await aReceiver("half-open")
      await post(receiver, "first")
      const trace: Trace = {}
      const startedAt = performance.now()
      expect(await failure(post(receiver, "second", { trace, body }))).toMatchObject({ code: "not_received" })
      expect(performance.now() - startedAt).toBeWithin(2_000, 3_900)
      expect(trace.isReused).toBe(true)
      // No socket is left whose kernel would send the request again.
      const [first] = receiver.heard()
      const ours = `:${hexOf(first?.port ?? 0)} 0100007F:${hexOf(receiver.port)}`
      expect(await readFile("/proc/net/tcp", "latin1")).not.toContain(ours)

      const next: Trace = {}
      expect((await post(receiver, "third", { trace: next })).status).toBe(200)
      expect(next.isReused).toBe(false)
      await receiver.letThrough()
      expect(requestsOf(receiver)).toEqual(["POST /first HTTP/1.1", "POST /third HTTP/1.1"])
      expect(receiver.heard()).toContainEqual({ connection: 1, ended: "ConnectionResetError" })
    },
    20_000,
  )

  test("so does one over TLS", async () => {
    const folder = join(import.meta.dir, "certificates")
    const [certificate, key] = [join(folder, "localhost.pem"), join(folder, "localhost.key.pem")]
    const receiver = await aReceiver("half-open", [certificate, key])
    const urls = ["first", "second", "third"].map((path) => `https://localhost:${receiver.port}/${path}`)
    const client = Bun.spawn([process.execPath, join(import.meta.dir, "tls-client.ts"), urls.join(","), "localhost"], {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: certificate },
      stdout: "pipe",
    })
    const printed = await new Response(client.stdout).text()
    expect(printed.trim().split("\n")).toEqual(["200 ok", "not_received", "200 ok"])
    await receiver.letThrough()
    expect(requestsOf(receiver)).toEqual(["GET /first HTTP/1.1", "GET /third HTTP/1.1"])
  }, 20_000)
})

test("a request that was acknowledged and is not answered runs into its time limit", async () => {
  const receiver = await aReceiver("silent")
  await post(receiver, "first")
  const trace: Trace = {}
  const startedAt = performance.now()
  expect(await failure(post(receiver, "second", { trace }))).toMatchObject({ code: "timed_out" })
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(4_000)
  expect(trace.isReused).toBe(true)
  expect(requestsOf(receiver)).toEqual(["POST /first HTTP/1.1", "POST /second HTTP/1.1"])
}, 20_000)

test("the queue of a connection is read from the kernel's table, of either family", () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000
   1: 0100007F:1F90 0100007F:A8E0 01 00000009:00000000 00:00000000
   2: 0100007F:A8E0 0100007F:1F90 01 0000001C:00000003 01:00000040
   3: 0100007F:A8E1 0100007F:1F90 04 0000001D:00000000 01:0000001F
   4: 00000000000000000000000001000000:A8E0 B80D0120000000000000000001000000:01BB 01 000000FF:00000000 00:00000000
`
  const queued = (localPort: number, address: string, port: number) => queuedBytes(table, { localPort, address, port })
  expect(queued(0xa8e0, "127.0.0.1", 8080)).toBe(0x1c)
  expect(queued(8080, "127.0.0.1", 0xa8e0)).toBe(9)
  expect(queued(0xa8e0, "2001:db8::1", 443)).toBe(255)
  expect(queued(0xa8e0, "127.0.0.2", 8080)).toBe(undefined)
  // It is no longer established.
  expect(queued(0xa8e1, "127.0.0.1", 8080)).toBe(undefined)
})

test("without such a table nothing is known", async () => {
  expect(await unacknowledgedBytes({ localPort: 1, address: "127.0.0.1", port: 1 }, "/nowhere")).toBe(undefined)
})
