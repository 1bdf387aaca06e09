// The handler gets its events in any order, and some twice. Its figures are those of a recount from the log, and those
// of a plain count of the domain's own tables.

import { afterAll, beforeAll, expect, test } from "bun:test"
import fc from "fast-check"
import { requireMember } from "#access/caller.ts"
import { analyticsHandler } from "#actors/handlers/analytics.ts"
import type { Db } from "#base/database/db.ts"
import { newId } from "#base/ids.ts"
import { checkIn, completeBooking } from "#domain/booking/attendance/check-in.ts"
import { markNoShow } from "#domain/booking/attendance/no-shows.ts"
import { undoCheckIn } from "#domain/booking/attendance/undo.ts"
import { cancelBooking } from "#domain/booking/cancel.ts"
import { rescheduleBooking } from "#domain/booking/reschedule.ts"
import { lockFigures } from "#domain/figures/daily.ts"
import { figuresHandler, rebuildFigures } from "#domain/figures/rebuild.ts"
import { operatorContext } from "#events/operator.ts"
import { record } from "#events/outbox.ts"
import { createBooking } from "#test/harness/club/ask.ts"
import { aClub, type Club, run } from "#test/harness/club/club.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { inOrderOf, twice } from "#test/harness/pipeline/delivered-again.ts"
import { dispatchAll, sample, subscribe } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { holds, timeoutOf } from "#test/whole/properties/property.ts"

const withinMs = 15_000
const handler = analyticsHandler()
let database: TestDatabase
let db: Db

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  await subscribe(db, figuresHandler, ...handler.events)
})
afterAll(() => database.drop())

/** What happens to a booking of an hour, in this order where it may. */
interface Fate {
  readonly court: 0 | 1
  readonly type: "open_play" | "lesson" | "private"
  readonly moved: boolean
  readonly end: "stays" | "cancelled" | "checked_in" | "completed" | "missed" | "undone"
  readonly paid: number
}

const fates = fc.array(
  fc.record<Fate>({
    court: fc.constantFrom(0, 1),
    type: fc.constantFrom("open_play", "lesson", "private"),
    moved: fc.boolean(),
    end: fc.constantFrom("stays", "cancelled", "checked_in", "completed", "missed", "undone"),
    paid: fc.constantFrom(0, 0, 500, 2_400),
  }),
  { minLength: 1, maxLength: 8 },
)
const story = fc.record({ fates, order: fc.infiniteStream(fc.nat(1_000)), handledBefore: fc.nat(6) })

test(
  "the figures are those of a recount and of the tables, whatever the order and however often a run is begun",
  () =>
    holds(
      story,
      async ({ fates, order, handledBefore }) => {
        await db`update slotbase.clock set shift = '0'`
        const club = await aClub(db)
        for (const [nth, fate] of fates.entries()) {
          await live(club, fate, nth)
          if (nth === handledBefore) await handleTwice(order)
        }
        // A recount in between leaves out what the handler has not counted yet.
        await dispatchAll(db)
        expect((await recount(club, true)).differences).toEqual([])
        if (fates.length % 2 === 0) await twice(db, handler)
        await handleTwice(order)
        const kept = await figuresOf(club)
        expect(kept).toEqual(await countedFromTables(club))
        expect((await recount(club, true)).differences).toEqual([])
        await db`update slotbase.daily_figures set bookings = bookings + 1, refunds_amount = 7 where facility_id = ${club.id}`
        const { length: rows } = await db`select from slotbase.daily_figures where facility_id = ${club.id}`
        expect((await recount(club, true)).differences).toHaveLength(2 * rows)
        expect((await recount(club, false)).differences).toHaveLength(2 * rows)
        expect(await figuresOf(club)).toEqual(kept)
      },
      { numRuns: 12, withinMs },
    ),
  timeoutOf(withinMs),
)

const recount = (club: Club, check: boolean) =>
  rebuildFigures({ db, context: operatorContext("development", "test") }, club.id, { check })

async function live(club: Club, { court, type, moved, end, paid }: Fate, nth: number): Promise<void> {
  const staff = requireMember(club.staff.caller, club.id)
  const hour = 6 + nth
  const { id } = await run(db, (tx) =>
    createBooking(tx, club.staff.caller, club.id, {
      resourceId: court === 0 ? club.court : club.otherCourt,
      ...atHour(hour),
      bookerId: club.player.id,
      paymentMethod: "offline",
      bookingType: type,
    }),
  )
  if (paid > 0)
    await run(db, async (tx) => {
      const reference = { referenceType: "booking", referenceId: id } as const
      record(tx, sample("payment.succeeded", { facilityId: club.id, amount: paid, ...reference }, club.id))
    })
  if (moved) {
    const to = { ...atHour(hour + 24), resourceId: court === 0 ? club.otherCourt : club.court }
    await run(db, (tx) => rescheduleBooking(tx, staff, id, to))
  }
  const start = atHour(moved ? hour + 24 : hour).startAt
  if (end === "stays") return
  if (end === "cancelled")
    return void (await run(db, (tx) => cancelBooking(tx, staff, id, { cancellationReason: "rain" })))
  await db`select slotbase.move_clock(${start}::timestamptz - slotbase.now() + interval '20 minutes')`
  if (end === "missed") await run(db, (tx) => markNoShow(tx, staff, id))
  else await run(db, (tx) => checkIn(tx, staff, id, {}))
  if (end === "completed") await run(db, (tx) => completeBooking(tx, staff, id))
  if (end === "undone") await run(db, (tx) => undoCheckIn(tx, staff, id, { reason: "A mistake" }))
  await db`update slotbase.clock set shift = '0'`
  // The check-in was on the day before the move.
  if (end === "undone") await run(db, (tx) => rescheduleBooking(tx, staff, id, atHour(hour + 48)))
}

/** In the given order, and each run begun twice. */
async function handleTwice(order: Iterable<number>): Promise<void> {
  await inOrderOf(order)(db, handler)
  await twice(db, handler)
}

const figuresOf = async (club: Club) =>
  (
    await db<object[]>`
      select day::text, resource_id, booking_type, bookings, cancellations, check_ins, no_shows, completions, booked_minutes,
             booked_amount, payments_amount
      from slotbase.daily_resource_figures where facility_id = ${club.id}
        and (bookings, cancellations, check_ins, no_shows, completions, booked_minutes, booked_amount, payments_amount)
          <> (0, 0, 0, 0, 0, 0, 0, 0)
      order by 1, 2, 3`
  ).map((row) => ({ ...row }))

/** A plain count of the bookings, and of the payments in the log: they are of today. */
const countedFromTables = async (club: Club) =>
  (
    await db<object[]>`
      with each as (
        select b.start_at::date as day, b.resource_id, b.booking_type, 1 as bookings,
               (b.status = 'cancelled')::integer as cancellations, (b.status in ('checked_in', 'completed'))::integer as check_ins,
               (b.status = 'no_show')::integer as no_shows, (b.status = 'completed')::integer as completions,
               case when b.status = 'cancelled' then 0 else extract(epoch from b.end_at - b.start_at) / 60 end as minutes,
               case when b.status = 'cancelled' then 0 else b.price_amount end as amount, 0 as paid
        from slotbase.bookings b where b.facility_id = ${club.id} and b.confirmed_at is not null
        union all
        select e.occurred_at::date, e.resource_id, e.booking_type, 0, 0, 0, 0, 0, 0, 0, (e.data ->> 'amount')::integer
        from slotbase.events e where e.facility_id = ${club.id} and e.type = 'payment.succeeded'
      )
      select day::text, resource_id, booking_type, sum(bookings)::integer as bookings, sum(cancellations)::integer as cancellations,
             sum(check_ins)::integer as check_ins, sum(no_shows)::integer as no_shows, sum(completions)::integer as completions,
             sum(minutes)::bigint as booked_minutes, sum(amount)::bigint as booked_amount, sum(paid)::bigint as payments_amount
      from each group by day, resource_id, booking_type order by 1, 2, 3`
  ).map((row) => ({ ...row }))

test("figures of an earlier version are replaced while the log is whole, and months that left it keep theirs", async () => {
  await db`update slotbase.clock set shift = '0'`
  const club = await aClub(db)
  await club.book(club.court, 9)
  await inOrderOf()(db, handler)
  const none = "00000000-0000-0000-0000-000000000000"
  const old = (month: string, bookings: number) => db`
    insert into slotbase.daily_figures (facility_id, day, resource_id, booking_type, log_month, bookings)
    values (${club.id}, '2026-01-05', ${none}, '', ${month}::date, ${bookings})`
  const january = async () =>
    (
      await db<{ log_month: string; bookings: number }[]>`
        select log_month::text, bookings from slotbase.daily_figures
        where facility_id = ${club.id} and day = '2026-01-05' order by log_month`
    ).map((row) => [row.log_month, row.bookings])
  await old("0001-01-01", 4)
  expect((await recount(club, false)).differences).toMatchObject([{ log_month: "0001-01-01", kept: 4, counted: 0 }])
  expect(await january()).toEqual([])

  await db`insert into slotbase.retired_months (month, partitions, began_at) values ('2026-01-01', '{}', slotbase.now())`
  await db`update slotbase.facilities set created_at = '2026-01-02T00:00:00Z' where id = ${club.id}`
  await old("2026-01-01", 7)
  await old("2026-02-01", 8)
  expect((await recount(club, false)).differences).toMatchObject([{ log_month: "2026-02-01", kept: 8, counted: 0 }])
  expect(await january()).toEqual([["2026-01-01", 7]])
  await old("0001-01-01", 4)
  expect((await recount(club, false)).refused).toBe(
    "it has figures of an earlier version, and the log no longer has all of their events",
  )
  expect(await january()).toEqual([
    ["0001-01-01", 4],
    ["2026-01-01", 7],
  ])
  await db`delete from slotbase.retired_months`
})

test("a refund that came back is no refund, and handlers that wait for the lock lose no attempt", async () => {
  await db`update slotbase.clock set shift = '0'`
  const club = await aClub(db)
  const [refundId, transactionId] = [newId(), newId()]
  const data = {
    facilityId: club.id,
    amount: 900,
    referenceType: "booking",
    referenceId: newId(),
    refundId,
    transactionId,
  }
  await run(db, async (tx) => record(tx, sample("payment.refunded", data, club.id)))
  await run(db, async (tx) => record(tx, sample("payment.refund_failed", data, club.id)))
  // Nothing was refunded here.
  await run(db, async (tx) => record(tx, sample("payment.refund_failed", { ...data, refundId: newId() }, club.id)))
  const locked = Promise.withResolvers<void>()
  const letGo = Promise.withResolvers<void>()
  const rebuilding = db.begin(async (tx) => {
    await lockFigures(tx)
    locked.resolve()
    await letGo.promise
  })
  await locked.promise
  const handling = inOrderOf()(db, handler)
  await eventually(async () => {
    const waits = await db`
      select from pg_locks where not granted and relation = 'slotbase.daily_figures'::regclass and mode = 'RowExclusiveLock'`
    expect(waits.length).toBe(1)
  })
  letGo.resolve()
  await Promise.all([rebuilding, handling])
  const [row] = await db<{ refunds: number }[]>`
    select sum(refunds_amount)::integer as refunds from slotbase.daily_figures where facility_id = ${club.id}`
  expect(row?.refunds).toBe(0)
  expect((await recount(club, true)).differences).toEqual([])
})
