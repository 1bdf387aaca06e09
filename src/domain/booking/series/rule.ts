/**
 * Recurrence rules: the subset of RFC 5545's RRULE that a club needs, and the calendar days that a rule names. The
 * library rrule-temporal computes the days in UTC, where every day exists. `occurrences.ts` decides which days exist
 * in a facility's zone, and at which instant. Pure functions.
 */
import { RRuleTemporal, type Weekday } from "rrule-temporal"
import { isLocalDate, later } from "#base/local-days.ts"

export interface Rule {
  readonly freq: "DAILY" | "WEEKLY" | "MONTHLY"
  readonly interval: number
  /** Weekdays such as "TU"; monthly also with their place in the month, such as "2TU" or "-1FR". */
  readonly byDay?: readonly string[]
  /** Monthly: days of the month, from its end when negative. */
  readonly byMonthDay?: readonly number[]
  readonly weekStart?: Weekday
  readonly count?: number
  /** The last possible start: a local day (YYYY-MM-DD), itself included, or an instant (milliseconds). */
  readonly until?: string | number
}

/** A year of days. A longer series is booked without COUNT; the window bounds the bookings made at a time. */
const maxCount = 366
/** Every second month or every sixth week is a habit; beyond a year there is none. */
const maxInterval = 52
export const maxRuleLength = 200

/** The rule of a text such as `FREQ=WEEKLY;BYDAY=TU,TH;COUNT=10`, or what is wrong with it. */
export function parseRule(text: string): Rule | { readonly fault: string } {
  const parts = text
    .toUpperCase()
    .replace(/^RRULE:/, "")
    .split(";")
  const given = new Map<string, string>()
  for (const part of parts) {
    const [name = "", value, ...more] = part.split("=")
    if (value === undefined || more.length > 0) return { fault: `must be parts such as FREQ=WEEKLY, not "${part}"` }
    if (!known.has(name))
      return { fault: `has ${name}, which is not supported; supported are ${[...known].join(", ")}` }
    if (given.has(name)) return { fault: `has ${name} twice` }
    given.set(name, value)
  }
  const freq = given.get("FREQ") as Rule["freq"] | undefined
  if (freq === undefined || !frequencies.has(freq)) return { fault: "must have FREQ=DAILY, WEEKLY or MONTHLY" }
  return read(freq, given)
}

/** The rule of a text that has been checked. */
export function ruleOf(text: string): Rule {
  const rule = parseRule(text)
  if ("fault" in rule) throw new Error(`ruleOf: the rule ${rule.fault}`)
  return rule
}

/**
 * The days that a rule names from `from` to `to`, both included (YYYY-MM-DD), for a series that starts on
 * `startDate`. COUNT and UNTIL are not applied: they limit occurrences and instants, not days.
 */
export function datesOf(rule: Rule, startDate: string, from: string, to: string): string[] {
  const { freq, interval, byDay, byMonthDay, weekStart } = rule
  const first = later(from, startDate)
  if (first > to) return []
  const series = new RRuleTemporal({
    freq,
    interval,
    ...(byDay && { byDay: [...byDay] }),
    ...(byMonthDay && { byMonthDay: [...byMonthDay] }),
    ...(weekStart && { wkst: weekStart }),
    dtstart: utc(startDate),
    tzid: "UTC",
    cache: false,
  })
  return series.between(utc(first), utc(to), true).map((day) => day.toString().slice(0, "2026-03-01".length))
}

const known = new Set(["FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "WKST", "COUNT", "UNTIL"])
const frequencies = new Set(["DAILY", "WEEKLY", "MONTHLY"])
const weekday = /^(?:MO|TU|WE|TH|FR|SA|SU)$/
const placedWeekday = /^(?:[+-]?[1-5])?(?:MO|TU|WE|TH|FR|SA|SU)$/
const utc = (date: string) => Temporal.PlainDate.from(date).toZonedDateTime("UTC")

function read(freq: Rule["freq"], given: ReadonlyMap<string, string>): Rule | { readonly fault: string } {
  const [byDay, byMonthDay] = [given.get("BYDAY")?.split(","), given.get("BYMONTHDAY")?.split(",")]
  const [interval, count] = [given.get("INTERVAL") ?? "1", given.get("COUNT")]
  const [weekStart, untilText] = [given.get("WKST"), given.get("UNTIL")]
  const until = untilText === undefined ? undefined : untilOf(untilText)
  if (!isNumber(interval, 1, maxInterval)) return { fault: `must have an INTERVAL from 1 to ${maxInterval}` }
  if (count !== undefined && !isNumber(count, 1, maxCount)) return { fault: `must have a COUNT from 1 to ${maxCount}` }
  if (count !== undefined && untilText !== undefined) return { fault: "has both COUNT and UNTIL" }
  if (untilText !== undefined && until === undefined)
    return { fault: "must have an UNTIL such as 20261231 (a local day) or 20261231T170000Z" }
  if (weekStart !== undefined && !weekday.test(weekStart)) return { fault: "must have a WKST such as MO" }
  const days = freq === "MONTHLY" ? placedWeekday : weekday
  if (byDay && (!byDay.every((day) => days.test(day)) || repeats(byDay)))
    return { fault: `must have BYDAY such as ${freq === "MONTHLY" ? "2TU,-1FR" : "TU,TH"}` }
  if (byMonthDay && freq !== "MONTHLY") return { fault: "may have BYMONTHDAY only with FREQ=MONTHLY" }
  if (byMonthDay && (!byMonthDay.every((day) => isNumber(day.replace(/^[+-]/, ""), 1, 31)) || repeats(byMonthDay)))
    return { fault: "must have BYMONTHDAY from 1 to 31, or from -31 to -1" }
  return {
    freq,
    interval: Number(interval),
    ...(byDay && { byDay }),
    ...(byMonthDay && { byMonthDay: byMonthDay.map(Number) }),
    ...(weekStart !== undefined && { weekStart: weekStart as Weekday }),
    ...(count !== undefined && { count: Number(count) }),
    ...(until !== undefined && { until }),
  }
}

/** A local day, or an instant. */
function untilOf(text: string): string | number | undefined {
  const [, year, month, day, time] = /^(\d{4})(\d{2})(\d{2})(T\d{6}Z)?$/.exec(text) ?? []
  const date = `${year}-${month}-${day}`
  if (!isLocalDate(date)) return undefined
  if (time === undefined) return date
  const at = Date.parse(`${date}T${time.slice(1, 3)}:${time.slice(3, 5)}:${time.slice(5, 7)}Z`)
  return Number.isNaN(at) ? undefined : at
}

const isNumber = (text: string, least: number, most: number) =>
  /^\d{1,4}$/.test(text) && Number(text) >= least && Number(text) <= most
const repeats = (list: readonly string[]) => new Set(list).size < list.length
