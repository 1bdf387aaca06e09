/**
 * A look at a facility's day, in its language and by rules: what is late, which endpoints fail, which figures are
 * unusual. It comes with the report of the day, and says so when nothing is odd.
 */
import type { Tx } from "#base/database/transaction.ts"
import type { Language } from "#base/languages.ts"
import type { EventData } from "#events/catalogue.ts"
import { type DayFigure, type DayWords, dayWords } from "./day-words.ts"
import { insertAgentReport } from "./rows.ts"

/** Answers why there is no report; undefined: there is one. */
export async function lookAtDay(
  tx: Tx,
  facilityId: string,
  eventId: string,
  data: EventData<"facility.report.made">,
): Promise<string | undefined> {
  const [words, late, failing, usual] = await Promise.all([
    wordsOf(tx, facilityId),
    lateOf(tx, facilityId),
    failingOf(tx, facilityId),
    usualOf(tx, facilityId, data.day),
  ])
  const unusual = (figure: DayFigure, count: number, mean: number | undefined) =>
    mean !== undefined && isUnusual(count, mean) ? [words.unusual(figure, count, mean)] : []
  const odd = [
    ...late.map(({ kind, count, oldest }) => words.late(kind, count, oldest)),
    ...failing.map(({ name, since }) => words.failing(name, since)),
    ...unusual("bookings", data.bookings, usual?.bookings),
    ...unusual("cancellations", data.cancellations, usual?.cancellations),
    ...unusual("noShows", data.noShows, usual?.no_shows),
  ]
  const lines = [
    ...(odd.length > 0 ? odd : [words.nothing(data.day)]),
    ...(usual === undefined ? [words.tooFewWeeks] : []),
    words.byRules,
  ]
  const report = { facility_id: facilityId, event_id: eventId, agent: "MonitoringAgent", lines } as const
  const isNew = await insertAgentReport(tx, { ...report, subject_id: facilityId, proposal: null })
  return isNew ? undefined : "this event has its report"
}

async function wordsOf(tx: Tx, facilityId: string): Promise<DayWords> {
  const [row] = await tx<{ language: Language }[]>`select language from slotbase.facilities where id = ${facilityId}`
  return dayWords[row?.language ?? "en"]
}

const lateOf = (tx: Tx, facilityId: string) => tx<{ kind: string; count: number; oldest: Date }[]>`
  select kind, count(*)::integer as count, min(since) as oldest from slotbase.late_events
  where facility_id = ${facilityId} group by kind order by kind`

/** More would be a list, and no look. */
const mostNamed = 10

const failingOf = (tx: Tx, facilityId: string) => tx<{ name: string; since: Date }[]>`
  select w.name, h.failing_since as since
  from slotbase.webhook_health h
  join slotbase.webhooks w on w.id = h.webhook_id and w.facility_id = h.facility_id
  where h.facility_id = ${facilityId}
  order by h.failing_since, w.id limit ${mostNamed}`

interface Usual {
  readonly days: number
  readonly bookings: number
  readonly cancellations: number
  readonly no_shows: number
}

/** The means of the same weekday in the eight weeks before; undefined: fewer than three of them are known. */
async function usualOf(tx: Tx, facilityId: string, day: string): Promise<Usual | undefined> {
  const [row] = await tx<Usual[]>`
    select count(*)::integer as days, avg(bookings)::float8 as bookings, avg(cancellations)::float8 as cancellations,
           avg(no_shows)::float8 as no_shows
    from slotbase.daily_facility_figures
    where facility_id = ${facilityId} and day in (select ${day}::date - 7 * n from generate_series(1, 8) n)`
  return row && row.days >= 3 ? row : undefined
}

/** Twice as many or half as many, and at least five apart: small numbers vary by themselves. */
const isUnusual = (count: number, usual: number) =>
  Math.abs(count - usual) >= 5 && (count >= usual * 2 || count <= usual / 2)
