// active-user-reset: the end of a local month, and the beginning of the next one.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { requireStaff } from "#access/caller.ts"
import { activeUserReset } from "#actors/jobs/active-user-reset.ts"
import type { Db } from "#base/database/db.ts"
import { newId } from "#base/ids.ts"
import { countActive } from "#domain/plans/active-users.ts"
import { getUsage, listActiveMonths } from "#domain/subscriptions/read.ts"
import { aClub, type Club, run } from "#test/harness/club/club.ts"
import { noStop, tickOf } from "#test/harness/club/debts.ts"
import { eventsOf, moveTo, subscribed } from "#test/harness/club/subscriptions.ts"
import { failure } from "#test/harness/pipeline/pipeline.ts"
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
  await db`update slotbase.subscription_plans set monthly_active_users = 5 where id = 'starter'`
})
afterAll(() => database.drop())
beforeEach(async () => {
  await db`update slotbase.clock set shift = '0'`
  club = await aClub(db)
  await db`update slotbase.facilities set created_at = '2031-01-10T00:00:00Z' where id = ${club.id}`
})

const reset = (day: string, timezone = "UTC") =>
  activeUserReset(app).run(tickOf(club.id, timezone, day, "00:00"), noStop)
const active = (month: string, people: number) =>
  run(db, (tx) =>
    countActive(tx, {
      facilityId: club.id,
      eventId: newId(),
      month,
      userIds: Array.from({ length: people }, newId),
    }),
  )
const staff = () => requireStaff(club.staff.caller, club.id)
const months = async () =>
  (await listActiveMonths(db, staff(), {})).data.map(({ month, users, closedUsers, limit, closedAt }) => [
    month,
    users,
    closedUsers,
    limit,
    closedAt !== null,
  ])

test("the month is closed once with its count and limit, the next one begins at zero, and warnings are open again", async () => {
  await subscribed(db, club, { planId: "starter" })
  await active("2031-02-01", 4)
  expect(await reset("2031-03-01")).toEqual({ closed: 1 })
  expect(await reset("2031-03-01")).toEqual({ closed: 0 })
  expect(await months()).toEqual([
    ["2031-03-01", 0, null, null, false],
    ["2031-02-01", 4, 4, 5, true],
  ])
  expect((await eventsOf(db, club.id, "facility.active_users_closed")).map(({ data }) => data)).toEqual([
    { facilityId: club.id, month: "2031-02-01", users: 4, limit: 5, nextMonth: "2031-03-01" },
  ])
  await active("2031-03-01", 4)
  expect((await eventsOf(db, club.id, "subscription.limit_warning")).map(({ data }) => data.currentUsage)).toEqual([
    4, 4,
  ])
})

test("an event of the old month that comes late counts in the old month; its closed count stays", async () => {
  await active("2031-02-01", 2)
  await reset("2031-03-01")
  await active("2031-02-01", 1)
  expect(await months()).toEqual([
    ["2031-03-01", 0, null, null, false],
    ["2031-02-01", 3, 2, null, true],
  ])
})

test("a missed tick is made up for, a month without anybody is closed with none, and one before the opening is not made", async () => {
  await active("2031-02-01", 1)
  expect(await reset("2031-05-01")).toEqual({ closed: 2 })
  expect((await months()).map(([month, users, closed]) => [month, users, closed])).toEqual([
    ["2031-05-01", 0, null],
    ["2031-04-01", 0, 0],
    ["2031-02-01", 1, 1],
  ])
  club = await aClub(db)
  await db`update slotbase.facilities set created_at = '2031-05-03T00:00:00Z' where id = ${club.id}`
  expect(await reset("2031-05-01")).toEqual({ closed: 0 })
})

test("the use that staff read is that of the new month from its first local instant on", async () => {
  for (const [timezone, last, first] of [
    ["Pacific/Kiritimati", "2031-03-31T09:59:59Z", "2031-03-31T10:00:00Z"],
    ["Pacific/Pago_Pago", "2031-04-01T10:59:59Z", "2031-04-01T11:00:00Z"],
    // The clocks went forward in the last week of March.
    ["Europe/Berlin", "2031-03-31T21:59:59Z", "2031-03-31T22:00:00Z"],
  ] as const) {
    await db`update slotbase.clock set shift = '0'`
    club = await aClub(db)
    await db`update slotbase.facilities set timezone = ${timezone} where id = ${club.id}`
    await subscribed(db, club, { planId: "starter" })
    await active("2031-03-01", 3)
    const readAt = async (instant: string) => {
      await moveTo(db, instant)
      const { entitlements } = await getUsage(db, staff())
      return entitlements.find(({ entitlement }) => entitlement === "monthly_active_users")?.used
    }
    expect([await readAt(last), await readAt(first)]).toEqual([3, 0])
  }
})

test("a facility that there is not is an error", async () => {
  const error = await failure(activeUserReset(app).run(tickOf(newId(), "UTC", "2031-03-01"), noStop))
  expect(error).toMatchObject({ _tag: "NotFound" })
})
