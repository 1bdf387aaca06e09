// CapacityTrackingHandler: each person once in the local month, each level once, whatever the order and repetitions.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import fc from "fast-check"
import { requireStaff } from "#access/caller.ts"
import { capacityTrackingHandler } from "#actors/handlers/capacity-tracking.ts"
import type { HandledEvent } from "#actors/handlers/handler.ts"
import { upgradePromptHandler } from "#actors/handlers/upgrade-prompt.ts"
import type { Db } from "#base/database/db.ts"
import { newId } from "#base/ids.ts"
import { getUsage } from "#domain/subscriptions/read.ts"
import { record, setEventContext } from "#events/outbox.ts"
import { aClub, type Club, run, testContext } from "#test/harness/club/club.ts"
import { eventsOf, handleAll, subscribed } from "#test/harness/club/subscriptions.ts"
import { sample } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { holds, timeoutOf } from "#test/whole/properties/property.ts"

const handler = capacityTrackingHandler()
const limit = 10
let database: TestDatabase
let db: Db
let club: Club

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  await db`update slotbase.subscription_plans set monthly_active_users = ${limit} where id = 'starter'`
})
afterAll(() => database.drop())
beforeEach(async () => {
  club = await aClub(db)
})

interface Booked {
  readonly people: readonly string[]
  readonly at: string
  readonly bookingType?: string
  readonly timezone?: string
}

/** Events of bookings, as they stand in the log. */
async function confirmed(...bookings: readonly Booked[]): Promise<readonly HandledEvent[]> {
  const ids = await run(db, async (tx) =>
    bookings.map(
      ({ people: [bookerId = "", ...others], at, bookingType = "open_play", timezone = "Europe/Berlin" }) => {
        const participants = others.map((userId) => ({ userId, name: "N", role: "player" }))
        const data = { bookingId: newId(), facilityId: club.id, bookerId, participants, bookingType, timezone }
        return record(tx, { ...sample("booking.confirmed", data, club.id), occurredAt: new Date(at) })
      },
    ),
  )
  const events = await db<HandledEvent[]>`select e.*, 0 as position from slotbase.events e where id = any (${ids})`
  return ids.map((id) => events.find((event) => event.id === id) as HandledEvent)
}

const handle = (event: HandledEvent) =>
  db.begin((tx) => {
    setEventContext(tx, { ...testContext, causationId: event.id })
    return handler.handle(tx, event)
  })
const months = async () =>
  (
    await db<{ month: string; users: number }[]>`
      select month::text, users from slotbase.active_user_months where facility_id = ${club.id} order by month`
  ).map(({ month, users }) => [month, users])
const warnings = async () =>
  (await eventsOf(db, club.id, "subscription.limit_warning")).map(({ data }) => [
    data.entitlementType,
    data.warningLevel,
    data.currentUsage,
    data.percentUsed,
  ])
const people = (count: number) => Array.from({ length: count }, newId)

test("booker and participants count once in the month of the facility's zone, also when they come late", async () => {
  const [mia = "", ben = "", eva = ""] = people(3)
  const events = await confirmed(
    { people: [mia, ben], at: "2031-03-31T21:59:59Z" },
    // Midnight in Berlin has passed.
    { people: [mia], at: "2031-03-31T22:00:00Z" },
    { people: [ben, mia, ben], at: "2031-03-02T10:00:00Z" },
    { people: [eva], at: "2031-03-31T21:00:00Z" },
    { people: [newId()], at: "2031-03-05T10:00:00Z", bookingType: "maintenance" },
  )
  const outcomes = []
  for (const event of [events[1], events[0], events[2], events[4], events[3]] as HandledEvent[])
    outcomes.push(await handle(event))
  expect(outcomes).toEqual([
    undefined,
    undefined,
    { skipped: "all of them were active in this month" },
    { skipped: "maintenance is no booking of a member" },
    undefined,
  ])
  expect(await months()).toEqual([
    ["2031-03-01", 3],
    ["2031-04-01", 1],
  ])
})

test(
  "each level is warned of once, for any order and any repetitions, and the count is exact",
  () =>
    holds(
      fc.record({
        groups: fc.array(fc.array(fc.nat(12), { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 14 }),
        again: fc.array(fc.nat(13)),
        seed: fc.array(fc.nat(1_000), { minLength: 40, maxLength: 40 }),
      }),
      async ({ groups, again, seed }) => {
        club = await aClub(db)
        await subscribed(db, club, { planId: "starter" })
        const crowd = people(13)
        const events = await confirmed(
          ...groups.map((members) => ({
            people: members.map((nth) => crowd[nth] as string),
            at: "2031-05-05T10:00:00Z",
          })),
        )
        const twice = [...events, ...again.flatMap((nth) => events[nth] ?? [])]
        const order = twice.map((event, nth) => ({ event, at: seed[nth % 40] ?? 0 })).toSorted((a, b) => a.at - b.at)
        for (const { event } of order) await handle(event)
        const count = new Set(groups.flat()).size
        expect(await months()).toEqual([["2031-05-01", count]])
        const told = await warnings()
        const levels = told.map(([, level]) => level)
        expect(new Set(levels).size).toBe(levels.length)
        // A level that one event jumps over is not told; the highest one always is.
        expect(levels.at(-1)).toBe(
          count > limit ? "exceeded" : count === limit ? "at_limit" : count >= 8 ? "approaching" : undefined,
        )
      },
      { numRuns: 15, withinMs: 8_000 },
    ),
  timeoutOf(8_000),
)

test("warnings reach the prompt and the use, and begin again with the next month", async () => {
  await subscribed(db, club, { planId: "starter" })
  const crowd = people(11)
  const each = crowd.map((id) => ({ people: [id], at: "2031-03-10T10:00:00Z" }))
  for (const event of await confirmed(...each, { people: crowd.slice(0, 8), at: "2031-04-10T10:00:00Z" }))
    await handle(event)
  expect(await warnings()).toEqual([
    ["monthly_active_users", "approaching", 8, 80],
    ["monthly_active_users", "at_limit", 10, 100],
    ["monthly_active_users", "exceeded", 11, 110],
    ["monthly_active_users", "approaching", 8, 80],
  ])
  expect((await handleAll(db, upgradePromptHandler(), club.id)).at(-1)).toBeUndefined()
  const [prompt] = await db<{ entitlement: string; message: string }[]>`
    select entitlement, message from slotbase.upgrade_prompts where facility_id = ${club.id} and dismissed_at is null`
  expect({ ...prompt } as object).toEqual({
    entitlement: "monthly_active_users",
    message: "Move to the Club plan for 250 monthly active users.",
  })
  const now = await confirmed({ people: crowd.slice(0, 3), at: new Date().toISOString(), timezone: "UTC" })
  await handle(now[0] as HandledEvent)
  const { entitlements } = await getUsage(db, requireStaff(club.staff.caller, club.id))
  expect(entitlements.find(({ entitlement }) => entitlement === "monthly_active_users")).toMatchObject({
    ...{ used: 3, limit },
  })
})

test("a facility without a subscription is counted and not warned, and one that is not there is skipped", async () => {
  const [event] = await confirmed({ people: people(11), at: "2031-03-10T10:00:00Z" })
  expect(await handle(event as HandledEvent)).toBeUndefined()
  expect(await months()).toEqual([["2031-03-01", 11]])
  expect(await warnings()).toEqual([])
  const elsewhere = { ...(event as HandledEvent), facility_id: newId() }
  expect(await handle(elsewhere)).toEqual({ skipped: "all of them were active in this month" })
})
