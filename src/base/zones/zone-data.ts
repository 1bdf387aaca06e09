/**
 * The time zones of the world, from the package moment-timezone. Its data is pinned in `bun.lock`, and renewed by a
 * new version of the package. A clock change that a country decides needs no new runtime.
 * Only `wall-clock.ts` reads zones. Nothing else of the package is used.
 */
import moment from "moment-timezone"

/** A zone as pieces of time, in order, each with one offset. */
export interface Zone {
  readonly name: string
  /** The end of each piece, milliseconds since the Unix epoch; the last one is Infinity. */
  readonly untils: Float64Array
  /** Of each piece: what the clock on the wall is ahead of UTC, milliseconds. */
  readonly offsets: Float64Array
}

/** The edition of the IANA data, such as "2026f". */
export const zoneDataVersion: string = moment.tz.dataVersion

const zones = new Map<string, Zone>()
let lowerCaseNames: ReadonlySet<string> | undefined
const minuteMs = 60_000

/** The zone of an IANA name in any letter case. Throws RangeError. */
export function zoneOf(name: string): Zone {
  const known = zones.get(name)
  if (known !== undefined) return known
  const found = findZone(name)
  if (found === undefined) throw new RangeError(`There is no time zone ${JSON.stringify(name)}`)
  // Only the names of the data and those that facilities have stored come here: some hundreds.
  zones.set(name, found)
  return found
}

/** Whether the data has a zone of this name, in any letter case. */
export const isZone = (name: string): boolean => zones.has(name) || findZone(name) !== undefined

/** All names, those of links included, in order. */
export const zoneNames = (): string[] => moment.tz.names()

const known = () => (lowerCaseNames ??= new Set(zoneNames().map((name) => name.toLowerCase())))

function findZone(name: string): Zone | undefined {
  // The package also takes names that are none, such as "europe_berlin".
  const packed = known().has(name.toLowerCase()) ? moment.tz.zone(name) : null
  if (packed === null) return fixedZone(name)
  return {
    name: packed.name,
    untils: Float64Array.from(packed.untils, (until) => until ?? Number.POSITIVE_INFINITY),
    // The package counts minutes to the west.
    offsets: Float64Array.from(packed.offsets, (west) => Math.round(-west * minuteMs)),
  }
}

/** An offset without a place, such as "+05:30". Earlier versions accepted it as a facility's zone. */
function fixedZone(name: string): Zone | undefined {
  const parts = /^([+-])([01]\d|2[0-3]):?([0-5]\d)?$/.exec(name)
  if (parts === null) return undefined
  const minutes = Number(parts[2]) * 60 + Number(parts[3] ?? 0)
  return {
    name,
    untils: Float64Array.of(Number.POSITIVE_INFINITY),
    offsets: Float64Array.of((parts[1] === "-" ? -minutes : minutes) * minuteMs),
  }
}
