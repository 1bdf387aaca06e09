// What a webhook selects, on a real club: patterns, filters on a court and a type, and conditions on the data.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { newId } from "#base/ids.ts"
import { definitionOf } from "#events/catalogue.ts"
import { mirrorEventTypes } from "#events/mirror.ts"
import { record, transact } from "#events/outbox.ts"
import type { WebhookInput } from "#outbound/webhooks/input.ts"
import { widenPatterns } from "#outbound/webhooks/webhooks.ts"
import { aBookingClub, type BookingClub, offline } from "#test/harness/club/booking-club.ts"
import { context, dispatchAll, sample, unbalanced } from "#test/harness/pipeline/pipeline.ts"
import { aWebhook } from "#test/harness/pipeline/webhooks.ts"

let club: BookingClub
beforeAll(async () => {
  club = await aBookingClub()
})
afterAll(() => club.api.database.drop())

const db = () => club.api.database.db

async function hook(events: WebhookInput["events"], filters?: WebhookInput["filters"]): Promise<string> {
  const given = { url: "https://example.com/", events, ...(filters && { filters }) }
  return (await aWebhook(club.api.app, club.id, given)).id
}

/** The types that wait for a webhook, in the order of the log. */
async function selected(webhookId: string): Promise<string[]> {
  await dispatchAll(db())
  const rows = await db()<{ type: string }[]>`
    select p.type from slotbase.delivery_queue q join slotbase.event_positions p on p.position = q.position
    where q.webhook_id = ${webhookId} order by q.position`
  return rows.map(({ type }) => type)
}

async function booked(hour: number, resourceId: string): Promise<string> {
  const { status, body } = await club.post(club.staff, "/bookings", offline(club, hour, { resourceId }))
  expect(status).toBe(201)
  return body.id as string
}

test("what is about a booking carries its court and its type: payments, refunds, check-ins, no-shows", async () => {
  const everything = ["booking.*", "payment.*", "offline_payment.*"] as const
  const here = await hook(everything, { resourceIds: [club.court], whenAbsent: "skip" })
  const lessons = await hook(everything, { bookingTypes: ["lesson"] })
  const bookingId = await booked(9, club.freeCourt)
  const about = { referenceType: "booking", referenceId: bookingId }
  await transact(db(), context, async (tx) => {
    for (const type of ["payment.succeeded", "payment.failed", "payment.refunded", "payment.refund_failed"] as const)
      record(tx, sample(type, about, club.id))
    record(tx, sample("offline_payment.recorded", { bookingId }, club.id))
    record(tx, sample("booking.checked_in", { bookingId }, club.id))
    record(tx, sample("booking.no_show", { bookingId }, club.id))
    record(tx, sample("booking.no_show.waived", { bookingId }, club.id))
  })
  expect(await selected(here)).toEqual([])
  expect(await selected(lessons)).toEqual([])
  const rows = await db()`
    select distinct resource_id, booking_type from slotbase.events
    where data ->> 'bookingId' = ${bookingId} or data ->> 'referenceId' = ${bookingId}`
  expect(rows.map((row) => ({ ...row }))).toEqual([{ resource_id: club.freeCourt, booking_type: "open_play" }])
})

test("a filter delivers an event that has neither court nor type, unless the webhook skips it", async () => {
  const delivers = await hook(["user.created", "booking.confirmed"], { resourceIds: [club.court] })
  const skips = await hook(["user.created", "booking.confirmed"], { resourceIds: [club.court], whenAbsent: "skip" })
  await transact(db(), context, async (tx) => record(tx, sample("user.created", {}, club.id)))
  await booked(11, club.court)
  expect(await selected(delivers)).toEqual(["user.created", "booking.confirmed"])
  expect(await selected(skips)).toEqual(["booking.confirmed"])
})

test("a pattern delivers each of its types, and a condition those whose data fulfils it; the ledger says the same", async () => {
  const bookings = await hook(["booking.*"])
  const dear = await hook(["*"], { conditions: [{ path: "data.priceAmount", operator: "greater", value: 5_000 }] })
  const prices = [2_400, 5_000, 5_001, 9_000]
  await transact(db(), context, async (tx) => {
    for (const priceAmount of prices)
      record(tx, sample("booking.confirmed", { bookingId: newId(), priceAmount }, club.id))
    record(tx, sample("booking.rescheduled", { bookingId: newId(), priceAmount: 6_000 }, club.id))
    record(tx, sample("payment.failed", { referenceId: newId(), amount: 9_000 }, club.id))
  })
  expect(await selected(bookings)).toEqual([...prices.map(() => "booking.confirmed"), "booking.rescheduled"])
  expect(await selected(dear)).toEqual(["booking.confirmed", "booking.confirmed", "booking.rescheduled"])
  expect(await unbalanced(db())).toHaveLength(0)
})

test("a webhook whose pattern means more since this release gets the new types at the start, and keeps newer ones", async () => {
  const id = await hook(["payment.*"])
  await db()`
    update slotbase.webhook_versions set events = '{payment.failed,payment.of_tomorrow}' where webhook_id = ${id}`
  expect(await widenPatterns(db())).toBe(1)
  expect(await widenPatterns(db())).toBe(0)
  const versions = await db()<{ version: number; events: string[]; ended: boolean }[]>`
    select version, events, ended from slotbase.webhook_versions where webhook_id = ${id} order by version`
  expect(versions.map((row) => ({ ...row }))).toEqual([
    { version: 1, events: ["payment.failed", "payment.of_tomorrow"], ended: true },
    {
      version: 2,
      events: [
        "payment.succeeded",
        "payment.failed",
        "payment.refunded",
        "payment.refund_failed",
        "payment.of_tomorrow",
      ],
      ended: false,
    },
  ])
  const [change] = await db()`
    select changed, changed_by from slotbase.webhook_changes where webhook_id = ${id} and version = 2`
  expect({ ...change }).toEqual({ changed: ["types"], changed_by: null })
})

// The last one: the event waits until the program has checked it, and every other one behind it.
test("an event that SQL records about a booking carries its court too", async () => {
  const bookingId = await booked(10, club.court)
  const data = { ...definitionOf("payment.succeeded")?.sample, referenceId: bookingId }
  await mirrorEventTypes(db(), "development")
  const [row] = await db()<[{ id: string }]>`
    select slotbase.record_event('payment.succeeded', ${club.id}, ${db().json(data as never)}) as id`
  const [event] = await db()`select resource_id, booking_type from slotbase.events where id = ${row.id}`
  expect({ ...event }).toEqual({ resource_id: club.court, booking_type: "open_play" })
})
