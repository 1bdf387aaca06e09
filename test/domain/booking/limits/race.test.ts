// Sixty-four clients book for one member the last booking that a limit allows, each on a court of its own.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import type { Answer } from "#test/harness/api/api.ts"
import { aBookingClub, type BookingClub, offline, outcome, tally } from "#test/harness/club/booking-club.ts"
import { aMember, type Person } from "#test/harness/club/club.ts"
import { aResource } from "#test/harness/club/factories.ts"
import { atHour } from "#test/harness/club/hours.ts"

const clients = 64
const reached = "422 member_limit_reached"
const none = { 200: 0, 201: 0, [reached]: 0 }

let club: BookingClub
let member: Person
const courts: string[] = []
let day = 0

beforeAll(async () => {
  club = await aBookingClub()
  for (let n = 0; n < clients; n++) {
    courts.push((await aResource(club.api.database.db, club.id, { name: `Court ${n}`, hourlyPrice: 0 })).id)
  }
})
afterAll(() => club.api.database.drop())
beforeEach(async () => {
  // A hundred days for the races, and as many for the bookings that move.
  day += 24 * 100
  member = await aMember(club.api.database.db, "player", club.id)
  await club.policy({ memberLimits: [{ name: "One a day", per: "day", atMost: 1 }] })
})

/** All at once; prints the worst wait. */
async function race(title: string, asks: readonly (() => Promise<Answer>)[]): Promise<Record<string, number>> {
  let worst = 0
  const outcomes = await Promise.all(
    asks.map(async (ask) => {
      const began = performance.now()
      const answer = await ask()
      worst = Math.max(worst, performance.now() - began)
      return outcome(answer)
    }),
  )
  console.log(`${title}: worst wait ${Math.round(worst)} ms`)
  return { ...none, ...tally(outcomes) }
}

const book = (n: number) => () =>
  club.post(member, "/bookings", { resourceId: courts[n], ...atHour(day + (n % 24)), paymentMethod: "online" })

const onTheDay = async () =>
  (
    await club.api.database.db`
      select from slotbase.bookings where booker_id = ${member.id} and status not in ('cancelled', 'expired', 'released')
        and start_at >= ${atHour(day).startAt} and start_at < ${atHour(day + 24).startAt}`
  ).length

test("one of 64 bookings wins the last place of a day, and 63 are told what took it", async () => {
  expect(
    await race(
      "64 bookings",
      courts.map((_, n) => book(n)),
    ),
  ).toEqual({ ...none, 201: 1, [reached]: 63 })
  expect(await onTheDay()).toBe(1)
})

test("a booking that moves there races by the same rule", async () => {
  const elsewhere = await Promise.all(
    courts
      .slice(0, 32)
      .map((resourceId, n) =>
        club.post(
          club.staff,
          "/bookings",
          offline(club, day + 24 * (n + 2) + (n % 24), { resourceId, bookerId: member.id }),
        ),
      ),
  )
  const move =
    ({ body: { id } }: Answer, n: number) =>
    () =>
      club.post(member, `/bookings/${id}/reschedule`, atHour(day + (n % 24)))
  const outcomes = await race("32 moves and 32 bookings", [
    ...elsewhere.map(move),
    ...courts.slice(32).map((_, n) => book(n + 32)),
  ])
  expect([outcomes["200"], outcomes["201"]].toSorted()).toEqual([0, 1])
  expect(outcomes[reached]).toBe(63)
  expect(await onTheDay()).toBe(1)
})

test("so do offers of the waitlist, holds, and lapsed holds that are paid or released meanwhile", async () => {
  const taken = await Promise.all(
    courts
      .slice(0, 16)
      .map((resourceId, n) =>
        club.post(club.staff, "/bookings", offline(club, day + n, { resourceId, bookerId: club.friend.id })),
      ),
  )
  const wishes = await Promise.all(
    courts.slice(0, 16).map((resourceId, n) => club.post(member, "/waitlist", { resourceId, ...atHour(day + n) })),
  )
  expect(tally(wishes.map(outcome))).toEqual({ 201: 16 })
  const cancel =
    ({ body: { id } }: Answer) =>
    () =>
      club.post(club.staff, `/bookings/${id}/cancel`, { cancellationReason: "rain" })
  const hold = (n: number) => () => club.post(member, "/holds", { resourceId: courts[n], ...atHour(day + (n % 24)) })
  const outcomes = await race("offers, bookings and holds", [
    ...taken.map(cancel),
    ...courts.slice(16, 40).map((_, n) => book(n + 16)),
    ...courts.slice(40).map((_, n) => hold(n + 40)),
  ])
  expect(await onTheDay()).toBe(1)
  const { 200: cancelled, 201: made = 0, [reached]: refused = 0, ...others } = outcomes
  expect([cancelled, made + refused, others]).toEqual([16, 48, {}])
})
