// Random limits, and members who book, hold, move, cancel and let holds lapse: nobody ever has more than a limit
// allows, and a refusal comes only when the limit is really used up. The test counts by itself, with Intl.

import { afterAll, beforeAll, expect, test } from "bun:test"
import fc from "fast-check"
import { weekdays } from "#base/weekdays.ts"
import { aBookingClub, type BookingClub, online } from "#test/harness/club/booking-club.ts"
import { aMember, type Person } from "#test/harness/club/club.ts"
import { hoursFrom } from "#test/harness/club/hours.ts"
import { holds, timeoutOf } from "./property.ts"

const timezone = "America/New_York"
const withinMs = 4_000
const days = 9

let club: BookingClub
let firstHour = 0

beforeAll(async () => {
  club = await aBookingClub()
  await club.api.database.db`update slotbase.facilities set timezone = ${timezone} where id = ${club.id}`
})
afterAll(() => club.api.database.drop())

const limit = fc.record(
  {
    per: fc.constantFrom("live", "moment", "day", "week"),
    atMost: fc.nat(3),
    primeTime: fc.record({
      weekdays: fc.uniqueArray(fc.constantFrom(...weekdays), { minLength: 1, maxLength: 5 }),
      fromTime: fc.constantFrom("00:00", "17:00"),
      toTime: fc.constantFrom("20:00", "24:00"),
    }),
  },
  { requiredKeys: ["per", "atMost"] },
)
const step = fc.record({
  act: fc.constantFrom("book", "book", "hold", "move", "cancel", "lapse"),
  who: fc.nat(1),
  hour: fc.nat(24 * days - 1),
  length: fc.integer({ min: 1, max: 3 }),
  court: fc.nat(2),
  nth: fc.nat(20),
})
type Limit = {
  per: string
  atMost: number
  name: string
  primeTime?: { weekdays: string[]; fromTime: string; toTime: string }
}
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never
const plans = fc.record({
  limits: fc.array(limit, { minLength: 1, maxLength: 3 }),
  weekStartsOn: fc.constantFrom(...weekdays),
  steps: fc.array(step, { minLength: 10, maxLength: 30 }),
})

test(
  "nobody ever has more than a limit allows, and a refusal means that the limit is used up",
  async () => {
    await holds(plans, play, { numRuns: 10, withinMs })
  },
  timeoutOf(withinMs),
)

interface Booked {
  readonly id: string
  readonly start: number
  readonly end: number
}

async function play({ limits, weekStartsOn, steps }: typeof plans extends fc.Arbitrary<infer T> ? T : never) {
  firstHour += 24 * (days + 9)
  const memberLimits = limits.map((each, n) => ({ ...each, name: `Limit ${n}` })) as Limit[]
  expect((await club.policy({ memberLimits, weekStartsOn, holdPauseMinutes: 0 })).status).toBe(200)
  const members = await Promise.all([0, 1].map(() => aMember(club.api.database.db, "player", club.id)))
  for (const one of steps) {
    const member = members[one.who] as Person
    const before = await heldBy(member)
    const own = before[one.nth % Math.max(1, before.length)]
    const answer = await take(one, member, own)
    const now = await nowOf()
    if (answer?.body.code === "member_limit_reached") {
      const broken = memberLimits.find(({ name }) => name === answer.body.limit.name) as Limit
      const wanted = spanOf(one)
      const others = one.act === "move" ? before.filter(({ id }) => id !== own?.id) : before
      expect(mostOf(broken, weekStartsOn, now, [...others, { id: "wanted", ...wanted }])).toBeGreaterThan(broken.atMost)
      const named: string[] = answer.body.usedBy.map((each: { bookingId: string }) => each.bookingId)
      expect(named.filter((id) => !others.some((each) => each.id === id))).toEqual([])
    }
    for (const each of memberLimits) {
      expect(mostOf(each, weekStartsOn, now, await heldBy(member))).toBeLessThanOrEqual(each.atMost)
    }
  }
}

const spanOf = ({ hour, length }: Step) => {
  const { startAt, endAt } = hoursFrom(firstHour + hour, length)
  return { start: Date.parse(startAt), end: Date.parse(endAt) }
}

async function take(one: Step, member: Person, own: Booked | undefined) {
  const span = hoursFrom(firstHour + one.hour, one.length)
  const resourceId = [club.freeCourt, club.court, club.otherCourt][one.court]
  switch (one.act) {
    case "book":
      return club.post(member, "/bookings", { ...online(club, 0, { resourceId }), ...span })
    case "hold":
      return club.post(member, "/holds", { resourceId, ...span })
    case "move":
      return own && club.post(member, `/bookings/${own.id}/reschedule`, span)
    case "cancel":
      return own && club.post(member, `/bookings/${own.id}/cancel`, { cancellationReason: "rain" })
    default:
      await club.api.database.db`select slotbase.move_clock('6 minutes')`
      return undefined
  }
}

const nowOf = async () =>
  (await club.api.database.db<{ at: Date }[]>`select slotbase.now() as at`)[0]?.at.getTime() ?? Number.NaN

/** What a member has: everything that was not given up and has not lapsed. */
async function heldBy({ id }: Person): Promise<readonly Booked[]> {
  const rows = await club.api.database.db<{ id: string; start_at: Date; end_at: Date }[]>`
    select id, start_at, end_at from slotbase.bookings
    where booker_id = ${id} and status not in ('cancelled', 'expired', 'released')
      and not (status = 'held' and hold_expires_at <= slotbase.now())
    order by start_at, id`
  return rows.map((row) => ({ id: row.id, start: row.start_at.getTime(), end: row.end_at.getTime() }))
}

/** The most that a limit counts at one place: on one day, in one week, at one moment, or at all. */
function mostOf(limit: Limit, weekStartsOn: string, now: number, bookings: readonly Booked[]): number {
  const counted = bookings.filter((each) => isPrime(limit, each))
  if (limit.per === "live") return counted.filter(({ end }) => end > now).length
  if (limit.per === "moment") {
    return Math.max(
      0,
      ...counted.map((at) => counted.filter(({ start, end }) => start <= at.start && at.start < end).length),
    )
  }
  const places = counted.map(({ start }) => (limit.per === "day" ? localOf(start).date : weekOf(start, weekStartsOn)))
  return Math.max(0, ...places.map((place) => places.filter((each) => each === place).length))
}

/** Some minute of the booking is in prime time; all times of the test are whole hours. */
function isPrime({ primeTime }: Limit, { start, end }: Booked): boolean {
  if (!primeTime) return true
  for (let at = start; at < end; at += 3_600_000) {
    const { time, weekday } = localOf(at)
    if (primeTime.weekdays.includes(weekday) && primeTime.fromTime <= time && time < primeTime.toTime) return true
  }
  return false
}

const format = new Intl.DateTimeFormat("en-CA", {
  timeZone: timezone,
  hourCycle: "h23",
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  weekday: "long",
})

function localOf(at: number) {
  const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]))
  return {
    date: `${part.year}-${part.month}-${part.day}`,
    time: `${part.hour}:${part.minute}`,
    weekday: `${part.weekday}`.toLowerCase(),
  }
}

/** The number of the week of a local day, counted from a week's first day long ago. */
function weekOf(at: number, startsOn: string): number {
  const dayNumber = Date.parse(`${localOf(at).date}T00:00:00Z`) / 86_400_000
  // 1970-01-05 was a Monday.
  return Math.floor((dayNumber - 4 - weekdays.indexOf(startsOn as (typeof weekdays)[number])) / 7)
}
