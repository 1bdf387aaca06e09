// Random bookings: several clients book, hold, move, cancel, approve, pay and wait for the same few hours at once.
// Meanwhile holds expire, and the club changes its buffers. In every order:
//
// - No two bookings take one court at one time, with the buffers that they have.
// - Every booking occupies its time and its buffer exactly while its status says so.
// - Its events tell its story.
// - No client gets a server error.

import { afterAll, beforeAll, expect, test } from "bun:test"
import fc from "fast-check"
import { expireHolds } from "#domain/booking/holds.ts"
import type { Answer } from "#test/harness/api/api.ts"
import { aBookingClub, type Body, type BookingClub, offline, online } from "#test/harness/club/booking-club.ts"
import { type Person, run } from "#test/harness/club/club.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { holds, timeoutOf } from "./property.ts"

const clients = 6
const hours = 5
const withinMs = 4_000

let club: BookingClub
/** Each case has days of its own. */
let firstHour = 0

beforeAll(async () => {
  club = await aBookingClub()
  await club.policy(policy)
})
afterAll(() => club.api.database.drop())

const policy = {
  approvalBookingTypes: ["private"],
  startGridMinutes: 60,
  minBookingMinutes: 60,
  cancellationPolicy: [{ hoursBefore: 1, refundPercent: 50 }],
}
const acts = [
  "book",
  "ask",
  "pay later",
  "hold",
  "move",
  "cancel",
  "release",
  "approve",
  "reject",
  "confirm",
  "pay",
  "wait",
  "die",
  "buffer",
] as const
const step = fc.record({
  act: fc.constantFrom(...acts, "book", "move", "pay later"),
  hour: fc.nat(hours - 1),
  length: fc.integer({ min: 1, max: 2 }),
  other: fc.boolean(),
  who: fc.nat(2),
  nth: fc.nat(20),
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never
const plans = fc.array(fc.array(step, { minLength: 4, maxLength: 12 }), { minLength: clients, maxLength: clients })

test(
  "concurrent bookings of many clients keep every promise about slots",
  async () => {
    await holds(plans, play, { numRuns: 12, withinMs })
  },
  timeoutOf(withinMs),
)

async function play(each: readonly (readonly Step[])[]): Promise<void> {
  firstHour += 24
  const made: string[] = []
  const failed: string[] = []
  await Promise.all(
    each.map(async (steps) => {
      for (const one of steps) {
        const answer = await take(one, made)
        if (answer && answer.status >= 500) failed.push(`${one.act}: ${answer.status} ${answer.body.detail}`)
        if (answer?.status === 201 && making.has(one.act)) made.push(answer.body.id)
      }
    }),
  )
  expect(failed).toEqual([])
  expect(await brokenSlots()).toEqual([])
  expect(await untrueStories()).toEqual([])
}

const making: ReadonlySet<string> = new Set(["book", "ask", "pay later", "hold"])

async function take(
  { act, hour, length, other, who, nth }: Step,
  made: readonly string[],
): Promise<Answer | undefined> {
  const member = [club.player, club.friend, club.child][who] as Person
  const place = { resourceId: other ? club.otherCourt : club.court }
  const span = { ...atHour(firstHour + hour), endAt: atHour(firstHour + hour + length - 1).endAt }
  const id = made[nth % Math.max(1, made.length)] ?? club.id
  const change = (what: string, body: Body = {}) => club.post(club.staff, `/bookings/${id}/${what}`, body)
  switch (act) {
    case "book":
      return club.post(club.staff, "/bookings", { ...offline(club, 0, place), ...span })
    case "pay later":
      return club.post(member, "/bookings", { ...online(club, 0, place), ...span })
    case "ask":
      return club.post(member, "/bookings", { ...online(club, 0, { ...place, bookingType: "private" }), ...span })
    case "hold":
      return club.post(member, "/holds", { ...place, ...span })
    case "move":
      return change("reschedule", { ...place, ...span })
    case "cancel":
      return change("cancel", { cancellationReason: "rain" })
    case "release":
      return club.api.call("DELETE", `/v1/facilities/${club.id}/holds/${id}`)
    case "approve":
      return change("approve")
    case "reject":
      return change("reject", { rejectionReason: "League day" })
    case "confirm":
      return change("confirm", { paymentMethod: "offline" })
    case "pay":
      return club.pay(id, 2400 * length)
    case "wait":
      return club.post(member, "/waitlist", { ...place, ...span })
    case "buffer":
      return club.policy({ ...policy, buffers: [{ minutes: 10 * length, ...(other && place) }] })
    case "die":
      await club.api.database.db`
        update slotbase.bookings set hold_expires_at = slotbase.now() where id = ${id} and status = 'held'`
      if (other) await run(club.api.database.db, (tx) => expireHolds(tx, 5, club.id))
      return undefined
  }
}

/** Bookings whose occupancy disagrees with their status and time, and pairs that overlap. */
async function brokenSlots() {
  const rows = await club.api.database.db`
    select b.id, b.status, 'occupancy' as broken from slotbase.bookings b
    left join slotbase.occupancies o on o.booking_id = b.id and o.facility_id = b.facility_id
    where (b.status in ('held', 'pending', 'confirmed')) <> (o.booking_id is not null)
       or o.during <> tstzrange(b.start_at, b.end_at + make_interval(mins => b.buffer_minutes)) or o.resource_id <> b.resource_id
    union all
    select a.booking_id, '', 'overlap' from slotbase.occupancies a
    join slotbase.occupancies b on b.resource_id = a.resource_id and b.booking_id < a.booking_id and b.during && a.during`
  return rows.map((row) => ({ ...row }))
}

/** Bookings whose last event disagrees with their status. */
async function untrueStories() {
  const rows = await club.api.database.db`
    select b.id, b.status, l.type from slotbase.bookings b
    join lateral (
      select e.type from slotbase.events e
      where e.aggregate_type = 'booking' and e.aggregate_id = b.id::text
        and e.type = any (array['booking.hold.created', 'booking.hold.released', 'booking.confirmed', 'booking.cancelled',
                                'booking.approval.requested'])
      order by e.id desc limit 1) l on true
    where l.type <> case b.status
      when 'held' then 'booking.hold.created' when 'pending' then 'booking.approval.requested'
      when 'confirmed' then 'booking.confirmed' when 'cancelled' then 'booking.cancelled' else 'booking.hold.released' end`
  return rows.map((row) => ({ ...row }))
}
