/**
 * A VTIMEZONE from the project's own zone data, for a span of time. Each change of the clocks in the span is written
 * out: a rule could only say what recurs, and countries decide otherwise. Pure.
 */
import { type Piece, piecesFrom, wallAt } from "#base/zones/wall-clock.ts"

/** The lines for all instants from `from` to `until`, milliseconds. Throws RangeError for a zone that is unknown. */
export function timeZoneLines(timezone: string, from: number, until: number): string[] {
  const lines = ["BEGIN:VTIMEZONE", `TZID:${timezone}`]
  // A day before: local times near the first instant have their offset too.
  const first = from - dayMs
  let before: Piece | undefined
  for (const piece of piecesFrom(timezone, first)) {
    if (piece.from > until + dayMs) break
    lines.push(...observance(piece, before ?? piece))
    before = piece
  }
  return [...lines, "END:VTIMEZONE"]
}

const dayMs = 24 * 60 * 60_000

/** The onset is the time on the wall by the offset before it (RFC 5545, 3.6.5). */
function observance(piece: Piece, before: Piece): string[] {
  const kind = piece.offset > before.offset ? "DAYLIGHT" : "STANDARD"
  const onset = piece === before ? anciently : wall(piece.from + before.offset)
  return [
    `BEGIN:${kind}`,
    `DTSTART:${onset}`,
    `TZOFFSETFROM:${offsetText(before.offset)}`,
    `TZOFFSETTO:${offsetText(piece.offset)}`,
    `END:${kind}`,
  ]
}

/** Before every instant of a calendar; the first piece of a span has begun already. */
const anciently = "19700101T000000"

/** A wall time, such as 20260329T020000. */
const wall = (at: number) => new Date(at).toISOString().slice(0, 19).replace(/[-:]/g, "")

/** The time on the wall at an instant, such as 20260312T180000. */
export const icalWallTime = (timezone: string, at: number): string => wall(wallAt(timezone, at))

/** +0200. */
function offsetText(offset: number): string {
  const minutes = Math.abs(Math.round(offset / 60_000))
  const two = (value: number) => String(value).padStart(2, "0")
  return `${offset < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}${two(minutes % 60)}`
}
