// The slots of a local day, and the cache in front of them, which never shows a taken slot as free.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { requireMember } from "#access/caller.ts"
import { cacheInvalidationHandler } from "#actors/handlers/cache-invalidation.ts"
import { mirrorHandlers } from "#actors/handlers/index.ts"
import { runTransactional } from "#actors/runs/transactional.ts"
import { availabilityOf, isUnchanged, slotsOfMany } from "#domain/booking/availability/availability.ts"
import { invalidatingEvents } from "#domain/booking/availability/cache.ts"
import { cancelBooking } from "#domain/booking/cancel.ts"
import { expireHolds } from "#domain/booking/holds.ts"
import { record } from "#events/outbox.ts"
import { createBooking, createHold } from "#test/harness/club/ask.ts"
import { aClub, type Club, run } from "#test/harness/club/club.ts"
import { aFacility, aResource } from "#test/harness/club/factories.ts"
import { atHour, dayOf } from "#test/harness/club/hours.ts"
import { dispatchAll, failure, processRow } from "#test/harness/pipeline/pipeline.ts"
import { claimFree, queueAll } from "#test/harness/pipeline/runs.ts"
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
  await database.db`update slotbase.clock set shift = '0'`
  club = await aClub(database.db)
  await settle()
})

const db = () => database.db
const book = (hour: number, resourceId = club.court) =>
  run(db(), (tx) =>
    createBooking(tx, club.staff.caller, club.id, {
      resourceId,
      ...atHour(hour),
      bookerId: club.player.id,
      paymentMethod: "offline",
    }),
  )
const hold = (hour: number) =>
  run(db(), (tx) => createHold(tx, club.player.caller, club.id, { resourceId: club.court, ...atHour(hour) }))
const look = (resourceId?: string, date = dayOf(1)) =>
  availabilityOf(db(), requireMember(club.player.caller, club.id), { date, resourceId })
const statusAt = async (hour: number) =>
  (await look(club.court)).slots?.find(({ startAt }) => startAt === atHour(hour).startAt)?.status

/** One pass over the waiting runs, as the actor of a process makes it. */
async function handle(): Promise<number> {
  const claim = await claimFree(db(), handler.name, await processRow(db(), true), 100)
  if (claim.runs.length > 0) await runTransactional(db(), handler, claim, "development")
  return claim.runs.length
}
async function settle(): Promise<void> {
  await dispatchAll(db())
  while ((await handle()) > 0);
}
/** Makes every cached day of the facility show all slots as free. */
const poison = () => db()`
  update slotbase.availability_cache
  set slots = (select jsonb_agg(s || '{"status":"free","priceAmount":7}') from jsonb_array_elements(slots) s)
  where facility_id = ${club.id} and slots is not null`
const isServed = async () => (await look(club.court)).slots?.every(({ priceAmount }) => priceAmount === 7)

describe("a day", () => {
  test("has a slot for every hour, with its price and status", async () => {
    await book(9)
    await hold(10)
    const block = {
      resourceId: club.court,
      ...atHour(11),
      bookerId: club.staff.id,
      bookingType: "maintenance",
      paymentMethod: "waived",
    } as const
    await run(db(), (tx) => createBooking(tx, club.staff.caller, club.id, block))
    const cancelled = await book(12)
    await run(db(), (tx) =>
      cancelBooking(tx, requireMember(club.staff.caller, club.id), cancelled.id, { cancellationReason: "rain" }),
    )
    const answer = await look(club.court)
    expect(answer).toMatchObject({ date: dayOf(1), timezone: "UTC" })
    expect(answer.resources).toEqual([{ resourceId: club.court, name: "Court 1", slots: answer.slots ?? [] }])
    const expected = Array.from({ length: 24 }, (_, n) => ({
      ...atHour(n),
      status: n === 9 ? "booked" : n === 10 ? "held" : n === 11 ? "blocked" : "free",
      priceAmount: 2400,
    }))
    expect(answer.slots).toEqual(expected as never)
    const [built, ...others] = await slotsOfMany(db(), [
      { facilityId: club.id, resourceId: club.court, date: dayOf(1) },
      { facilityId: club.id, resourceId: club.id, date: dayOf(1) },
    ])
    expect(built?.slots).toEqual(expected as never)
    expect(others).toEqual([])
  })

  test("names all active resources by name, and no slots at the top unless one is asked for", async () => {
    const answer = await look()
    expect(answer.resources.map(({ name }) => name)).toEqual(["Court 1", "Court 2"])
    expect(answer.slots).toBeUndefined()
  })

  test.each([
    ["2026-03-29", 23, "2026-03-28T23:00:00.000Z"],
    ["2026-10-25", 25, "2026-10-24T22:00:00.000Z"],
  ])("%s in Berlin has %d slots", async (date, count, first) => {
    const facility = await aFacility(db())
    const court = await aResource(db(), facility.id)
    const grant = { role: "player", scopeType: "facility", scopeId: facility.id } as const
    const caller = { ...club.player.caller, grants: [grant] }
    const { slots } = await availabilityOf(db(), requireMember(caller, facility.id), { date, resourceId: court.id })
    expect(slots).toHaveLength(count)
    expect(slots?.[0]?.startAt).toBe(first)
  })

  test("an expired hold is free at once, before any job has released it, also from the cache", async () => {
    await hold(5)
    await settle()
    expect(await statusAt(5)).toBe("held")
    expect(await statusAt(5)).toBe("held")
    await db()`select slotbase.move_clock('5 minutes')`
    expect(await statusAt(5)).toBe("free")
  })

  test("a resource of another facility, and a facility for strangers, are 404s", async () => {
    const other = await aClub(db())
    expect(await failure(look(other.court))).toMatchObject({
      _tag: "NotFound",
      message: `There is no resource ${other.court}.`,
    })
    const stranger = async () => availabilityOf(db(), requireMember(other.player.caller, club.id), { date: dayOf(1) })
    expect(await failure(stranger())).toMatchObject({ _tag: "NotFound", message: `There is no facility ${club.id}.` })
  })

  test("a facility without resources has a day without resources", async () => {
    const { id } = await aFacility(db())
    const caller = { ...club.player.caller, grants: [{ role: "player", scopeType: "facility", scopeId: id } as const] }
    expect(await availabilityOf(db(), requireMember(caller, id), { date: dayOf(1) })).toEqual({
      date: dayOf(1),
      timezone: "Europe/Berlin",
      position: "0",
      epoch: expect.stringMatching(/^[0-9a-f]{16}$/),
      resources: [],
      next: null,
    })
  })
})

describe("the cache", () => {
  test("is served when nothing has changed", async () => {
    await book(9)
    await settle()
    await look()
    await poison()
    expect(await isServed()).toBe(true)
  })

  test("is not served while a change waits to be dispatched, nor while it waits for its handler, nor afterwards", async () => {
    await look()
    await poison()
    expect(await isServed()).toBe(true)
    await book(9)
    expect(await statusAt(9)).toBe("booked")
    await dispatchAll(db())
    await db()`update slotbase.availability_cache set slots = slots, built_at = built_at where facility_id = ${club.id}`
    expect(await statusAt(9)).toBe("booked")
    await handle()
    expect(await statusAt(9)).toBe("booked")
  })

  const stale: [string, () => Promise<unknown>][] = [
    ["an event without a position", async () => book(9)],
    [
      "a run that waits",
      async () => {
        await book(9)
        await dispatchAll(db())
      },
    ],
    [
      "a run that is done",
      async () => {
        await book(9)
        await settle()
      },
    ],
    [
      "a run that died",
      async () => {
        await book(9)
        await dispatchAll(db())
        await queueAll(db())
        await db()`
        with gone as (delete from slotbase.handler_queue where handler = ${handler.name} returning *)
        insert into slotbase.dead_letters (id, facility_id, event_id, position, handler, event, errors, created_at, last_attempt_at)
        select gen_random_uuid(), facility_id, event_id, position, handler, '{}', '[]', slotbase.now(), slotbase.now() from gone`
      },
    ],
    [
      "another version of the facility",
      () => db()`update slotbase.facilities set version = version + 1 where id = ${club.id}`,
    ],
    [
      "another version of the resource",
      () => db()`update slotbase.resources set version = version + 1 where id = ${club.court}`,
    ],
    ["a day's age", () => db()`select slotbase.move_clock('24 hours 1 minute')`],
    [
      "a handler that is no longer subscribed to every change",
      async () => {
        await db()`update slotbase.handlers set ended = true where event_type = 'booking.cancelled'`
        await run(db(), async (tx) =>
          record(tx, {
            type: "resource.created",
            facilityId: club.id,
            data: { resourceId: club.court, facilityId: club.id, name: "x", resourceType: "court" },
          }),
        )
        await settle()
      },
    ],
  ]
  test.each(stale)("is not served over %s", async (_, change) => {
    await look()
    await poison()
    expect(await isServed()).toBe(true)
    await change()
    expect(await isServed()).toBe(false)
    await mirrorHandlers(db(), [handler])
    await settle()
  })

  test("stores no day that was built beside a change without a position, and a late build never overwrites", async () => {
    await book(9)
    await look()
    expect(await db()`select from slotbase.availability_cache where facility_id = ${club.id}`).toHaveLength(0)
    await settle()
    await look()
    const [row] = await db()<[{ touched_at: number; built_at: number }]>`
      select touched_at, built_at from slotbase.availability_cache where facility_id = ${club.id} and resource_id = ${club.court}`
    expect(row.built_at).toBe(row.touched_at)
  })

  test("stores no past or distant day, and removes long past days", async () => {
    await look(undefined, "2026-01-01")
    await look(undefined, "2199-01-01")
    expect(await db()`select from slotbase.availability_cache where facility_id = ${club.id}`).toHaveLength(0)
    await db()`
      insert into slotbase.availability_cache (facility_id, resource_id, day) values
        (${club.id}, ${club.court}, (slotbase.now() at time zone 'UTC')::date - 8),
        (${club.id}, ${club.court}, (slotbase.now() at time zone 'UTC')::date - 7)`
    await book(9)
    await settle()
    const days = await db()`select day from slotbase.availability_cache where facility_id = ${club.id} order by day`
    expect(days).toHaveLength(2)
  })

  test("forgets a facility whose settings changed", async () => {
    await look()
    await run(db(), async (tx) => {
      record(tx, {
        type: "facility.settings_updated",
        facilityId: club.id,
        data: { facilityId: club.id, changedSettings: ["openingHours"], changedBy: club.admin.id },
      })
    })
    await settle()
    expect(await db()`select from slotbase.availability_cache where facility_id = ${club.id}`).toHaveLength(0)
  })

  test("touches every local day of a booking over midnight", async () => {
    const over = {
      resourceId: club.court,
      startAt: atHour(23).startAt,
      endAt: atHour(25).startAt,
      bookerId: club.player.id,
      paymentMethod: "offline",
    } as const
    await run(db(), (tx) => createBooking(tx, club.staff.caller, club.id, over))
    await settle()
    const days = await db()<{ day: string }[]>`
      select day::text from slotbase.availability_cache where facility_id = ${club.id} and touched_at > 0 order by day`
    expect(days.map(({ day }) => day)).toEqual([dayOf(1), dayOf(25)])
  })
})

describe("the position of an answer", () => {
  const unchanged = (position: string) => isUnchanged(db(), requireMember(club.player.caller, club.id), position)

  test("is unchanged until the facility has an event, dispatched or not", async () => {
    const { position } = await look()
    expect(await unchanged(position)).toBe(true)
    const other = await aClub(db())
    await other.book(other.court, 3)
    expect(await unchanged(position)).toBe(true)
    await book(9)
    expect(await unchanged(position)).toBe(false)
    await settle()
    expect(await unchanged(position)).toBe(false)
    expect(await unchanged((await look()).position)).toBe(true)
  })

  test("changes when a hold has expired without an event", async () => {
    await run(db(), (tx) => expireHolds(tx, 1000))
    await hold(9)
    await settle()
    const { position } = await look()
    expect(await unchanged(position)).toBe(true)
    await db()`select slotbase.move_clock('5 minutes')`
    expect(await unchanged(position)).toBe(false)
  })
})

test("readers, bookings, cancellations, dispatch and handler race, and a slot that is committed as taken never shows as free", async () => {
  const hours = 24
  /**
   * Per hour: whether its booking's commit is known, and a count of changes. A reader compares both around its read.
   */
  const state = Array.from({ length: hours }, () => ({ taken: false, changes: 0 }))
  let writing = true
  let reads = 0
  let wrong = 0
  let cached = 0

  const change = (hour: number, taken: boolean) => {
    const slot = state[hour] as (typeof state)[number]
    slot.taken = taken
    slot.changes++
  }
  async function burst(hour: number, round: number) {
    const booking = await book(hour)
    change(hour, true)
    if (hour % 4 === round % 4) await settle()
    change(hour, false)
    await run(db(), (tx) =>
      cancelBooking(tx, requireMember(club.staff.caller, club.id), booking.id, { cancellationReason: "x" }),
    )
  }
  /** Bursts of changes, with pauses in which a day can be cached. The next burst then meets a cached day. */
  async function write() {
    for (let round = 0; round < 40; round++) {
      const first = (round * 5) % hours
      await Promise.all([0, 1, 2].map((n) => burst((first + n) % hours, round)))
      if (round % 2 === 0) continue
      await settle()
      await look(club.court)
      const kept = await db()`
        select from slotbase.availability_cache
        where facility_id = ${club.id} and resource_id = ${club.court} and built_at >= touched_at and slots is not null`
      cached += kept.length
    }
  }
  async function read() {
    while (writing) {
      // A booking that was committed before the read began, and not changed until it ended, must not show as free.
      const before = state.map((slot) => ({ ...slot }))
      const { slots = [] } = await look(club.court)
      reads++
      for (const [hour, { status }] of slots.entries()) {
        const held = before[hour]?.taken && state[hour]?.taken && before[hour]?.changes === state[hour]?.changes
        if (held && status === "free") wrong++
      }
    }
  }
  async function pump() {
    while (writing) {
      await db()`select slotbase.dispatch(3)`
      await handle()
    }
  }
  const readers = [read(), read(), pump()]
  try {
    await write()
  } finally {
    writing = false
    await Promise.all(readers)
  }
  expect(wrong).toBe(0)
  expect(reads).toBeGreaterThan(20)
  expect(cached).toBeGreaterThan(0)
  await settle()
  const { slots } = await look(club.court)
  expect(slots?.every(({ status }) => status === "free")).toBe(true)
}, 30_000)

test("the handler is subscribed to exactly the events that change a day", () => {
  expect([...handler.events].sort()).toEqual([...invalidatingEvents].sort())
})
