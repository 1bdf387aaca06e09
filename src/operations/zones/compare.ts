/**
 * Compares the project's zone data with that of the runtime and of PostgreSQL, over two years. Local times come from
 * the project's data alone. A difference matters to whoever reads local times in another way, such as in SQL.
 */
import type { Db } from "#base/database/db.ts"
import type { Span } from "#base/local-days.ts"
import { runtimeOffsetAt } from "#base/zones/runtime-zones.ts"
import { nextChangeAfter, offsetAt, signedOffset } from "#base/zones/wall-clock.ts"

/** Time in which another source reads the clock of a zone differently. Instants and offsets in milliseconds. */
export interface ZoneDifference extends Span {
  readonly zone: string
  readonly source: "runtime" | "PostgreSQL"
  /** The project's offset, and the other one; null: the source has no such zone. */
  readonly offset: number
  readonly other: number | null
}

/** A law that changes the clocks is rarely known earlier. */
export const comparedYears = 2

const hourMs = 3_600_000
/** Between two changes of the project's own, another source is asked this often: no law lasts for less than a day. */
const stepMs = 24 * hourMs

/** A piece of time with one offset by the project's data. */
interface Piece extends Span {
  readonly zone: string
  readonly offset: number
}

/** The differences of the runtime, then those of PostgreSQL, each by zone and time. */
export async function compareZones(db: Db, zones: readonly string[], span: Span): Promise<readonly ZoneDifference[]> {
  const pieces = zones.flatMap((zone) => piecesOf(zone, span))
  return [...pieces.flatMap(ofRuntime), ...(await ofDatabase(db, pieces))]
}

/** The zones of the facilities, in order. */
export async function zonesInUse(db: Db): Promise<readonly string[]> {
  const rows = await db<{ timezone: string }[]>`select distinct timezone from slotbase.facilities order by timezone`
  return rows.map(({ timezone }) => timezone)
}

function piecesOf(zone: string, { start, end }: Span): Piece[] {
  const pieces: Piece[] = []
  for (let at = start; at < end; ) {
    const until = Math.min(end, nextChangeAfter(zone, at))
    pieces.push({ zone, start: at, end: until, offset: offsetAt(zone, at) })
    at = until
  }
  return pieces
}

function ofRuntime({ zone, start, end, offset }: Piece): ZoneDifference[] {
  const differing = samplesOf({ start, end }).filter((at) => runtimeOffsetAt(zone, at) !== offset)
  return Map.groupBy(differing, (at) => runtimeOffsetAt(zone, at))
    .entries()
    .map(([other, found]): ZoneDifference => {
      const [first = start, last = start] = [found[0], found.at(-1)]
      return { zone, source: "runtime", start: first, end: last, offset, other }
    })
    .toArray()
}

/** Both ends of a piece are samples: a change an hour early or late is seen. */
function samplesOf({ start, end }: Span): number[] {
  const samples: number[] = []
  for (let at = start; at < end; at += stepMs) samples.push(at)
  return [...samples, end - 1_000]
}

/** One statement for all zones: PostgreSQL answers only where it differs. */
async function ofDatabase(db: Db, pieces: readonly Piece[]): Promise<ZoneDifference[]> {
  const rows = await db<{ nth: number; other: number | null; first: Date; last: Date }[]>`
    with piece as materialized (
      select p.*, n.name is not null as known
      from jsonb_to_recordset(${db.json(pieces.map((piece, nth) => ({ nth, ...piece })) as never)})
        as p (nth integer, zone text, "start" float8, "end" float8, "offset" float8)
      left join (select lower(name) as name from pg_timezone_names) n on n.name = lower(p.zone)
    ), sample as (
      select p.nth, p.zone, p.known, p."offset", s.at
      from piece p
      cross join lateral (
        select to_timestamp(p."start" / 1000) + make_interval(secs => ${stepMs / 1_000} * i) as at
        from generate_series(0, ceil((p."end" - p."start") / ${stepMs})::integer - 1) as i
        union all select to_timestamp(p."end" / 1000 - 1)) s
    ), read as (
      select nth, at, "offset",
             case when known then extract(epoch from (at at time zone zone) - (at at time zone 'UTC')) * 1000 end as other
      from sample
    )
    select nth, other::float8 as other, min(at) as first, max(at) as last
    from read where other is distinct from "offset"
    group by nth, other order by nth, first`
  return rows.flatMap(({ nth, other, first, last }) => {
    const piece = pieces[nth]
    return piece
      ? [
          {
            zone: piece.zone,
            source: "PostgreSQL",
            start: first.getTime(),
            end: last.getTime(),
            offset: piece.offset,
            other,
          } as const,
        ]
      : []
  })
}

/** Such as "America/Vancouver: from 2026-11-01 to 2027-03-14 the runtime says −08:00, and it is −07:00". */
export function differenceText({ zone, source, start, end, offset, other }: ZoneDifference): string {
  const who = source === "runtime" ? "the runtime" : "PostgreSQL"
  if (other === null) return `${zone}: ${who} has no such zone`
  return `${zone}: from ${dayOf(start)} to ${dayOf(end)} ${who} says ${signedOffset(other)}, and it is ${signedOffset(offset)}`
}

const dayOf = (at: number) => new Date(at).toISOString().slice(0, 10)
