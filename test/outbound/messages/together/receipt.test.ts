// The receipt of a payment and the confirmation of its booking in one message, whichever is handled first.
// A refund that a cancellation tells has no message of its own.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { type HandledEvent, type Outcome, TryLater } from "#actors/handlers/handler.ts"
import { expireHolds } from "#domain/booking/holds.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { type Courts, makeCourts } from "#test/harness/api/booking-api.ts"
import { run } from "#test/harness/club/club.ts"
import { eventsAbout, makeTill, type Till } from "#test/harness/club/payments.ts"
import { type PostOffice, postOffice } from "#test/harness/outbound/post-office.ts"
import { type SmtpReceiver, smtpReceiver } from "#test/harness/outside/smtp.ts"
import { testApp } from "#test/harness/setup/app.ts"

let api: TestApi
let its: Courts
let till: Till
let receiver: SmtpReceiver
let tools: ReturnType<typeof testApp>
let office: PostOffice

beforeAll(async () => {
  api = await testApi()
  its = await makeCourts(api)
  till = await makeTill(api, its)
  receiver = await smtpReceiver()
  tools = testApp(api.database.db, { smtpUrl: receiver.url })
  office = await postOffice(tools)
})
afterAll(async () => {
  await tools.mail.close()
  await receiver.close()
  await api.database.drop()
})

const db = () => api.database.db
/** Handles the only event of a type about a booking or payment. */
async function notify(id: string, type: string): Promise<Outcome | TryLater> {
  const [recorded] = await eventsAbout(db(), id, type)
  const [event] = await db()<HandledEvent[]>`select * from slotbase.events where id = ${recorded?.id ?? null}`
  if (!event) throw new Error(`no ${type}`)
  return office.tell(event).catch((error: unknown) => {
    if (error instanceof TryLater) return error
    throw error
  })
}
const sent = () => receiver.mails.splice(0).map(({ subject }) => subject)

test("a paid hold is one mail: the confirmation with the lines of its receipt", async () => {
  const bookingId = await till.hold()
  await till.pay(bookingId)
  // Not decided yet, so nobody is told that the money has arrived.
  expect(await notify(bookingId, "payment.succeeded")).toMatchObject({ message: "the booking may be confirmed by it" })
  await till.react()
  await notify(bookingId, "booking.confirmed")
  const [mail] = receiver.mails
  expect(mail?.text).toMatch(/\nPaid: €24\.00 by card, \w+, \d{1,2} \w+ \d{4}, \d\d:\d\d\n/)
  expect(mail?.text).toContain("Thank you for your payment.")
  const receipt = await notify(bookingId, "payment.succeeded")
  expect(receipt).toEqual({ skipped: "told in the confirmation of the booking" })
  expect(sent()).toHaveLength(1)
})

test("when the receipt is asked about first and again, or after the confirmation, it is the same", async () => {
  const bookingId = await till.hold()
  await till.pay(bookingId)
  await till.react()
  for (const _ of [1, 2])
    expect(await notify(bookingId, "payment.succeeded")).toEqual({ skipped: "told in the confirmation of the booking" })
  await notify(bookingId, "booking.confirmed")
  await notify(bookingId, "booking.confirmed")
  expect(sent()).toHaveLength(1)
})

/** A hold that is paid after it expired and somebody else had the slot. */
async function paidTooLate(): Promise<string> {
  const bookingId = await till.hold()
  await till.pay(bookingId)
  await db()`update slotbase.bookings set hold_expires_at = slotbase.now() - interval '1 minute' where id = ${bookingId}`
  await run(api.database.db, (tx) => expireHolds(tx, 100))
  const [{ start_at, end_at } = { start_at: new Date(), end_at: new Date() }] = await db()<
    { start_at: Date; end_at: Date }[]
  >`select start_at, end_at from slotbase.bookings where id = ${bookingId}`
  const body = {
    resourceId: its.court,
    startAt: start_at,
    endAt: end_at,
    bookerId: its.staff.id,
    paymentMethod: "waived",
  }
  expect((await api.call("POST", `${till.at}/bookings`, { body })).status).toBe(201)
  await till.react()
  return bookingId
}

test("money that could not keep its booking has a receipt, and is told to go back", async () => {
  const bookingId = await paidTooLate()
  expect(await notify(bookingId, "payment.succeeded")).toBeUndefined()
  expect(await notify(bookingId, "booking.payment_voided")).toBeUndefined()
  expect(sent().map((subject) => subject?.split(":")[0])).toEqual(["Payment received", "Your payment goes back"])
})

test("a refund that staff make is told to whoever paid, with a link to the booking", async () => {
  const bookingId = await till.hold()
  const paid = await till.pay(bookingId)
  await till.react()
  expect((await till.refund(paid.body.id, { amount: 701, reason: "The light went out" })).status).toBe(201)
  expect(await notify(bookingId, "payment.refunded")).toBeUndefined()
  const [mail] = receiver.mails.splice(0)
  expect([mail?.subject, mail?.recipients]).toEqual([
    expect.stringMatching(/^Refund: €7\.01 from /),
    [its.player.email],
  ])
  expect(mail?.text).toContain("\nReason: The light went out\n")
  expect(mail?.text).toMatch(/\nSee the booking and its invoices: \S+\/booking-links\/[\w-]{64}\n/)
})

test("a refund that a cancellation tells has no mail of its own, nor has one of money that came too late", async () => {
  const bookingId = await till.hold()
  await till.pay(bookingId)
  await till.react()
  await till.cancel(bookingId)
  await till.react()
  expect(await notify(bookingId, "payment.refunded")).toEqual({ skipped: "told in the message of booking.cancelled" })
  const late = await paidTooLate()
  expect(await notify(late, "payment.refunded")).toEqual({ skipped: "told in the message of booking.payment_voided" })
  expect(sent()).toEqual([])
})
