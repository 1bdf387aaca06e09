// Standing bookings are judged again: nobody is punished by a closed club, and nobody loses money by it.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { holdExpiration } from "#actors/jobs/hold-expiration.ts"
import { noShowDetection } from "#actors/jobs/no-show-detection.ts"
import { newId } from "#base/ids.ts"
import {
  aBookingClub,
  type Body,
  type BookingClub,
  offline,
  online,
  outcome,
  storyOf,
} from "#test/harness/club/booking-club.ts"
import { atMinuteOf } from "#test/harness/club/bookings.ts"
import { aMember } from "#test/harness/club/club.ts"
import { aResource } from "#test/harness/club/factories.ts"
import { atHour } from "#test/harness/club/hours.ts"

let club: BookingClub
let hour = 0

beforeAll(async () => {
  club = await aBookingClub()
  await atMinuteOf(club.api.database.db, 0, 0, () =>
    club.policy({
      noShowFee: 500,
      strikeThreshold: 1,
      restrictionDays: 30,
      checkInGraceMinutes: 10,
      cancellationPolicy: [{ hoursBefore: 1, refundPercent: 50 }],
    }),
  )
})
afterAll(() => club.api.database.drop())
beforeEach(() => {
  hour += 3
})

const db = () => club.api.database.db
const at = (path: string) => `/v1/facilities/${club.id}${path}`
const atMinute = <T>(minutes: number, work: () => Promise<T>) => atMinuteOf(db(), hour, minutes, work)
const book = async (more: Body = {}) => (await club.post(club.staff, "/bookings", offline(club, hour, more))).body
const close = (more: Body = {}) =>
  club.post(undefined, "/closures", { ...atHour(hour), reason: "The roof leaks", ...more })
const change = async (path: string, body: Body) => (await club.api.call("PATCH", at(path), { body })).body
const read = async (id: string) => (await club.get(club.staff, `/bookings/${id}`)).body
const cancel = (id: string, more: Body = {}) =>
  club.post(club.player, `/bookings/${id}/cancel`, { cancellationReason: "closed", ...more })
const struck = async () =>
  (await club.get(club.staff, "/bookings?struck=true")).body.data.map(({ id }: { id: string }) => id)
const detect = async () => (await noShowDetection(club.api.app).pass(new AbortController().signal)).did

describe("a closure over a standing booking", () => {
  test("strikes a booking that was made at its instant within a minute, and tells its booker", async () => {
    const closure = (await close()).body
    const { id } = await book({ resourceId: club.freeCourt, ...atHour(hour + 1) })
    // As if neither transaction had seen the other.
    const { startAt, endAt } = atHour(hour)
    await db()`update slotbase.bookings set start_at = ${startAt}, end_at = ${endAt} where id = ${id}`
    const pass = async () => (await holdExpiration(club.api.app).pass(new AbortController().signal)).did
    expect(await pass()).toMatchObject({ struck: 1 })
    expect((await read(id)).struckReason).toBe(closure.reason)
    expect((await storyOf(club, id)).types.filter((type) => type === "booking.struck")).toHaveLength(1)
    expect(await pass()).not.toHaveProperty("struck")
    await club.api.call("DELETE", at(`/closures/${closure.id}`))
  })

  test("fines nobody, tells the booker once, and lets them cancel without loss, also after the start", async () => {
    const booking = await book()
    expect(outcome(await club.pay(booking.id, booking.priceAmount))).toBe("201")
    const closure = await close()
    expect(closure.body.bookingCount).toBe(1)
    await close()
    expect((await storyOf(club, booking.id)).types.filter((type) => type === "booking.struck")).toHaveLength(1)
    expect((await storyOf(club, booking.id)).last).toEqual({
      bookingId: booking.id,
      facilityId: club.id,
      resourceId: club.court,
      bookerId: club.player.id,
      ...atHour(hour),
      reason: "The roof leaks",
      struckAt: expect.any(String),
    })
    expect([(await read(booking.id)).struckReason, await struck()]).toEqual(["The roof leaks", [booking.id]])
    await atMinute(20, async () => {
      expect(await detect()).toEqual({ noShows: 0 })
      expect(outcome(await club.post(club.staff, `/bookings/${booking.id}/no-show`))).toBe("422 facility_closed")
      const quote = await cancel(booking.id, { dryRun: true })
      expect(quote.body).toMatchObject({ refundPercent: 100, refundAmount: 2400 })
      expect(quote.body.lines[0]).toEqual({ rule: "the facility is closed then", refundPercent: 100, applies: true })
      expect((await cancel(booking.id)).body).toMatchObject({ status: "cancelled", refundAmount: 2400 })
    })
    expect(await db()`select from slotbase.strike_ledger`).toHaveLength(0)
    expect(await struck()).toEqual([])
  })

  test("ends: the booking stands as before, and a booker who was told is no automatic no-show", async () => {
    const told = await book()
    const { id } = (await close()).body
    await club.api.call("DELETE", at(`/closures/${id}`))
    expect([(await read(told.id)).struckReason, await struck()]).toEqual([null, []])
    await atMinute(20, async () => expect(await detect()).toEqual({ noShows: 0 }))
    const quote = await atMinute(-30, () => cancel(told.id, { dryRun: true }))
    expect(quote.body.refundPercent).toBe(0)
  })

  test("does not strike other courts, other times, or maintenance; a move to an open time heals", async () => {
    const here = await book()
    const other = await book({ resourceId: club.otherCourt })
    const work = await book({ resourceId: club.freeCourt, bookingType: "maintenance", paymentMethod: "waived" })
    await close({ resourceIds: [club.court, club.freeCourt] })
    expect(await struck()).toEqual([here.id])
    for (const { id } of [other, work]) expect((await read(id)).struckReason).toBeNull()
    const moved = await club.post(club.player, `/bookings/${here.id}/reschedule`, atHour(hour + 1))
    expect([moved.status, moved.body.struckReason]).toEqual([200, null])
  })

  test("confirms no hold, no request and no offer inside it; a booking that it did not see is found by the job", async () => {
    const { paymentMethod: _, ...wish } = online(club, hour, { resourceId: club.freeCourt })
    const hold = (await club.post(club.player, "/holds", wish)).body
    const unseen = await book()
    await close()
    await db()`update slotbase.bookings set struck_at = null, struck_reason = null, struck_told_at = null where id = ${unseen.id}`
    expect(outcome(await club.post(club.player, `/bookings/${hold.id}/confirm`, { paymentMethod: "online" }))).toBe(
      "422 facility_closed",
    )
    await atMinute(20, async () => {
      await detect()
      expect(await read(unseen.id)).toMatchObject({ status: "confirmed", struckReason: "The roof leaks" })
      expect(await detect()).toEqual({ noShows: 0 })
    })
    expect(await db()`select from slotbase.strike_ledger where booking_id = ${unseen.id}`).toHaveLength(0)
  })
})

test("shorter opening hours and a court out of use list the bookings that they strike; longer hours heal them", async () => {
  const { id: court } = await aResource(db(), club.id, { name: "Court 9", hourlyPrice: 2400 })
  const [one, two] = [await book({ resourceId: court }), await book()]
  const standing = await db()<{ id: string }[]>`
    select id from slotbase.bookings
    where status = 'confirmed' and struck_at is null and booking_type <> 'maintenance' order by start_at, id`
  const ids = standing.map(({ id }) => id)
  expect([ids.includes(one.id), ids.includes(two.id)]).toEqual([true, true])
  const shut = await change("/settings", { openingHours: { monday: [] } })
  expect(shut.struckBookings).toEqual({ count: ids.length, bookingIds: ids })
  expect((await read(two.id)).struckReason).toBe("Outside the opening hours")
  expect((await change("/settings", { openingHours: {} })).struckBookings).toBeUndefined()
  for (const { id } of [one, two]) expect((await read(id)).struckReason).toBeNull()
  const out = await change(`/resources/${court}`, { isActive: false })
  expect(out.struckBookings).toEqual({ count: 1, bookingIds: [one.id] })
  expect((await read(one.id)).struckReason).toBe("The resource is out of use")
  expect((await storyOf(club, one.id)).types.filter((type) => type === "booking.struck")).toHaveLength(2)
  expect((await change(`/resources/${court}`, { name: "Court 10" })).struckBookings).toBeUndefined()
})

test("thousands of bookings are struck in one request; the first hundred bookers hear of it at once, the others by the job", async () => {
  const { id: court } = await aResource(db(), club.id, { name: "Long court" })
  const player = await aMember(db(), "player", club.id)
  const ids = Array.from({ length: 3000 }, () => newId())
  const first = Date.parse(atHour(24 * 30).startAt)
  const starts = ids.map((_, n) => new Date(first + n * 3_600_000).toISOString())
  await db()`
    insert into slotbase.bookings (id, facility_id, resource_id, status, booker_id, start_at, end_at, price_amount, price_currency, created_by)
    select i, ${club.id}, ${court}, 'confirmed', ${player.id}, s, s + interval '1 hour', 0, 'EUR', ${player.id}
    from unnest(${ids}::uuid[], ${starts}::timestamptz[]) as n (i, s)`
  const began = performance.now()
  const out = await change(`/resources/${court}`, { isActive: false })
  const tookMs = Math.round(performance.now() - began)
  console.log(`3,000 bookings struck in ${tookMs} ms`)
  expect(out.struckBookings).toEqual({ count: 3000, bookingIds: ids.slice(0, 200) })
  const untold = async () =>
    (await db()`select from slotbase.bookings where resource_id = ${court} and struck_told_at is null`).length
  expect(await untold()).toBe(2900)
  const pass = () => holdExpiration(club.api.app).pass(new AbortController().signal)
  while ((await pass()).more) expect(await untold()).toBeGreaterThanOrEqual(0)
  expect(await untold()).toBe(0)
  const told = await db()`
    select distinct aggregate_id from slotbase.events where type = 'booking.struck' and aggregate_id = any (${ids}::text[])`
  expect(told).toHaveLength(3000)
}, 30_000)
