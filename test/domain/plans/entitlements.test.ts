// Entitlements: the last one goes to exactly one caller, giving back never waits, and each level warns once a month.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { requireAdmin, requireMember, requireStaff } from "#access/caller.ts"
import { connect, type Db } from "#base/database/db.ts"
import { releaseHold } from "#domain/booking/holds.ts"
import { createResource } from "#domain/club/resources.ts"
import { useEntitlement } from "#domain/plans/entitlements.ts"
import type { EntitlementType } from "#domain/plans/plans.ts"
import { levelOf } from "#domain/plans/warnings.ts"
import { changePlan } from "#domain/subscriptions/change-plan.ts"
import { getUsage } from "#domain/subscriptions/read.ts"
import { cancelSubscription } from "#domain/subscriptions/subscriptions.ts"
import { createHold } from "#test/harness/club/ask.ts"
import { aClub, type Club, run } from "#test/harness/club/club.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { aTinyPlan, eventsOf, moveTo, subscribed } from "#test/harness/club/subscriptions.ts"
import { failure } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db
let club: Club

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  await aTinyPlan(db)
})
afterAll(() => database.drop())
beforeEach(async () => {
  await db`update slotbase.clock set shift = '0'`
  club = await aClub(db)
})

const use = (type: EntitlementType, amount = 1) => run(db, (tx) => useEntitlement(tx, club.id, type, amount))
const returnUse = (type: EntitlementType, amount = 1) => run(db, (tx) => useEntitlement(tx, club.id, type, -amount))
const usage = async (type: EntitlementType) =>
  (await getUsage(db, requireStaff(club.staff.caller, club.id))).entitlements.find(
    ({ entitlement }) => entitlement === type,
  )
const warnings = async () =>
  (await eventsOf(db, club.id, "subscription.limit_warning")).map(({ data }) => [
    data.entitlementType,
    data.warningLevel,
    data.currentUsage,
  ])

test("a facility without a subscription has no limits, and nothing is counted", async () => {
  await use("bookings_per_month", 1_000_000)
  await returnUse("bookings_per_month")
  const [row] = await db`
    select (select count(*) from slotbase.entitlement_counters) as counters,
           (select count(*) from slotbase.entitlement_returns) as returns`
  expect(row as object).toEqual({ counters: 0, returns: 0 })
})

test("the program and the database have the same levels", async () => {
  const rows = await db<{ used: number; allowed: number; level: number }[]>`
    select u as used, a as allowed, slotbase.warning_level(u, a) as level
    from generate_series(0, 60) u cross join generate_series(1, 50) a`
  expect(rows.filter(({ used, allowed, level }) => levelOf(used, allowed) !== level)).toEqual([])
})

describe("the last one", () => {
  test("goes to as many callers at once as are left, and the others get the name of a plan that would help", async () => {
    await subscribed(db, club)
    await use("bookings_per_month", 7)
    const others = connect(database.url, { max: 10, applicationName: "slotbase test" })
    const wanting = Array.from({ length: 20 }, (_, nth) =>
      run(nth % 2 ? db : others, (tx) => useEntitlement(tx, club.id, "bookings_per_month")).then(
        () => "used",
        (error: Error) => error,
      ),
    )
    const outcomes = await Promise.all(wanting)
    await others.end()
    expect(outcomes.filter((outcome) => outcome === "used")).toHaveLength(3)
    const [refused] = outcomes.filter((outcome) => outcome instanceof Error)
    expect(refused).toMatchObject({ _tag: "RuleBroken", code: "limit_reached" })
    expect((refused as Error).message).toMatch(
      /^The Tiny plan includes 10 bookings per month, and they are used up until \d{4}-\d\d-\d\d\. Move to the Starter plan for 200 bookings per month\.$/,
    )
    expect(await usage("bookings_per_month")).toEqual({
      entitlement: "bookings_per_month",
      used: 10,
      limit: 10,
      percent: 100,
      level: "at_limit",
    })
  })

  test("goes to the next waiting caller when its holder rolls back", async () => {
    await subscribed(db, club)
    await use("bookings_per_month", 9)
    const gate = Promise.withResolvers<void>()
    const holding = Promise.withResolvers<void>()
    const first = run(db, async (tx) => {
      await useEntitlement(tx, club.id, "bookings_per_month")
      holding.resolve()
      await gate.promise
      throw new Error("changed their mind")
    })
    await holding.promise
    const second = use("bookings_per_month")
    gate.resolve()
    expect(await failure(first)).toMatchObject({ message: "changed their mind" })
    await second
    expect(await failure(use("bookings_per_month"))).toMatchObject({ code: "limit_reached" })
  })

  test("a resource beyond the limit is refused whole, and an existing one counts from the beginning", async () => {
    await subscribed(db, club)
    const create = (name: string) =>
      run(db, (tx) => createResource(tx, club.admin.caller, club.id, { name, resourceType: "court" }))
    expect(await usage("resources")).toMatchObject({ used: 2, limit: 4, percent: 50, level: "ok" })
    await create("Court 3")
    const [one, other] = await Promise.allSettled([create("Court 4"), create("Court 5")])
    expect([one.status, other.status].toSorted()).toEqual(["fulfilled", "rejected"])
    const refused = one.status === "rejected" ? one : other
    expect((refused as PromiseRejectedResult).reason.message).toBe(
      "The Tiny plan includes 4 resources, and all of them are in use. Move to the Club plan for 12 resources.",
    )
    const [row] = await db`select count(*) from slotbase.resources where facility_id = ${club.id}`
    expect(row?.count).toBe(4)
  })
})

describe("bookings", () => {
  test("of two for different courts one gets the last one of the month, and the other leaves nothing behind", async () => {
    await subscribed(db, club)
    await use("bookings_per_month", 9)
    const outcomes = await Promise.allSettled([club.book(club.court, 9), club.book(club.otherCourt, 9)])
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"])
    expect(outcomes.find(({ status }) => status === "rejected")).toMatchObject({ reason: { code: "limit_reached" } })
    const [row] = await db`select count(*) from slotbase.occupancies where facility_id = ${club.id}`
    expect(row?.count).toBe(1)
    expect(await warnings()).toEqual([
      ["bookings_per_month", "approaching", 9],
      ["bookings_per_month", "at_limit", 10],
    ])
  })

  test("a released hold does not count, and a hold that becomes a booking counts, also when it is cancelled", async () => {
    await subscribed(db, club)
    const hold = () =>
      run(db, (tx) => createHold(tx, club.player.caller, club.id, { resourceId: club.court, ...atHour(9) }))
    const { id } = await hold()
    expect(await usage("bookings_per_month")).toMatchObject({ used: 1 })
    await run(db, (tx) => releaseHold(tx, requireMember(club.player.caller, club.id), id))
    expect(await usage("bookings_per_month")).toMatchObject({ used: 0 })
    await club.cancel((await club.book(club.court, 9)).id)
    expect(await usage("bookings_per_month")).toMatchObject({ used: 1 })
    // Counting the existing bookings gives the same number.
    await run(db, (tx) => changePlan(tx, requireAdmin(club.admin.caller, club.id), { planId: "starter" }))
    expect(await usage("bookings_per_month")).toMatchObject({ used: 1, limit: 200 })
  })
})

test("with concurrent use and return the counter equals the use, and never exceeds the limit", async () => {
  await subscribed(db, club)
  let inUse = 0
  const turn = async (amounts: readonly number[]) => {
    for (const amount of amounts) {
      try {
        await use("bookings_per_month", amount)
        inUse += amount
        expect(inUse).toBeLessThanOrEqual(10)
      } catch (error) {
        expect(error).toMatchObject({ code: "limit_reached" })
        continue
      }
      if (amount !== 2) continue
      inUse -= amount
      await returnUse("bookings_per_month", amount)
    }
  }
  await Promise.all([turn([1, 2, 1, 2, 3]), turn([2, 2, 1, 1, 2]), turn([3, 2, 2, 1, 1]), turn([2, 1, 2, 5, 1])])
  expect(await usage("bookings_per_month")).toMatchObject({ used: inUse })
})

describe("a returned entitlement", () => {
  test("can be used again, and never raises the number above the limit", async () => {
    await subscribed(db, club)
    await use("bookings_per_month", 10)
    await returnUse("bookings_per_month", 2)
    expect(await usage("bookings_per_month")).toMatchObject({ used: 8, level: "approaching" })
    await use("bookings_per_month", 2)
    expect(await failure(use("bookings_per_month"))).toMatchObject({ code: "limit_reached" })
    await returnUse("bookings_per_month", 50)
    expect(await usage("bookings_per_month")).toMatchObject({ used: 0 })
    await use("bookings_per_month", 10)
    expect(await failure(use("bookings_per_month"))).toMatchObject({ code: "limit_reached" })
  })

  test("never waits: freeing a slot does not wait behind a booking", async () => {
    await subscribed(db, club)
    await run(db, async (tx) => {
      await useEntitlement(tx, club.id, "bookings_per_month", 3)
      // On another connection, while this transaction has the counter locked.
      await returnUse("bookings_per_month")
    })
    expect(await usage("bookings_per_month")).toMatchObject({ used: 2 })
  })
})

describe("warnings", () => {
  test("are recorded when a use reaches 80 % and the limit, once a month, with the plan that would help", async () => {
    const { id } = await subscribed(db, club)
    await use("bookings_per_month", 7)
    expect(await warnings()).toEqual([])
    await use("bookings_per_month")
    expect((await eventsOf(db, club.id, "subscription.limit_warning")).map(({ data }) => data)).toEqual([
      {
        subscriptionId: id,
        facilityId: club.id,
        entitlementType: "bookings_per_month",
        currentUsage: 8,
        limit: 10,
        percentUsed: 80,
        warningLevel: "approaching",
        recommendedAction: "Move to the Starter plan for 200 bookings per month.",
      },
    ])
    await use("bookings_per_month")
    await returnUse("bookings_per_month", 2)
    await use("bookings_per_month", 3)
    await returnUse("bookings_per_month", 5)
    await use("bookings_per_month", 5)
    expect((await warnings()).slice(1)).toEqual([["bookings_per_month", "at_limit", 10]])
  })

  test("are not recorded for a count that is high only because of entitlements returned since", async () => {
    await subscribed(db, club)
    await use("bookings_per_month", 7)
    await returnUse("bookings_per_month", 5)
    await use("bookings_per_month", 2)
    expect(await usage("bookings_per_month")).toMatchObject({ used: 4 })
    expect(await warnings()).toEqual([])
  })

  test("a subscription that begins over its limit warns at once, and allows no more", async () => {
    await db`
      insert into slotbase.resources (id, facility_id, name, resource_type)
      select gen_random_uuid(), ${club.id}, 'Lane ' || n, 'lane' from generate_series(1, 3) n`
    await subscribed(db, club)
    expect(await warnings()).toEqual([["resources", "exceeded", 5]])
    expect(await failure(use("resources"))).toMatchObject({ code: "limit_reached" })
  })
})

test("a new month counts bookings from zero and warns anew; what exists goes on", async () => {
  await subscribed(db, club)
  await use("bookings_per_month", 10)
  await use("resources")
  const { periodEnd } = await getUsage(db, requireStaff(club.staff.caller, club.id))
  await moveTo(db, periodEnd)
  expect(await usage("bookings_per_month")).toMatchObject({ used: 0 })
  await use("bookings_per_month", 8)
  expect(await usage("bookings_per_month")).toMatchObject({ used: 8 })
  expect(await usage("resources")).toMatchObject({ used: 3 })
  expect(await warnings()).toEqual([
    ["bookings_per_month", "at_limit", 10],
    ["bookings_per_month", "approaching", 8],
  ])
})

test("after the end of the subscription nothing is limited", async () => {
  await subscribed(db, club)
  await use("bookings_per_month", 10)
  await run(db, (tx) => cancelSubscription(tx, requireAdmin(club.admin.caller, club.id), { atPeriodEnd: false }))
  await use("bookings_per_month", 10)
  expect(await failure(getUsage(db, requireStaff(club.staff.caller, club.id)))).toMatchObject({ _tag: "NotFound" })
})
