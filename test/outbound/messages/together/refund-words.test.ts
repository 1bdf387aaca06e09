// What the messages of money say: for which booking, and how the money comes back.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import type { HandledEvent } from "#actors/handlers/handler.ts"
import { type Answer, type TestApi, testApi } from "#test/harness/api/api.ts"
import { type PostOffice, postOffice } from "#test/harness/outbound/post-office.ts"
import { type SmtpReceiver, smtpReceiver } from "#test/harness/outside/smtp.ts"
import { testApp } from "#test/harness/setup/app.ts"

let api: TestApi
let receiver: SmtpReceiver
let tools: ReturnType<typeof testApp>
let office: PostOffice
let facilityId: string
let court: string
let mia: { id: string; token: string; email: string }

beforeAll(async () => {
  api = await testApi()
  receiver = await smtpReceiver()
  tools = testApp(api.database.db, { smtpUrl: receiver.url })
  office = await postOffice(tools)
  facilityId = await api.facility()
  mia = await api.person("player", facilityId)
  const body = { name: "Court 1", resourceType: "court", hourlyPrice: 2400 }
  court = (await api.call("POST", `/v1/facilities/${facilityId}/resources`, { body })).body.id
})
afterAll(async () => {
  await tools.mail.close()
  await receiver.close()
  await api.database.drop()
})
beforeEach(() => {
  receiver.mails.length = 0
})

const post = (path: string, body: object) => api.call("POST", `/v1/facilities/${facilityId}${path}`, { body })

async function textsOf({ status, headers }: Answer): Promise<readonly string[]> {
  expect(status).toBeLessThan(300)
  const ids = (headers.get("x-slotbase-event-ids") ?? "").split(",")
  const events = await api.database.db<
    HandledEvent[]
  >`select * from slotbase.events where id = any (${ids}) order by id`
  receiver.mails.length = 0
  for (const event of events) await office.tell(event)
  return receiver.mails.map(({ text = "" }) => text)
}

test.each([
  ["cash", "You get the refund at the front desk.", "handed €24.00 of your payment back to you."],
  ["bank_transfer", "The refund goes back the way it was paid. A bank takes some days to show it.", "refunded €24.00"],
] as const)("what was paid by %s comes back the same way, and the mails say so", async (paymentMethod, told, given) => {
  const [from, to] = paymentMethod === "cash" ? [8, 9] : [9, 10]
  const at = { startAt: new Date(Date.UTC(2031, 5, 3, from)), endAt: new Date(Date.UTC(2031, 5, 3, to)) }
  const booked = await post("/bookings", { ...at, resourceId: court, bookerId: mia.id, paymentMethod: "offline" })
  expect(booked.status).toBe(201)
  await post("/offline-payments", { bookingId: booked.body.id, amount: 2400, paymentMethod })
  const [cancelled] = await textsOf(await post(`/bookings/${booked.body.id}/cancel`, { cancellationReason: "Rain" }))
  expect(cancelled).toContain(told)
  const { body } = await api.call("GET", `/v1/facilities/${facilityId}/refunds?referenceId=${booked.body.id}`)
  const [back] = await textsOf(await post(`/refunds/${body.data[0].id}/hand-back`, {}))
  expect(back).toContain(given)
  expect(back).toMatch(/\nFor: Booking: Court 1, Tuesday, 3 June 2031, \d\d:00–\d\d:00 \([0-9A-F]{6}\)\n/)
  expect(back?.includes("A bank takes some days")).toBe(paymentMethod !== "cash")
})
