/**
 * What the clock on the wall shows in a zone, and when it shows a time. A wall time is a number of milliseconds: the
 * instant at which a clock in UTC would show the same date and time. Its arithmetic needs no calendar.
 * Local times are resolved here and nowhere else. SQL never resolves them, because PostgreSQL has zone data of its own.
 */
import { type Zone, zoneOf } from "./zone-data.ts"

const dayMs = 24 * 60 * 60_000

/** How far the wall clock is ahead of UTC at an instant, milliseconds. */
export function offsetAt(timezone: string, at: number): number {
  const zone = zoneOf(timezone)
  return zone.offsets[pieceAt(zone, at)] ?? 0
}

/** The wall time at an instant. */
export const wallAt = (timezone: string, at: number): number => at + offsetAt(timezone, at)

/**
 * The instant of a wall time. A time that the clocks repeat is its first reading. A time that they skip is the
 * "end" of the gap, or "later" by its length, as in Temporal ("compatible") and RFC 5545.
 */
export function instantAt(timezone: string, wall: number, skipped: "later" | "end"): number {
  const zone = zoneOf(timezone)
  const { untils, offsets } = zone
  // No offset is as large as a day, so the right piece is this one or one of the next.
  for (let i = pieceAt(zone, wall - dayMs); ; i++) {
    const at = wall - (offsets[i] ?? 0)
    if (at >= (untils[i] ?? Number.POSITIVE_INFINITY)) continue
    const from = i === 0 ? Number.NEGATIVE_INFINITY : (untils[i - 1] ?? 0)
    if (at >= from) return at
    return skipped === "end" ? from : wall - (offsets[i - 1] ?? 0)
  }
}

/** The first instant after this one at which the offset changes; Infinity when it never does. */
export function nextChangeAfter(timezone: string, at: number): number {
  const zone = zoneOf(timezone)
  return zone.untils[pieceAt(zone, at)] ?? Number.POSITIVE_INFINITY
}

/** A piece of time with one offset; milliseconds. Its end is excluded. */
export interface Piece {
  readonly from: number
  readonly until: number
  readonly offset: number
}

/** The pieces of a zone from the one in which an instant lies, in order. The last one never ends. */
export function* piecesFrom(timezone: string, at: number): Generator<Piece> {
  const { untils, offsets } = zoneOf(timezone)
  for (let i = pieceAt(zoneOf(timezone), at); i < untils.length; i++)
    yield {
      from: i === 0 ? Number.NEGATIVE_INFINITY : (untils[i - 1] ?? 0),
      until: untils[i] ?? Number.POSITIVE_INFINITY,
      offset: offsets[i] ?? 0,
    }
}

/** An offset (milliseconds) as people write it, such as "+05:30" and "−07:00". */
export function signedOffset(offset: number): string {
  const minutes = Math.abs(Math.round(offset / 60_000))
  const two = (value: number) => String(value).padStart(2, "0")
  return `${offset < 0 ? "−" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}

/** The index of the piece in which an instant lies. */
function pieceAt({ untils }: Zone, at: number): number {
  let [low, high] = [0, untils.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if (at < (untils[middle] ?? Number.POSITIVE_INFINITY)) high = middle
    else low = middle + 1
  }
  return low
}
