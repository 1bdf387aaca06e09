/**
 * The form of amounts and instants in messages, in English. Money is written by its currency.
 * Times are those of the facility's wall clock, with the name of its zone.
 * The texts are composed from parts, so that newer Unicode tables cannot move the commas.
 */

import { decimalsOf } from "#base/currencies.ts"
import { runtimeOffsetAt } from "#base/zones/runtime-zones.ts"
import { offsetAt, signedOffset, wallAt } from "#base/zones/wall-clock.ts"

const locale = "en-GB"

/** @param amount minor units of the currency: 2400 EUR is €24.00, 2400 JPY is JP¥2,400. */
export function money(amount: number, currency: string): string {
  const digits = decimalsOf(currency)
  const options = { style: "currency", currency, minimumFractionDigits: digits, maximumFractionDigits: digits } as const
  // As text, because a division would round large amounts.
  const decimal: string = `${amount}e-${digits}`
  return new Intl.NumberFormat(locale, options).format(decimal as `${number}`).replaceAll("\u00a0", " ")
}

/** Such as "Thursday, 12 March 2026, 18:00 Central European Standard Time". */
export function localTime(instant: string, zone: string): string {
  const at = read(instant, zone)
  return `${at.day}, ${at.time} ${at.zone}`
}

/** Such as "Thu, 12 Mar 2026, 18:00", for a subject. */
export function shortTime(instant: string, zone: string): string {
  const at = read(instant, zone, "short")
  return `${at.day}, ${at.time}`
}

/**
 * Such as "Thursday, 12 March 2026, 18:00–19:00 Central European Standard Time".
 * Names both days, or both zones, when they differ.
 */
export function period(startAt: string, endAt: string, zone: string): string {
  const start = read(startAt, zone)
  const end = read(endAt, zone)
  if (start.zone !== end.zone) return `${localTime(startAt, zone)} – ${localTime(endAt, zone)}`
  if (start.day !== end.day) return `${start.day}, ${start.time} – ${end.day}, ${end.time} ${end.zone}`
  return `${start.day}, ${start.time}–${end.time} ${end.zone}`
}

function read(instant: string, timezone: string, length: "short" | "long" = "long") {
  const at = Date.parse(instant)
  const parts = calendars[length].formatToParts(new Date(wallAt(timezone, at)))
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.find((each) => each.type === type)?.value ?? ""
  return {
    day: `${part("weekday")}, ${part("day")} ${part("month")} ${part("year")}`,
    time: `${part("hour")}:${part("minute")}`,
    zone: zoneNameAt(timezone, at),
  }
}

/** Formats of wall times: a wall time is what UTC would show. */
const calendarOf = (length: "short" | "long") =>
  new Intl.DateTimeFormat(locale, {
    timeZone: "UTC",
    weekday: length,
    day: "numeric",
    month: length,
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  })
const calendars = { short: calendarOf("short"), long: calendarOf("long") }

/**
 * The zone's name as people know it, such as "Central European Standard Time". The names come from the runtime. Where
 * the runtime's clock shows another time, its name would be wrong too. Then the offset stands in its place, such as
 * "UTC−07:00".
 */
function zoneNameAt(timezone: string, at: number): string {
  const offset = offsetAt(timezone, at)
  return runtimeOffsetAt(timezone, at) === offset ? nameOf(timezone, at) : `UTC${signedOffset(offset)}`
}

function nameOf(timezone: string, at: number): string {
  const known = names.get(timezone) ?? new Intl.DateTimeFormat(locale, { timeZone: timezone, timeZoneName: "long" })
  names.set(timezone, known)
  return known.formatToParts(new Date(at)).find(({ type }) => type === "timeZoneName")?.value ?? timezone
}

/** Making a format costs more than using it. There are at most as many as zones: an unknown zone throws. */
const names = new Map<string, Intl.DateTimeFormat>()
