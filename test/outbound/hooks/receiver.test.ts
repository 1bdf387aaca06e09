// examples/receiver.py, started as its page says, gets real events: it verifies them, keeps each once, and sees gaps.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { authHeaders, plainHeaders } from "#outbound/webhooks/request.ts"
import { newSigningSecret } from "#outbound/webhooks/signature.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { type PythonReceiver, startPythonReceiver } from "#test/harness/outside/python-receiver.ts"
import { aDeliverer, aWebhook, confirmed, type TestDeliverer } from "#test/harness/pipeline/webhooks.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

const secret = newSigningSecret()
let api: TestApi
let deliverer: TestDeliverer
let receiver: PythonReceiver

beforeAll(async () => {
  api = await testApi({ egressAllow: ["127.0.0.0/8"] })
  deliverer = await aDeliverer(api.app)
  receiver = await startPythonReceiver({ secrets: [newSigningSecret(), secret] })
})
afterAll(async () => {
  await deliverer?.drain()
  await receiver?.remove()
  await api?.database.drop()
})

test("every event is verified and kept, and the deliveries have succeeded", async () => {
  const facilityId = await api.facility()
  const { id } = await aWebhook(api.app, facilityId, {
    url: receiver.url,
    authType: "signature",
    authConfig: { signingSecret: secret },
  })
  const ids = await confirmed(api.database.db, facilityId, 3)
  await deliverer.run()
  const rows = await api.database.db<{ status: string; event_id: string }[]>`
    select status, event_id from slotbase.delivery_history where webhook_id = ${id}`
  expect(rows.map(({ status }) => status)).toEqual(["delivered", "delivered", "delivered"])
  await eventually(() =>
    expect(
      receiver
        .lines()
        .map((line) =>
          line
            .split("  ")[0]
            ?.replace(/ missing .*/, "")
            .trim(),
        )
        .sort(),
    ).toEqual(ids.map((eventId) => `new booking.confirmed ${eventId}`).sort()),
  )
})

test("a second delivery is told from the first, a gap is named, and a forged request is refused", async () => {
  const before = receiver.lines().length
  expect(await send("a", 10)).toBe(204)
  expect(await send("a", 10)).toBe(204)
  expect(await send("b", 12)).toBe(204)
  expect(await send("c", 13, "another secret")).toBe(401)
  expect(await send("d", 13, secret, Date.now() / 1000 - 301)).toBe(401)
  await eventually(() => expect(receiver.lines().length).toBe(before + 5))
  const [first, second, third, fourth, fifth] = receiver.lines().slice(before)
  expect([first, second]).toEqual([
    expect.stringContaining("new booking.confirmed a"),
    expect.stringContaining("again booking.confirmed a"),
  ])
  expect(third).toContain("missing [4, 5, 6, 7, 8, 9, 11]")
  expect([fourth, fifth]).toEqual([
    expect.stringContaining("refused wrong_signature"),
    expect.stringContaining("refused too_old"),
  ])
})

/** A request as SlotBase sends it. */
async function send(eventId: string, sequence: number, signingSecret = secret, at = Date.now() / 1000) {
  const body = JSON.stringify({ id: eventId, type: "booking.confirmed", data: {} })
  const timestamp = Math.floor(at)
  const attempt = { attemptId: "x", eventId, eventType: "booking.confirmed", sequence, position: sequence, replay: 0 }
  const auth = authHeaders("signature", { signingSecret }, { eventId, body, timestamp })
  const headers = { ...plainHeaders(attempt, timestamp), ...auth.headers }
  return (await fetch(receiver.url, { method: "POST", headers, body, keepalive: false })).status
}
