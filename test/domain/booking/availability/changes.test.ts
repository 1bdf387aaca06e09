// Moves, requests and prices against the availability cache: no cached day is served that one of them has changed.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { requireAdmin, requireMember } from "#access/caller.ts"
import { cacheInvalidationHandler } from "#actors/handlers/cache-invalidation.ts"
import type { HandledEvent } from "#actors/handlers/handler.ts"
import { mirrorHandlers } from "#actors/handlers/index.ts"
import { runTransactional } from "#actors/runs/transactional.ts"
import { newId } from "#base/ids.ts"
import { availabilityOf } from "#domain/booking/availability/availability.ts"
import { putPolicy } from "#domain/booking/policies.ts"
import { createPriceRule } from "#domain/booking/price-rules.ts"
import { rescheduleBooking } from "#domain/booking/reschedule.ts"
import { record } from "#events/outbox.ts"
import { createBooking } from "#test/harness/club/ask.ts"
import { aClub, type Club, run } from "#test/harness/club/club.ts"
import { atHour, dayOf } from "#test/harness/club/hours.ts"
import { dispatchAll, processRow, sample } from "#test/harness/pipeline/pipeline.ts"
import { claimFree } from "#test/harness/pipeline/runs.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let club: Club
const handler = cacheInvalidationHandler()

beforeAll(async () => {
  database = await testDatabase()
  await mirrorHandlers(database.db, [handler])
})
afterAll(() => database.drop())
beforeEach(async () => {
  club = await aClub(database.db)
  await settle()
})

const db = () => database.db

/** Gives every event its position, and lets the handler process all of them. */
async function settle(): Promise<void> {
  await dispatchAll(db())
  for (;;) {
    const claim = await claimFree(db(), handler.name, await processRow(db(), true), 100)
    if (claim.runs.length === 0) return
    await runTransactional(db(), handler, claim, "development")
  }
}
const look = (hour: number) =>
  availabilityOf(db(), requireMember(club.player.caller, club.id), { date: dayOf(hour), resourceId: club.court })
const statusAt = async (hour: number) =>
  (await look(hour)).slots?.find(({ startAt }) => startAt === atHour(hour).startAt)?.status
/** Makes every cached day say that each slot costs 7, so that an answer shows whether it came from the cache. */
const poison = () => db()`
  update slotbase.availability_cache
  set slots = (select jsonb_agg(s || '{"priceAmount":7}') from jsonb_array_elements(slots) s)
  where facility_id = ${club.id} and slots is not null`
const isServed = async (hour: number) => (await look(hour)).slots?.every(({ priceAmount }) => priceAmount === 7)

test("a move changes both its old and its new day", async () => {
  const booking = await club.book(club.court, 9)
  await settle()
  for (const hour of [9, 33, 57]) await look(hour)
  await poison()
  const move = (tx: Parameters<typeof rescheduleBooking>[0]) =>
    rescheduleBooking(tx, requireMember(club.player.caller, club.id), booking.id, atHour(33))
  await run(db(), move)
  await settle()
  expect([await statusAt(9), await statusAt(33), await isServed(57)]).toEqual(["free", "booked", true])
  expect([await isServed(9), await isServed(33)]).toEqual([false, false])
})

test("a request for approval shows at once, also in the cache", async () => {
  await run(db(), (tx) =>
    putPolicy(tx, requireAdmin(club.admin.caller, club.id), { approvalBookingTypes: ["private"] }),
  )
  await settle()
  expect(await statusAt(9)).toBe("free")
  const wish = { resourceId: club.court, ...atHour(9), bookingType: "private", paymentMethod: "online" } as const
  await run(db(), (tx) => createBooking(tx, club.player.caller, club.id, wish))
  expect(await statusAt(9)).toBe("held")
  await settle()
  expect([await statusAt(9), await statusAt(9)]).toEqual(["held", "held"])
})

test("a buffer over midnight changes the day behind it too, and a booking after midnight the day before", async () => {
  const admin = requireAdmin(club.admin.caller, club.id)
  await run(db(), (tx) => putPolicy(tx, admin, { buffers: [{ minutes: 90 }] }))
  await settle()
  const firstHourOf = async (hour: number) => {
    const [first] = (await look(hour)).slots ?? []
    return (Date.parse(first?.startAt ?? "") - Date.parse(atHour(0).startAt)) / 3_600_000
  }
  const [today, tomorrow] = [await firstHourOf(36), await firstHourOf(60)]
  await look(12)
  await poison()
  await club.book(club.court, tomorrow - 1)
  await settle()
  expect([await isServed(36), await isServed(60)]).toEqual([false, false])
  expect((await look(60)).slots?.slice(0, 3).map(({ status }) => status)).toEqual(["blocked", "blocked", "free"])
  await poison()
  await club.book(club.court, today)
  await settle()
  expect((await look(12)).slots?.at(-1)?.status).toBe("blocked")
})

test("no day is served at yesterday's prices, not even one that is stored after the change", async () => {
  await look(9)
  await poison()
  expect(await isServed(9)).toBe(true)
  const [kept] = await db()<[{ row: object }]>`
    select to_jsonb(c) as row from slotbase.availability_cache c where facility_id = ${club.id} and resource_id = ${club.court}`
  await run(db(), (tx) =>
    createPriceRule(tx, requireAdmin(club.admin.caller, club.id), { name: "All", hourlyPrice: 500 }),
  )
  expect((await look(9)).slots?.[0]?.priceAmount).toBe(500)
  await settle()
  // A read that began before the change, and stores its result only now.
  await db()`
    insert into slotbase.availability_cache select * from jsonb_populate_record(null::slotbase.availability_cache, ${db().json(kept.row as never)})
    on conflict (facility_id, resource_id, day) do update set built_at = excluded.built_at, slots = excluded.slots,
      facility_version = excluded.facility_version`
  expect((await look(9)).slots?.[0]?.priceAmount).toBe(500)
})

test("a decision about an unknown block is skipped, and the rest of its batch is handled", async () => {
  await run(db(), async (tx) => {
    record(tx, sample("coach.block.approved", { blockId: newId(), facilityId: club.id }, club.id))
    record(tx, sample("booking.confirmed", { bookingId: newId(), resourceId: club.court, ...atHour(9) }, club.id))
  })
  const events = await db()<HandledEvent[]>`
    select e.*, 7 as position from slotbase.events e where facility_id = ${club.id} order by id`
  const outcomes = await db().begin((tx) => handler.handleAll(tx, events))
  expect(outcomes).toEqual([{ skipped: "the block does not exist" }, undefined])
  const touched = await db()<{ day: string }[]>`
    select day::text from slotbase.availability_cache where facility_id = ${club.id} and touched_at = 7`
  expect(touched.map(({ day }) => day)).toEqual([dayOf(9)])
})
