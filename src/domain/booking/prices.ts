/**
 * The price of a booking, in integer minor units of the facility's currency. Pure functions. A resource has a price
 * per hour, and rules change it. A booking that lies in several windows is priced piece by piece. Of the rules that
 * fit a piece the most specific one applies, in this order:
 * - a rule for this resource before one for all;
 * - then one for this booking type;
 * - then one with hours, then one with weekdays;
 * - of two equally specific rules the newer one.
 */
import { boundaryOf, localDatesOf, type Span, spanOfDay } from "#base/local-days.ts"
import { type Weekday, weekdayOf } from "#base/weekdays.ts"

const minuteMs = 60_000
const minutesPerHour = 60

/** The price of some minutes at a price per hour (minor units), rounded half up to the currency's smallest unit. */
export const priceForMinutes = (hourlyPrice: number, minutes: number, unit = 1): number =>
  rounded(hourlyPrice * minutes, unit)

export interface TariffRule {
  /** UUIDv7: a greater one is newer. */
  readonly id: string
  readonly name: string
  /** Null: all of them; likewise below. */
  readonly resourceId: string | null
  readonly bookingType: string | null
  readonly weekdays: readonly Weekday[] | null
  /** Local time such as "18:00"; null, like `toTime`: the whole day. */
  readonly fromTime: string | null
  /** "24:00" is the midnight that ends the day. */
  readonly toTime: string | null
  /** Minor units for 60 minutes. */
  readonly hourlyPrice: number
}

export interface PricedAs {
  readonly resourceId: string
  readonly bookingType: string
  /** The resource's own price, where no rule fits. */
  readonly hourlyPrice: number
  readonly timezone: string
  readonly rules: readonly TariffRule[]
  /** The smallest amount that can be moved of the currency, minor units; left out: 1. */
  readonly unit?: number
}

/** A piece of a booking at one price per hour. */
export interface PriceLine extends Span {
  readonly hourlyPrice: number
  /** Null: the resource's own price. */
  readonly rule: TariffRule | null
}

/** Prices stretches of time. */
export interface Tariff {
  readonly priceOf: (span: Span) => number
  readonly linesOf: (span: Span) => readonly PriceLine[]
}

export function tariffOf({ resourceId, bookingType, hourlyPrice, timezone, rules, unit = 1 }: PricedAs): Tariff {
  const fitting = fittingRules(rules, bookingType, resourceId)
  const linesOf = (span: Span): readonly PriceLine[] =>
    ruleLinesOf(windowsOf(fitting, timezone, span), span).map((line) => ({
      ...line,
      hourlyPrice: line.rule?.hourlyPrice ?? hourlyPrice,
    }))
  return {
    linesOf,
    // Rounded once, so the price does not depend on how the windows cut the booking.
    priceOf: (span) =>
      rounded(sum(linesOf(span).map((line) => line.hourlyPrice * ((line.end - line.start) / minuteMs))), unit),
  }
}

/** A time on a local day at which a rule may apply. */
export interface RuleWindow extends Span {
  readonly rule: TariffRule
}

/** A piece of time, and the rule that applies there; null: the resource's own price. */
export interface RuleLine extends Span {
  readonly rule: TariffRule | null
}

/** The rules for a booking type on a resource; without a resource, those of any. */
export const fittingRules = (rules: readonly TariffRule[], bookingType: string, resourceId?: string) =>
  rules.filter(
    (rule) => (resourceId === undefined || fits(rule.resourceId, resourceId)) && fits(rule.bookingType, bookingType),
  )

/** The windows of rules on the local days of a span. On each day the most specific come first. */
export function windowsOf(rules: readonly TariffRule[], timezone: string, span: Span): readonly RuleWindow[] {
  if (rules.length === 0) return []
  const ranked = rules.toSorted(mostSpecificFirst)
  return localDatesOf(timezone, span).flatMap((date) => ranked.flatMap((rule) => windowOf(rule, timezone, date)))
}

/** The applying rule all over a span, piece by piece. Neighbouring pieces have different rules. */
export function ruleLinesOf(windows: readonly RuleWindow[], span: Span): readonly RuleLine[] {
  const lines: RuleLine[] = []
  for (const piece of cut(span, windows)) {
    // No window reaches beyond its day, so the first window of the piece is the most specific one of its day.
    const rule = windows.find(({ start, end }) => start <= piece.start && piece.end <= end)?.rule ?? null
    const last = lines.at(-1)
    if (last && last.rule === rule) lines[lines.length - 1] = { ...last, end: piece.end }
    else lines.push({ ...piece, rule })
  }
  return lines
}

/**
 * Prices many spans of one resource in one walk over its lines. Each span must lie within the lines, and begin no
 * earlier than the span before.
 */
export function walkingPrice(lines: readonly RuleLine[], hourlyPrice: number, unit = 1): (span: Span) => number {
  let at = 0
  return ({ start, end }) => {
    while ((lines[at]?.end ?? end) <= start) at++
    let total = 0
    for (let i = at, line = lines[i]; line !== undefined && line.start < end; line = lines[++i]) {
      const minutes = (Math.min(line.end, end) - Math.max(line.start, start)) / minuteMs
      total += (line.rule?.hourlyPrice ?? hourlyPrice) * minutes
    }
    return rounded(total, unit)
  }
}

/** The windows of a rule on a local day: none on other weekdays, and none when a clock change swallows its hours. */
function windowOf(rule: TariffRule, timezone: string, date: string): RuleWindow[] {
  if (rule.weekdays !== null && !rule.weekdays.includes(weekdayOf(date))) return []
  const day = rule.fromTime === null || rule.toTime === null ? spanOfDay(timezone, date) : undefined
  const start = day?.start ?? boundaryOf(timezone, date, rule.fromTime ?? "00:00")
  const end = day?.end ?? boundaryOf(timezone, date, rule.toTime ?? "24:00")
  return end > start ? [{ start, end, rule }] : []
}

/** Cuts a stretch wherever a window begins or ends. */
function cut({ start, end }: Span, windows: readonly Span[]): Span[] {
  const edges = windows.flatMap((window) => [window.start, window.end]).filter((edge) => edge > start && edge < end)
  const sorted = [...new Set([start, ...edges, end])].sort((a, b) => a - b)
  return sorted.slice(1).map((edge, i) => ({ start: sorted[i] ?? start, end: edge }))
}

const fits = (wanted: string | null, given: string) => wanted === null || wanted === given

const mostSpecificFirst = (a: TariffRule, b: TariffRule) => weightOf(b) - weightOf(a) || (a.id < b.id ? 1 : -1)

/** Each criterion outweighs all that follow. */
const weightOf = ({ resourceId, bookingType, fromTime, weekdays }: TariffRule) =>
  [resourceId, bookingType, fromTime, weekdays].reduce((weight, name) => 2 * weight + (name === null ? 0 : 1), 0)

const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0)

/** From price × minutes to a multiple of the unit, half up. */
const rounded = (hourly: number, unit: number) =>
  Math.floor((2 * hourly + minutesPerHour * unit) / (2 * minutesPerHour * unit)) * unit
