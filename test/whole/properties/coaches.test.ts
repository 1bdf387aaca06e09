// Random lives of coaches: several clients book lessons and ask for blocks, for the same few hours at once. They also
// move, cancel and decide them, while holds expire. In every order:
//
// - No coach is in two places.
// - Every lesson and block that occupies its court has its coach's time.
// - No client gets a server error.

import { afterAll, beforeAll, expect, test } from "bun:test"
import fc from "fast-check"
import type { Answer } from "#test/harness/api/api.ts"
import { type CoachClub, makeCoachClub } from "#test/harness/api/coach-api.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { holds, timeoutOf } from "./property.ts"

const clients = 5
const hours = 4
const withinMs = 4_000

let club: CoachClub
let courts: readonly string[]
let firstHour = 0

beforeAll(async () => {
  club = await makeCoachClub()
  const court = { name: "Court 2", resourceType: "court", hourlyPrice: 2400 }
  courts = [club.court, (await club.post(undefined, "/resources", court)).body.id]
})
afterAll(() => club.api.database.drop())

const step = fc.record({
  act: fc.constantFrom(
    "lesson",
    "lesson",
    "pay later",
    "block",
    "ask",
    "move",
    "move",
    "cancel",
    "approve",
    "reject",
    "die",
  ),
  hour: fc.nat(hours - 1),
  length: fc.integer({ min: 1, max: 2 }),
  court: fc.nat(1),
  other: fc.boolean(),
  nth: fc.nat(20),
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never
const plans = fc.array(fc.array(step, { minLength: 3, maxLength: 8 }), { minLength: clients, maxLength: clients })

test(
  "no coach is ever in two places",
  async () => {
    await holds(plans, play, { numRuns: 12, withinMs })
  },
  timeoutOf(withinMs),
)

interface Made {
  readonly id: string
  readonly bookingId: string
  readonly kind: "coach-sessions" | "coach-blocks"
}

async function play(each: readonly (readonly Step[])[]): Promise<void> {
  firstHour += 24
  const made: Made[] = []
  const failed: string[] = []
  await Promise.all(
    each.map(async (steps) => {
      for (const one of steps) {
        const answer = await take(one, made)
        if (answer && answer.status >= 500) failed.push(`${one.act}: ${answer.status} ${answer.body.detail}`)
        if (answer?.status !== 201) continue
        if (one.act === "lesson" || one.act === "pay later") made.push({ ...answer.body, kind: "coach-sessions" })
        if (one.act === "block" || one.act === "ask") made.push({ ...answer.body, kind: "coach-blocks" })
      }
    }),
  )
  expect(failed).toEqual([])
  expect(await broken()).toEqual([])
}

async function take({ act, hour, length, court, other, nth }: Step, made: Made[]): Promise<Answer | undefined> {
  const span = { ...atHour(firstHour + hour), endAt: atHour(firstHour + hour + length - 1).endAt }
  const place = { resourceId: courts[court], ...span }
  const coach = other ? club.otherCoach : club.coach
  const lesson = { ...place, sessionType: "private", students: [club.student.id], coachId: coach.id }
  const it = made[nth % Math.max(1, made.length)]
  switch (act) {
    case "lesson":
      return club.post(club.staff, "/coach-sessions", { ...lesson, paymentMethod: "offline" })
    case "pay later":
      return club.post(club.staff, "/coach-sessions", { ...lesson, paymentMethod: "online" })
    case "block":
      return club.post(club.staff, "/coach-blocks", { ...place, blockType: "coaching", coachId: coach.id })
    case "ask":
      return club.post(coach, "/coach-blocks", { ...place, blockType: "coaching" })
    case "move":
      return it && club.post(club.staff, `/bookings/${it.bookingId}/reschedule`, place)
    case "cancel":
      return it && club.post(club.staff, `/${it.kind}/${it.id}/cancel`, { cancellationReason: "rain" })
    case "approve":
      return it && club.post(club.staff, `/coach-blocks/${it.id}/approve`)
    case "reject":
      return it && club.post(club.staff, `/coach-blocks/${it.id}/reject`, { rejectionReason: "no" })
    case "die":
      await club.db`
        update slotbase.bookings set hold_expires_at = slotbase.now()
        where id = ${it?.bookingId ?? null} and status = 'held'`
      return undefined
  }
}

/** Pairs of one coach that overlap, and lessons or blocks whose coach's time is not their own. */
async function broken() {
  const rows = await club.db`
    with taught as (
      select booking_id, coach_id from slotbase.coach_sessions
      union all
      select booking_id, coach_id from slotbase.coach_blocks
    )
    select a.booking_id, 'overlap' as broken from taught a
    join slotbase.bookings x on x.id = a.booking_id
    join slotbase.occupancies ox on ox.booking_id = a.booking_id
    join taught b on b.coach_id = a.coach_id and b.booking_id < a.booking_id
    join slotbase.bookings y on y.id = b.booking_id
    join slotbase.occupancies oy on oy.booking_id = b.booking_id
    where x.start_at < y.end_at and y.start_at < x.end_at
    union all
    select t.booking_id, 'time' from taught t
    join slotbase.bookings b on b.id = t.booking_id
    join slotbase.occupancies o on o.booking_id = t.booking_id
    left join slotbase.coach_occupancies c on c.booking_id = t.booking_id
    where c.during is distinct from tstzrange(b.start_at, b.end_at) or c.coach_id <> t.coach_id`
  return rows.map((row) => ({ ...row }))
}
