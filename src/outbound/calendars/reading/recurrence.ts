/**
 * The occurrences of a series, by one engine. rrule-temporal counts on the wall clock, where every hour exists. The
 * project's own zone data finds the instants. What the engine cannot count is refused aloud. Pure.
 */
import { RRuleTemporal } from "rrule-temporal"
import type { WallZone } from "./event-zones.ts"

export interface PulledSeries {
  /** The wall time of the first occurrence, milliseconds. */
  readonly start: number
  readonly zone: WallZone
  /** Values of RRULE, such as FREQ=WEEKLY;BYDAY=TU. */
  readonly rules: readonly string[]
  /** Wall times of further occurrences. */
  readonly more: readonly number[]
}

/** The series is refused, with the reason in words. */
export class SeriesRefused extends Error {
  readonly _tag = "SeriesRefused"
}

/** An hour that repeats every minute is no appointment. */
const frequencies = /^(?:DAILY|WEEKLY|MONTHLY|YEARLY)$/
const maxRuleLength = 500
/** Occurrences of one series in the wanted time. A daily one has 366. */
const maxOccurrences = 2_000
/** Periods that the engine may walk through: a daily series of 100 years. */
const maxPeriods = 40_000

/**
 * The wall times of the occurrences that begin from `from` until `until`, both wall times in milliseconds, in order.
 * The first one is that of the series itself, whether its rules name it or not (RFC 5545, 3.8.5.3).
 * @throws SeriesRefused
 */
export function wallsOf(series: PulledSeries, from: number, until: number): number[] {
  const { start, rules, more } = series
  const found = new Set([start, ...more].filter((wall) => wall >= from && wall < until))
  for (const rule of rules) {
    const counted = engineOf(series, rule).between(new Date(from - 1), new Date(until), false)
    for (const each of counted) found.add(each.epochMilliseconds)
    if (found.size > maxOccurrences)
      throw new SeriesRefused(`It has more than ${maxOccurrences} occurrences in a year.`)
  }
  return [...found].filter((wall) => wall >= from && wall < until).sort((a, b) => a - b)
}

function engineOf({ start, zone }: PulledSeries, rule: string): RRuleTemporal {
  if (rule.length > maxRuleLength) throw new SeriesRefused(`Its rule has more than ${maxRuleLength} characters.`)
  const parts = new Map(rule.toUpperCase().split(";").map(partOf))
  const freq = parts.get("FREQ") ?? ""
  if (!frequencies.test(freq))
    throw new SeriesRefused(`It repeats by ${freq || "no frequency"}, which is not supported.`)
  for (const name of ["RSCALE", "SKIP", "BYHOUR", "BYMINUTE", "BYSECOND"])
    if (parts.has(name)) throw new SeriesRefused(`Its rule has ${name}, which is not supported.`)
  const until = parts.get("UNTIL")
  if (until !== undefined) parts.set("UNTIL", wallUntil(until, zone))
  const text = [...parts].map(([name, value]) => `${name}=${value}`).join(";")
  try {
    return new RRuleTemporal({
      rruleString: `DTSTART:${stampOf(start)}\nRRULE:${text}`,
      maxIterations: maxPeriods,
      cache: false,
    })
  } catch (error) {
    throw new SeriesRefused(`Its rule is not understood: ${(error as Error).message}`)
  }
}

function partOf(part: string): [name: string, value: string] {
  const [name = "", value, ...rest] = part.split("=")
  if (value === undefined || value === "" || rest.length > 0)
    throw new SeriesRefused(`Its rule has the part "${part}".`)
  return [name, value]
}

/** The end of a rule on the wall clock. An instant is read in the zone; a day counts to its end. */
function wallUntil(text: string, zone: WallZone): string {
  const [, day, time, utc] = /^(\d{8})(?:T(\d{6})(Z)?)?$/.exec(text) ?? []
  if (day === undefined) throw new SeriesRefused(`Its rule ends at "${text}".`)
  const wall = wallOfStamp(day, time ?? "235959")
  return stampOf(utc === undefined ? wall : zone.wallOf(wall))
}

const wallOfStamp = (day: string, time: string) =>
  Date.UTC(
    Number(day.slice(0, 4)),
    Number(day.slice(4, 6)) - 1,
    Number(day.slice(6)),
    Number(time.slice(0, 2)),
    Number(time.slice(2, 4)),
    Number(time.slice(4)),
  )

/** 20260312T170000Z */
const stampOf = (wall: number) => new Date(wall).toISOString().replace(/[-:]|\.\d{3}/g, "")
