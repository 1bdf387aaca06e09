/** The week before, third part: series and the waitlist. */
import { localTimeOf } from "#base/local-days.ts"
import type { Saturday } from "#demo/bookings.ts"
import { type Club, timezone } from "#demo/club.ts"
import type { Stage, StageActor } from "#demo/stage.ts"

/** Wishes that the rules refuse, older than the one that they allow. */
const refusedWishes = 51

export async function moveAndLengthenSeries(
  { ask, bites, call, say }: Stage,
  club: Club,
  seriesId: string,
): Promise<void> {
  const { at, desk, anna } = club
  say("\nAnna's series: two days move to 20:00, and then all become longer")
  const series = `${at}/recurring-bookings/${seriesId}`
  const { occurrences } = await call(desk, "GET", series)
  await call(anna, "PATCH", series, { scope: "following", bookingId: occurrences[2].bookingId, startTime: "20:00" })
  const longer = await ask(desk, "PATCH", series, { scope: "all", durationMinutes: 90 })
  const after = await call(desk, "GET", series)
  bites({
    rule: "change of a series",
    asked: "the desk makes all four days of Anna half an hour longer, after she moved the last two to 20:00",
    answer: longer,
    found: after.occurrences.map(({ startAt, endAt }: Occurrence) => [localTime(startAt), localTime(endAt)]),
    right: [
      ["18:00", "19:30"],
      ["18:00", "19:30"],
      ["20:00", "21:30"],
      ["20:00", "21:30"],
    ],
    why: "only the length changes; each day keeps its start",
  })
}

export interface StandingSeries {
  readonly id: string
  /** The last day that was booked when its author left. */
  readonly bookedUntil: string
}

/** A series that goes on after its author has left. */
export async function startStandingOrder(stage: Stage, club: Club, { date }: Saturday): Promise<StandingSeries> {
  const { call, say } = stage
  const { at, id, owner, clara, emil, courts } = club
  say("\nEmil of the desk makes a series for Clara, every Sunday from the third week on, and leaves the club")
  const staff = `role=staff&scopeType=facility&scopeId=${id}`
  const series = await call(emil, "POST", `${at}/recurring-bookings`, {
    resourceId: courts[2],
    bookerId: clara.id,
    paymentMethod: "waived",
    startDate: Temporal.PlainDate.from(date).add({ days: 15 }).toString(),
    startTime: "09:00",
    durationMinutes: 60,
    rule: "FREQ=WEEKLY;BYDAY=SU",
    windowDays: 10,
  })
  await call(owner, "DELETE", `/v1/users/${emil.id}/roles?${staff}`)
  const { bookedUntil } = await call(owner, "GET", `${at}/recurring-bookings/${series.id}`)
  return { id: series.id, bookedUntil }
}

export async function continueStandingOrder(stage: Stage, club: Club, standing: StandingSeries): Promise<void> {
  const { ask, bites, job } = stage
  const { at, desk } = club
  const series = `${at}/recurring-bookings/${standing.id}`
  // The clock has passed nights on the way here, so the job may have run by itself already.
  await job("recurring-extension")
  const answer = await ask(desk, "GET", series)
  const days = answer.body.occurrences as readonly Occurrence[]
  const added = days.filter(({ occursOn }) => occursOn > standing.bookedUntil).map(({ status }) => status)
  bites({
    rule: "standing order",
    asked: "the nightly job goes on with the series whose author has left",
    answer,
    found: [answer.body.status, answer.body.blocked, [...new Set(added)]],
    right: ["active", null, ["confirmed"]],
    why: "it runs by the rules for its booker, and its next Sundays are booked",
  })
}

export async function serveWaitlist(stage: Stage, club: Club, { sunday }: Saturday): Promise<void> {
  const { ask, bites, call, say } = stage
  const { at, owner, desk, anna, ben, clara, courts } = club
  say(`\n${refusedWishes} wishes wait for Sunday; the court closes but for the evening, and then becomes free`)
  const all = await call(desk, "POST", `${at}/bookings`, {
    resourceId: courts[3],
    bookerId: desk.id,
    bookingType: "private",
    paymentMethod: "waived",
    ...sunday("07:00", "22:00"),
  })
  const wish = (who: StageActor, from: string, to: string) =>
    ask(who, "POST", `${at}/waitlist`, { resourceId: courts[3], ...sunday(from, to) })
  const older = await Promise.all(
    Array.from({ length: refusedWishes }, (_, n) => {
      const from = 7 * 60 + Math.floor(n / 3) * 30
      return wish([anna, ben, clara][n % 3] as StageActor, clockOf(from), clockOf(from + 60))
    }),
  )
  const notJoined = older.find(({ status }) => status !== 201)
  if (notJoined) throw new Error(`A wish answered ${notJoined.status} ${notJoined.code}`)
  const last = await wish(clara, "20:30", "21:30")
  await call(owner, "POST", `${at}/closures`, {
    resourceIds: [courts[3]],
    ...sunday("07:00", "20:00"),
    reason: "New lamps",
  })
  await call(desk, "POST", `${at}/bookings/${all.id}/cancel`, { cancellationReason: "The tournament was called off." })
  const served = await ask(clara, "GET", `${at}/waitlist/${last.body.id}`)
  const waiting = await call(desk, "GET", `${at}/waitlist?status=waiting&limit=200`)
  bites({
    rule: "waitlist",
    asked: `the court becomes free, and ${refusedWishes} older wishes are for closed hours`,
    answer: served,
    found: [served.body.status, waiting.data.length],
    right: ["offered", refusedWishes],
    why: "the wish that may be served is offered at once, and the others wait on",
  })
  await call(clara, "POST", `${at}/waitlist/${last.body.id}/decline`, {})
}

const localTime = (instant: string) => localTimeOf(timezone, Date.parse(instant))

/** A time of the wall from minutes after midnight. */
const clockOf = (minutes: number) => Temporal.PlainTime.from("00:00").add({ minutes }).toString().slice(0, 5)

interface Occurrence {
  readonly occursOn: string
  readonly startAt: string
  readonly endAt: string
  readonly status: string
}
