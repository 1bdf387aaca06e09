/**
 * Whether the clock of the database's host can be believed. Acts that cannot be taken back ask first: a clock that
 * leapt ahead makes everything look old. sql/0018-what-grows-ends.sql has the watch and its reasons. It watches the
 * real time, so a movable clock that a demo or a test moves on purpose raises no doubt.
 */
import type { ISql } from "postgres"

/**
 * The leap from which on a kind of act waits, as an interval of PostgreSQL. Deletions lose nothing by waiting a day. A
 * club's business goes on after a stop of weeks, and only waits when the clock looks entirely wrong.
 */
const leaps = { deletions: "1 day", business: "45 days" } as const
export type ClockActs = keyof typeof leaps

/** Looks at the clock once more. Answers the doubt about it in words; undefined: these acts may go on. */
export async function clockDoubt(sql: ISql, acts: ClockActs): Promise<string | undefined> {
  const [row] = await sql<ClockState[]>`select ${stateIn(sql, acts)} from slotbase.watch_clock() w`
  return row?.held ? doubtInWords(row) : undefined
}

/** Reads the last look, and does not look again. */
export async function knownClockDoubt(sql: ISql): Promise<string | undefined> {
  const [row] = await sql<ClockState[]>`select ${stateIn(sql, "deletions")} from slotbase.clock_watch w`
  return row?.held ? doubtInWords(row) : undefined
}

interface ClockState {
  readonly held: boolean
  readonly leap: string
  readonly until: string
}

const stateIn = (sql: ISql, acts: ClockActs) => sql`
  coalesce(w.doubted_since - w.trusted_at > ${leaps[acts]}::text::interval, false) as held,
  date_trunc('second', w.doubted_since - w.trusted_at)::text as leap,
  slotbase.utc(w.doubted_since + slotbase.clock_wait(w.doubted_since - w.trusted_at)) as until`

const doubtInWords = ({ leap, until }: ClockState) =>
  `the clock of the database's host leapt ahead by ${leap}; it is believed at ${until} of its own time. ` +
  'If it is right, run "select slotbase.trust_clock()"; otherwise set the clock of the host right'
