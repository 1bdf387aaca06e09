// capacity-check: counters that are right are left alone, wrong ones are set right, and each new level is told once.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { requireMember } from "#access/caller.ts"
import { capacityCheck } from "#actors/jobs/capacity-check.ts"
import type { Db } from "#base/database/db.ts"
import { newId } from "#base/ids.ts"
import { releaseHold } from "#domain/booking/holds.ts"
import { createResource } from "#domain/club/resources.ts"
import { giveRole } from "#domain/people/roles.ts"
import { monthOfDay } from "#domain/plans/active-users.ts"
import { createHold } from "#test/harness/club/ask.ts"
import { aClub, type Club, run } from "#test/harness/club/club.ts"
import { aPerson } from "#test/harness/club/factories.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { aTinyPlan, eventsOf, subscribed } from "#test/harness/club/subscriptions.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db
let club: Club
let app: ReturnType<typeof testApp>

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  app = testApp(db)
  await aTinyPlan(db)
})
afterAll(() => database.drop())
beforeEach(async () => {
  await db`update slotbase.subscription_plans set bookings_per_month = 10, monthly_active_users = null where id = 'tiny'`
  await db`delete from slotbase.entitlement_counters`
  await db`update slotbase.subscriptions set status = 'cancelled', ended_at = slotbase.now(), cancelled_at = slotbase.now(),
    cancelled_by = created_by where status <> 'cancelled'`
  club = await aClub(db)
  await subscribed(db, club)
})

const check = async () => (await capacityCheck(app).pass(new AbortController().signal)).did
const right = { facilities: 1, drifted: 0, warned: 0 }
const warnings = async () =>
  (await eventsOf(db, club.id, "subscription.limit_warning")).map(({ data }) => [
    data.entitlementType,
    data.warningLevel,
    data.currentUsage,
    data.limit,
  ])
const setUsed = (used: number) =>
  db`update slotbase.entitlement_counters set used = ${used} where facility_id = ${club.id} and entitlement = 'bookings_per_month'`
const used = async () =>
  Object.fromEntries(
    (
      await db<{ entitlement: string; used: number }[]>`
        select entitlement, used from slotbase.entitlement_counters where facility_id = ${club.id} order by entitlement`
    ).map(({ entitlement, used }) => [entitlement, used]),
  )

test("a club that books, cancels, holds and gives roles has no drift", async () => {
  const booking = await club.book(club.court, 1)
  await club.book(club.court, 2)
  await club.cancel(booking.id)
  expect(await check()).toEqual(right)
  const hold = await run(db, (tx) =>
    createHold(tx, club.staff.caller, club.id, { resourceId: club.court, ...atHour(3), bookerId: club.player.id }),
  )
  await run(db, (tx) => releaseHold(tx, requireMember(club.staff.caller, club.id), hold.id))
  await run(db, (tx) =>
    createResource(tx, club.admin.caller, club.id, { name: "Court 3", resourceType: "court", hourlyPrice: 100 }),
  )
  const { id: userId } = await aPerson(db)
  await run(db, (tx) =>
    giveRole(
      tx,
      club.admin.id,
      userId,
      { role: "coach", scopeType: "facility", scopeId: club.id },
      { facilityId: club.id },
    ),
  )
  expect(await used()).toEqual({ bookings_per_month: 3, coaches: 1, resources: 3 })
  expect(await check()).toEqual(right)
  expect(await warnings()).toEqual([["coaches", "at_limit", 1, 1]])
})

test("a counter that has drifted is set right, and is counted in the result", async () => {
  await club.book(club.court, 1)
  await setUsed(7)
  await db`delete from slotbase.entitlement_counters where facility_id = ${club.id} and entitlement = 'coaches'`
  expect(await check()).toEqual({ facilities: 1, drifted: 2, warned: 0 })
  expect(await used()).toEqual({ bookings_per_month: 1, coaches: 0, resources: 2 })
  expect(await check()).toEqual(right)
})

test("a level that no use announced is announced once: the plan allows less, and the use falls and rises again", async () => {
  for (let hour = 1; hour <= 4; hour++) await club.book(club.court, hour)
  await db`update slotbase.subscription_plans set bookings_per_month = 4 where id = 'tiny'`
  expect(await check()).toEqual({ facilities: 1, drifted: 1, warned: 1 })
  expect(await check()).toEqual(right)
  // Falls, by a mended row, and rises again.
  const [gone] = await db<
    { id: string }[]
  >`select id from slotbase.bookings where facility_id = ${club.id} order by id limit 1`
  await db`update slotbase.bookings set status = 'released' where id = ${gone?.id ?? null}`
  expect(await check()).toEqual({ facilities: 1, drifted: 1, warned: 0 })
  await db`update slotbase.bookings set status = 'confirmed' where id = ${gone?.id ?? null}`
  expect(await check()).toEqual({ facilities: 1, drifted: 1, warned: 0 })
  expect(await warnings()).toEqual([["bookings_per_month", "at_limit", 4, 4]])
  await db`update slotbase.subscription_plans set bookings_per_month = 3 where id = 'tiny'`
  await check()
  expect((await warnings()).at(-1)).toEqual(["bookings_per_month", "exceeded", 4, 3])
})

test("a counter whose month is over begins anew: that is no drift", async () => {
  await club.book(club.court, 1)
  await db`
    update slotbase.entitlement_counters
    set period_start = period_start - interval '40 days', period_end = slotbase.now() - interval '1 second', period_number = 0
    where facility_id = ${club.id}`
  expect(await check()).toEqual(right)
  const [row] =
    await db`select period_end > slotbase.now() as runs from slotbase.entitlement_counters where facility_id = ${club.id}`
  expect(row?.runs).toBe(true)
})

test("the monthly active users are counted anew too, and their level is announced once", async () => {
  const month = monthOfDay(new Date().toISOString().slice(0, 10))
  await db`
    insert into slotbase.monthly_active_users (facility_id, month, user_id, event_id)
    select ${club.id}, ${month}::text::date, u, ${newId()} from unnest(${[newId(), newId(), newId(), newId()]}::uuid[]) u`
  await db`insert into slotbase.active_user_months (facility_id, month, users) values (${club.id}, ${month}::text::date, 9)`
  await db`update slotbase.subscription_plans set monthly_active_users = 5 where id = 'tiny'`
  expect(await check()).toEqual({ facilities: 1, drifted: 1, warned: 1 })
  expect(await check()).toEqual(right)
  expect(await warnings()).toEqual([["monthly_active_users", "approaching", 4, 5]])
})

test("two processes at once set it right and announce it once", async () => {
  for (let hour = 1; hour <= 4; hour++) await club.book(club.court, hour)
  await db`update slotbase.subscription_plans set bookings_per_month = 4 where id = 'tiny'`
  await Promise.all([check(), check(), check()])
  expect(await warnings()).toEqual([["bookings_per_month", "at_limit", 4, 4]])
})

test("a use at the same moment is no drift", async () => {
  const [checks] = await Promise.all([
    Promise.all(Array.from({ length: 6 }, check)),
    Promise.all([1, 2, 3, 4, 5].map((hour) => club.book(club.court, hour))),
  ])
  expect(checks.map((did) => did?.drifted)).toEqual([0, 0, 0, 0, 0, 0])
  expect((await used()).bookings_per_month).toBe(5)
})
