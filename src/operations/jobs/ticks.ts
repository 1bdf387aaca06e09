/**
 * The ticks of a cron line on the wall of a zone. The scheduler and each preview use this code, so what a preview
 * promises happens. Where the clocks change:
 * - A tick at a local time that is skipped comes at the end of the gap. Several of them are one tick.
 * - A tick at a local time that is repeated comes once, at the first reading.
 * - Of a cron line that ticks in every hour, each hour that passes has its ticks. So a repeated hour has them twice.
 */
import { type Piece, piecesFrom } from "#base/zones/wall-clock.ts"
import { type Cron, ticksOnDay } from "./cron.ts"

export interface Tick {
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  /** The local day that the cron line names, such as 2026-03-29. */
  readonly localDate: string
  /** The local time that the cron line names, such as 02:30. The wall does not show it when it is skipped. */
  readonly localTime: string
  /** What the clocks do with that local time. "repeated": this is its first reading; "again": its second. */
  readonly clocks?: "skipped" | "repeated" | "again"
}

const dayMs = 24 * 60 * 60_000
const minuteMs = 60_000

/** The next ticks after an instant. Throws RangeError for an unknown zone. */
export function nextTicks(cron: Cron, timezone: string, after: number, count: number): Tick[] {
  const ticks: Tick[] = []
  if (count > 0)
    for (const tick of ticksAfter(cron, timezone, after)) {
      ticks.push(tick)
      if (ticks.length === count) break
    }
  return ticks
}

/** The ticks after an instant, up to and with another one. Throws RangeError for an unknown zone. */
export function ticksBetween(cron: Cron, timezone: string, after: number, until: number): Tick[] {
  const ticks: Tick[] = []
  for (const tick of ticksAfter(cron, timezone, after)) {
    if (tick.at > until) break
    ticks.push(tick)
  }
  return ticks
}

/** All ticks after an instant, in order, without an end. Throws RangeError for an unknown zone. */
export function* ticksAfter(cron: Cron, timezone: string, after: number): Generator<Tick> {
  // The piece before tells which local times the first one repeats.
  const pieces = piecesFrom(timezone, after - dayMs)
  let before: Piece | undefined
  let piece = pieces.next().value as Piece | undefined
  while (piece !== undefined) {
    const next = pieces.next().value as Piece | undefined
    if (piece.until > after) yield* ticksIn(cron, { before, piece, next }, after)
    before = piece
    piece = next
  }
}

interface Neighbours {
  readonly before: Piece | undefined
  readonly piece: Piece
  readonly next: Piece | undefined
}

function* ticksIn(cron: Cron, { before, piece, next }: Neighbours, after: number): Generator<Tick> {
  const { from, until, offset } = piece
  const wallFrom = Math.max(from, after) + offset
  // Up to here the wall has shown its times once already; from here on it will show them again.
  const repeatedUntil = before === undefined ? Number.NEGATIVE_INFINITY : from + before.offset
  const repeatsFrom = next === undefined ? Number.POSITIVE_INFINITY : until + next.offset
  let pending: Tick | undefined
  if (before !== undefined && from > after) pending = skippedTick(cron, from, from + before.offset, from + offset)
  for (const wall of wallTimes(cron, wallFrom, until + offset)) {
    const at = wall - offset
    const again = wall < repeatedUntil
    if (at <= after || (again && !cron.everyHour)) continue
    if (pending !== undefined && pending.at !== at) yield pending
    const clocks = again ? "again" : wall >= repeatsFrom ? "repeated" : undefined
    pending = undefined
    yield { at, ...named(wall), ...(clocks && { clocks }) }
  }
  if (pending !== undefined) yield pending
}

/** The one tick of all local times that the clocks skip at an instant. It has the last of their names. */
function skippedTick(cron: Cron, at: number, from: number, until: number): Tick | undefined {
  let last: number | undefined
  for (const wall of wallTimes(cron, from, until)) last = wall
  return last === undefined ? undefined : { at, ...named(last), clocks: "skipped" }
}

/** The wall times of a cron line, in order; the end is excluded. */
function* wallTimes(cron: Cron, from: number, until: number): Generator<number> {
  for (let day = Math.floor(from / dayMs) * dayMs; day < until; day += dayMs) {
    if (!ticksOnDay(cron, day)) continue
    for (const hour of cron.hours)
      for (const minute of cron.minutes) {
        const wall = day + (hour * 60 + minute) * minuteMs
        if (wall >= until) return
        if (wall >= from) yield wall
      }
  }
}

function named(wall: number): Pick<Tick, "localDate" | "localTime"> {
  const text = new Date(wall).toISOString()
  return { localDate: text.slice(0, 10), localTime: text.slice(11, 16) }
}
