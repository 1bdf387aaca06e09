/**
 * Makes the weekly summaries of a facility's players: one for each player with news whom, or whose parents, it may be
 * told. Each slice of players is a transaction. So a run that was cut off goes on where it ended. Records
 * progress.summary.made for each.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound } from "#base/errors.ts"
import { spanOfDay } from "#base/local-days.ts"
import { weekdayOf, weekdays } from "#base/weekdays.ts"
import { record } from "#events/outbox.ts"
import { type FacilityScope, scopeOf } from "#events/scope.ts"
import type { ProgressSummary } from "./answer.ts"
import { newsOf, playersWithNews, type WeekSpan } from "./news.ts"
import { summaryReadersOf } from "./readers.ts"
import { insertSummaries } from "./rows.ts"

/** Players of one transaction. */
export const summariesAtOnce = 100

/** A week of a facility that is to be told, and the players with news. */
export interface TellableWeek {
  readonly scope: FacilityScope
  /** Its Monday, YYYY-MM-DD. */
  readonly week: string
  readonly span: WeekSpan
  readonly playerIds: readonly string[]
}

/**
 * The last whole week before a local day.
 * @throws NotFound for a facility that does not exist, or does not any more
 */
export async function weekToTell(db: Queryable, facilityId: string, localDate: string): Promise<TellableWeek> {
  const [facility] = await db<{ id: string; organization_id: string | null; timezone: string }[]>`
    select id, organization_id, timezone from slotbase.facilities where id = ${facilityId}`
  if (!facility) throw new NotFound("facility", facilityId)
  const monday = plusDays(localDate, -weekdays.indexOf(weekdayOf(localDate)))
  const week = plusDays(monday, -7)
  const startOf = (day: string) => new Date(spanOfDay(facility.timezone, day).start).toISOString()
  const span = { start: startOf(week), end: startOf(monday), nextEnd: startOf(plusDays(monday, 7)) }
  return { scope: scopeOf(facility), week, span, playerIds: await playersWithNews(db, facilityId, week, span) }
}

/** Makes the summaries of some players of the week; answers how many are new. */
export async function makeSummaries(
  tx: Tx,
  { scope, week, span }: TellableWeek,
  playerIds: readonly string[],
): Promise<number> {
  const { facilityId } = scope
  const [news, readers] = await Promise.all([
    newsOf(tx, facilityId, playerIds, span),
    summaryReadersOf(tx, facilityId, playerIds),
  ])
  const lastDay = plusDays(week, 6)
  const wanted = playerIds.flatMap((playerId) => {
    const [own, of] = [news.get(playerId), readers.get(playerId)]
    // Nobody may read it, so nothing is made of the child's data.
    if (!own || !of || (of.isChild && of.parentIds.length === 0)) return []
    const summary: ProgressSummary = {
      playerName: `${of.firstName} ${of.lastName}`.trim(),
      playerFirstName: of.firstName,
      ...{ firstDay: week, lastDay, attended: own.sessions.filter(({ attended }) => attended).length },
      ...own,
    }
    return [{ playerId, summary, of }]
  })
  const made = await insertSummaries(
    tx,
    facilityId,
    week,
    wanted.map(({ playerId, summary }) => ({ playerId, summary })),
  )
  for (const { playerId, of } of wanted) {
    if (!made.has(playerId)) continue
    record(tx, {
      type: "progress.summary.made",
      ...scope,
      data: {
        ...{ playerId, facilityId, week },
        parentIds: [...of.parentIds],
        ...(!of.isChild && { userId: playerId }),
      },
    })
  }
  return made.size
}

const plusDays = (day: string, days: number): string =>
  new Date(Date.parse(day) + days * 86_400_000).toISOString().slice(0, 10)
