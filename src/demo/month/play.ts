/**
 * A whole month of two clubs, on the same code paths as any other day. The clock hops to the next instant at which
 * something happens. That is a visit, a reminder, the end of a hold, or a tick of a local job. After each hop the
 * server does what is due, and the next hop waits for it.
 */
import type { Db } from "#base/database/db.ts"
import type { Stage, StageActor } from "#demo/stage.ts"
import { everybodyOf, type MonthClub, openMonthClub, sizes } from "./clubs.ts"
import { type ClubPlan, changesIn, hourMs, minuteMs, planMonth, seeded, startWithChanges, type Visit } from "./plan.ts"
import { untilQuiet, wakeEverybody } from "./quiet.ts"
import { type JobTicks, readCounts, ticksOf } from "./ticks.ts"

export interface MonthPlayed {
  readonly from: Date
  readonly until: Date
  readonly hops: number
  readonly changes: readonly string[]
  readonly clubs: readonly MonthClub[]
  readonly jobs: readonly JobTicks[]
}

interface Act {
  readonly at: number
  readonly does?: () => Promise<unknown>
}

/** The job that rests while the month is played. */
const idle = "retention"
const dayMs = 24 * hourMs
/** Sessions end after a month. */
const signInEveryMs = 10 * dayMs
const holdMs = 10 * minuteMs

/** @param progress called after each day that has been played */
export async function playMonth(
  stage: Stage,
  { days, seed }: { readonly days: number; readonly seed: number },
  progress: (day: number) => void,
): Promise<MonthPlayed> {
  const { db, now } = stage
  const from = startWithChanges(
    sizes.map(({ timezone }) => timezone),
    Math.max((await now()).getTime(), await latestTick(db)),
    days,
  )
  const until = from + days * dayMs
  await hopTo(stage, from)
  await stage.signIn(stage.root)
  const clubs: MonthClub[] = []
  for (const size of sizes) clubs.push(await openMonthClub(stage, size))
  // A demo that was killed has left it paused: the ticks of that pause are not of this month.
  await resumeIdleJob(stage)
  await untilQuiet(db)
  // It takes longer than all others, and has nothing to remove. When it is resumed, its rule says what becomes of it.
  await stage.call(stage.root, "POST", `/v1/jobs/${idle}/pause`)
  await untilQuiet(db)
  const before = await readCounts(db)

  const random = seeded(seed)
  const acts = sizes.flatMap((size, nth) =>
    actsOf(stage, clubs[nth] as MonthClub, planMonth(random, size, { from, days })),
  )
  const waiting = acts.filter(({ at }) => at > from && at < until).toSorted((a, b) => a.at - b.at)
  let [hops, day, signedInAt] = [0, 0, from]
  for (let at = from; at < until; hops++) {
    at = Math.min(waiting[0]?.at ?? until, await nextTick(stage), until)
    await hopTo(stage, at)
    await untilQuiet(db)
    if (at - signedInAt >= signInEveryMs) {
      signedInAt = at
      for (const person of [stage.root, ...clubs.flatMap(everybodyOf)]) await stage.signIn(person)
    }
    while (waiting[0] !== undefined && waiting[0].at <= at) await waiting.shift()?.does?.()
    await untilQuiet(db)
    for (; from + (day + 1) * dayMs <= at; day++) progress(day + 1)
  }
  await resumeIdleJob(stage)
  wakeEverybody()
  await untilQuiet(db, { inTheEnd: true })
  const changes = clubs.flatMap(({ timezone }) => changesIn(timezone, from, until).map((each) => `${timezone} ${each}`))
  const jobs = await ticksOf(db, { before, after: await readCounts(db), from, until })
  return { from: new Date(from), until: new Date(until), hops, changes, clubs, jobs }
}

/** Also for a month that has ended early. */
export const resumeIdleJob = ({ call, root }: Stage) => call(root, "POST", `/v1/jobs/${idle}/resume`)

async function hopTo(stage: Stage, instant: number): Promise<void> {
  await stage.moveTo(new Date(instant))
  wakeEverybody()
}

/** A tick that was run is not run again, also after the clock was moved back. */
async function latestTick(db: Db): Promise<number> {
  const [row] = await db<[{ at: Date | null }]>`select max(tick_at) as at from slotbase.job_runs`
  return row.at?.getTime() ?? 0
}

/** The next tick of a job of a facility's own day, and of the platform's daily ones. */
async function nextTick({ db }: Stage): Promise<number> {
  const [row] = await db<[{ at: Date | null }]>`
    select min(s.next_due_at) as at from slotbase.job_schedules s join slotbase.jobs j on j.name = s.job
    where j.per_facility and s.next_due_at > slotbase.now()`
  return row.at?.getTime() ?? Number.POSITIVE_INFINITY
}

const actsOf = (stage: Stage, club: MonthClub, { visits, lessons }: ClubPlan): Act[] => [
  ...visits.flatMap((visit) => actsOfVisit(stage, club, visit)),
  ...lessons.flatMap((startAt) => actsOfLesson(stage, club, startAt)),
]

function actsOfVisit(stage: Stage, club: MonthClub, visit: Visit): Act[] {
  const { call } = stage
  const { at, desk, courts, players } = club
  const { bookedAt, startAt, pays, fate } = visit
  const player = players[visit.player] as StageActor
  const slot = { resourceId: courts[visit.court], ...spanOf(startAt) }
  let id: string | undefined
  if (fate === "forgets the hold")
    return [
      { at: bookedAt, does: () => call(player, "POST", `${at}/holds`, { ...slot, bookerId: player.id }) },
      { at: bookedAt + holdMs },
    ]
  const book = async () => {
    const paymentMethod = pays === "card" ? "online" : "offline"
    const who = pays === "card" ? player : desk
    const booking = await call(who, "POST", `${at}/bookings`, { ...slot, bookerId: player.id, paymentMethod })
    id = booking.id
    const payment = { referenceType: "booking", referenceId: id, cardToken: "tok_visa" }
    if (pays === "card") await call(player, "POST", `${at}/payments`, payment)
    const cash = { bookingId: id, amount: booking.priceAmount, paymentMethod: "cash" }
    if (pays === "cash") await call(desk, "POST", `${at}/offline-payments`, cash)
  }
  const reminders = [24 * hourMs, hourMs].map((before) => ({ at: startAt - before })).filter((act) => act.at > bookedAt)
  const acts: Act[] = [{ at: bookedAt, does: book }, ...reminders]
  if (fate === "cancels") {
    const reason = { cancellationReason: "Something came up" }
    const cancel = () => call(player, "POST", `${at}/bookings/${id}/cancel`, reason)
    return [...acts, { at: startAt - 24 * hourMs, does: cancel }]
  }
  // The minute's job finds the no-show; the clock need not stop for it.
  if (fate === "stays away") return acts
  const checkIn = () => call(desk, "POST", `${at}/bookings/${id}/check-in`, { method: "manual" })
  const complete = () => call(desk, "POST", `${at}/bookings/${id}/complete`, {})
  return [...acts, { at: startAt, does: checkIn }, { at: startAt + hourMs, does: complete }]
}

function actsOfLesson({ call }: Stage, { at, coach, childId, courts }: MonthClub, startAt: number): Act[] {
  let id: string | undefined
  const book = async () => {
    const lesson = { sessionType: "private", students: [childId], paymentMethod: "offline" }
    id = (
      await call(coach, "POST", `${at}/coach-sessions`, { ...spanOf(startAt), resourceId: courts.at(-1), ...lesson })
    ).id
  }
  const tell = async () => {
    await call(coach, "POST", `${at}/coach-sessions/${id}/complete`, { attendedStudents: [childId] })
    const said = {
      sessionId: id,
      studentId: childId,
      text: "Steady rallies from the baseline.",
      skillsWorked: ["Backhand"],
    }
    const feedback = await call(coach, "POST", `${at}/feedback`, said)
    await call(coach, "POST", `${at}/feedback/${feedback.id}/publish`, {})
  }
  return [
    { at: startAt - 23 * hourMs, does: book },
    { at: startAt + hourMs, does: tell },
  ]
}

const spanOf = (startAt: number) => ({
  startAt: new Date(startAt).toISOString(),
  endAt: new Date(startAt + hourMs).toISOString(),
})
