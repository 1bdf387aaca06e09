// What leaves for a receiver, and what the attempt says of it, against receivers that break connections or never end
// their answers.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Socket } from "node:net"
import { aFacility } from "#test/harness/club/factories.ts"
import { startRawServer } from "#test/harness/outside/raw-server.ts"
import { aDeliverer, aWebhook, confirmed, type TestDeliverer } from "#test/harness/pipeline/webhooks.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let app: ReturnType<typeof testApp>
let deliverer: TestDeliverer
const stops: (() => void)[] = []

beforeAll(async () => {
  database = await testDatabase()
  app = testApp(database.db, { egressAllow: ["127.0.0.0/8"] })
  deliverer = await aDeliverer(app)
})
afterAll(async () => {
  await deliverer?.drain()
  for (const stop of stops) stop()
  await database?.drop()
})

type Answer = (socket: Socket, request: { readonly id: string; readonly ofConnection: number }) => void

/** A receiver of bytes, which is asked for an answer when a request is there as a whole. */
async function bytesReceiver(answer: Answer) {
  const ids: string[] = []
  const { port, stop } = await startRawServer((socket, first) => {
    let [text, ofConnection] = ["", 0]
    const read = (more: string) => {
      text += more
      const [head = "", body = ""] = text.split("\r\n\r\n")
      const header = (name: string) => new RegExp(`^${name}: *(.*?)\r?$`, "im").exec(head)?.[1] ?? ""
      if (!text.includes("\r\n\r\n") || Buffer.byteLength(body) < Number(header("content-length"))) return
      text = ""
      ids.push(header("x-slotbase-delivery-id"))
      answer(socket, { id: header("x-slotbase-delivery-id"), ofConnection: ++ofConnection })
    }
    socket.on("data", (data: Buffer) => read(data.toString()))
    read(first)
  })
  stops.push(stop)
  return { url: `http://127.0.0.1:${port}/hook`, ids }
}

const attempts = (webhookId: string) => database.db<Record<string, unknown>[]>`
  select id, outcome, response_status, error_class, error_code, connection_reused, address, body_end, response_body
  from slotbase.webhook_attempts where webhook_id = ${webhookId} order by event_id, attempt`

const whole = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

describe.each(["POST", "PUT"] as const)("by %s, on a connection that was used before", (method) => {
  test.each<readonly [string, (socket: Socket) => void]>([
    ["resets it", (socket) => socket.resetAndDestroy()],
    ["ends it", (socket) => socket.end()],
    ["ends it within the head", (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-")],
  ])("a receiver that reads the request and %s has had it once, as one attempt", async (_, broken) => {
    const inbox = await bytesReceiver((socket, { ofConnection }) =>
      ofConnection === 1 ? socket.write(whole) : broken(socket),
    )
    const facility = await aFacility(database.db)
    const webhook = await aWebhook(app, facility.id, { url: inbox.url, method, retryConfig: { maxRetries: 0 } })
    for (let n = 0; n < 2; n++) {
      await confirmed(database.db, facility.id)
      await deliverer.run()
    }
    const rows = await attempts(webhook.id)
    expect(inbox.ids).toEqual(rows.map(({ id }) => String(id)))
    expect(rows).toMatchObject([
      { outcome: "delivered", response_status: 200, error_class: null, connection_reused: false, address: "127.0.0.1" },
      { outcome: "failed", error_class: "connection", error_code: "connection_lost", connection_reused: true },
    ])
  })
})

test("a connection that the receiver closed meanwhile is not used, and costs no try", async () => {
  const closed = Promise.withResolvers<void>()
  const inbox = await bytesReceiver((socket) => {
    socket.on("close", () => closed.resolve())
    socket.end(whole)
  })
  const facility = await aFacility(database.db)
  const webhook = await aWebhook(app, facility.id, { url: inbox.url })
  await confirmed(database.db, facility.id)
  await deliverer.run()
  await closed.promise
  await confirmed(database.db, facility.id)
  await deliverer.run()
  expect(await attempts(webhook.id)).toMatchObject([
    { outcome: "delivered", connection_reused: false },
    { outcome: "delivered", connection_reused: false },
  ])
})

describe("the head decides", () => {
  test.each<readonly [string, string, object]>([
    [
      "a body that never comes",
      "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
      { body_end: "late", response_body: "" },
    ],
    [
      "a body that stops half-way",
      "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
      { body_end: "late", response_body: "ok" },
    ],
    [
      "an event stream",
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n",
      { body_end: "late", response_body: "data: 1\n\n" },
    ],
    [
      "chunks without sense",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      { body_end: "unreadable", response_body: "" },
    ],
    ["a 204 with a body", "HTTP/1.1 204 No Content\r\n\r\nok", { body_end: null, response_body: "" }],
    ["an interim answer first", `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${whole}`, { response_body: "ok" }],
  ])("%s is delivered", async (_, answer, kept) => {
    const inbox = await bytesReceiver((socket) => socket.write(answer))
    const facility = await aFacility(database.db)
    const webhook = await aWebhook(app, facility.id, { url: inbox.url })
    await confirmed(database.db, facility.id)
    await deliverer.run()
    expect(await attempts(webhook.id)).toMatchObject([{ outcome: "delivered", error_class: null, ...kept }])
    expect(inbox.ids).toHaveLength(1)
  })

  test("a 410 without the end of its body switches the webhook off", async () => {
    const inbox = await bytesReceiver((socket) => socket.write("HTTP/1.1 410 Gone\r\nContent-Length: 9\r\n\r\n"))
    const facility = await aFacility(database.db)
    const webhook = await aWebhook(app, facility.id, { url: inbox.url })
    await confirmed(database.db, facility.id)
    await deliverer.run()
    expect(await attempts(webhook.id)).toMatchObject([
      { outcome: "failed", response_status: 410, error_class: "status", error_code: "http_410", body_end: "late" },
    ])
    const [row] = await database.db`select is_active from slotbase.webhooks where id = ${webhook.id}`
    expect(row).toEqual({ is_active: false })
  })
})

test("each attempt has its error class", async () => {
  const silent = await bytesReceiver(() => {})
  const garbled = await bytesReceiver((socket) => socket.write("SSH-2.0-x\r\n"))
  const refusing = await bytesReceiver((socket) => socket.write("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"))
  const plain = await startRawServer((socket) => socket.end("no TLS here"))
  stops.push(plain.stop)
  const impatient = await aDeliverer(app, { timeoutMs: 200 })
  const cases = [
    [silent.url, "timeout", "timed_out"],
    [garbled.url, "other", "bad_answer"],
    [refusing.url, "status", "http_503"],
    ["http://127.0.0.1:2/hook", "connection", "connection_failed"],
    ["https://10.0.0.5/hook", "refused_by_guard", "private_address"],
    ["https://nowhere.invalid/hook", "dns", "name_not_found"],
    [`https://127.0.0.1:${plain.port}/hook`, "tls", "tls_failed"],
  ] as const
  for (const [url, errorClass, errorCode] of cases) {
    const facility = await aFacility(database.db)
    const webhook = await aWebhook(app, facility.id, { url, retryConfig: { maxRetries: 0 } })
    await confirmed(database.db, facility.id)
    await impatient.run()
    expect(await attempts(webhook.id)).toMatchObject([
      { outcome: "failed", error_class: errorClass, error_code: errorCode },
    ])
  }
  await impatient.drain()
})
