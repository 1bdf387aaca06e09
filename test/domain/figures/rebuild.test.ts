// The handler gets its events in any order, and some twice. Its figures are those of a recount from the log, and those
// of a plain count of the domain's own tables.

import { afterAll, beforeAll, expect, test } from "bun:test"
import fc from "fast-check"
import { requireMember } from "#access/caller.ts"
import { analyticsHandler } from "#actors/handlers/analytics.ts"
import type { Db } from "#base/database/db.ts"
import { checkIn, completeBooking } from "#domain/booking/attendance/check-in.ts"
import { markNoShow } from "#domain/booking/attendance/no-shows.ts"
import { undoCheckIn } from "#domain/booking/attendance/undo.ts"
import { cancelBooking } from "#domain/booking/cancel.ts"
import { rescheduleBooking } from "#domain/booking/reschedule.ts"
import { figuresHandler, rebuildFigures } from "#domain/figures/rebuild.ts"
import { operatorContext } from "#events/operator.ts"
import { record } from "#events/outbox.ts"
import { createBooking } from "#test/harness/club/ask.ts"
import { aClub, type Club, run } from "#test/harness/club/club.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { inOrderOf, twice } from "#test/harness/pipeline/delivered-again.ts"
import { dispatchAll, sample, subscribe } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
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
