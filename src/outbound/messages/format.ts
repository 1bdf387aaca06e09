/**
 * The form of amounts and instants in messages, in the reader's language. Money is written by its currency.
 * Times are those of a place. The zone is named only where a clock beside the reader shows another time.
 * The names of days and months are this program's own: no host and no newer Unicode table can change them.
 */

import { decimalsOf } from "#base/currencies.ts"
import { type Language, localeOf } from "#base/languages.ts"
import { runtimeOffsetAt } from "#base/zones/runtime-zones.ts"
import { offsetAt, signedOffset, wallAt } from "#base/zones/wall-clock.ts"
import { days, months } from "./language/calendar.ts"

/**
 * With the sign that people in the currency's country write: $ and ¥, not US$ and JP¥. A club has one currency.
 * @param amount minor units: 2400 EUR is €24.00 or 24,00 €, 2400 JPY is ¥2,400
 */
export function money(language: Language, amount: number, currency: string): string {
  const decimals = decimalsOf(currency)
  const key = `${language} ${currency}`
  const form = { style: "currency", currency, currencyDisplay: "narrowSymbol" } as const
  const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals }
  const format = amounts.get(key) ?? new Intl.NumberFormat(localeOf[language], { ...form, ...digits })
  amounts.set(key, format)
  // As text, because a division would round large amounts.
  const decimal: string = `${amount}e-${decimals}`
  return format.format(decimal as `${number}`).replaceAll(/[\u00a0\u202f]/g, " ")
}

/** Making a format costs more than using it. There are at most as many as currencies: an unknown one throws. */
const amounts = new Map<string, Intl.NumberFormat>()

/** Where a time is read. */
export interface Clock {
  readonly language: Language
  /** IANA zone of the place. */
  readonly zone: string
  /** IANA zone of the reader; null: unknown, so the zone is always named. */
  readonly reader: string | null
}

/** Such as "Thursday, 12 March 2026, 18:00" or "Donnerstag, 12. März 2026, 18:00 Uhr". */
export function localTime(instant: string, clock: Clock): string {
  const at = read(instant, clock)
  return `${at.day}, ${at.time}${clockWord(clock)}${at.zone}`
}

/** Such as "Thu, 12 Mar 2026, 18:00" or "Do., 12. März 2026, 18:00 Uhr", for a subject. */
export function shortTime(instant: string, clock: Clock): string {
  const at = read(instant, clock, "short")
  return `${at.day}, ${at.time}${clockWord(clock)}`
}

/** Such as "Thursday, 12 March 2026, 18:00–19:00". Names both days, or both zones, when they differ. */
export function period(startAt: string, endAt: string, clock: Clock): string {
  const [start, end, word] = [read(startAt, clock), read(endAt, clock), clockWord(clock)]
  // Where the clocks change meanwhile, the same numbers mean other instants: both zones are named.
  if (start.offset !== end.offset) {
    const [from, to] = [startAt, endAt].map((each) => localTime(each, { ...clock, reader: null }))
    return `${from} – ${to}`
  }
  if (start.day !== end.day) return `${start.day}, ${start.time}${word} – ${end.day}, ${end.time}${word}${end.zone}`
  return `${start.day}, ${start.time}–${end.time}${word}${end.zone}`
}

/** A local day (YYYY-MM-DD) of a place, such as "Thursday, 12 March 2026". */
export function localDay(day: string, language: Language, length: "short" | "long" = "long"): string {
  return dayOf(Date.parse(`${day.slice(0, 10)}T00:00:00Z`), language, length)
}

/** The same without its weekday, such as "12 March 2026". */
export const localDate = (day: string, language: Language): string => localDay(day, language).replace(/^[^,]*, /, "")

/** @param weekday 0 is Sunday  Such as "Thursdays" or "donnerstags". */
export function weeklyOn(weekday: number, language: Language): string {
  const name = days[language].long[weekday] ?? ""
  return language === "de" ? `${name.toLowerCase()}s` : `${name}s`
}

/** A local time (YYYY-MM-DDThh:mm) of a place, such as "Thursday, 12 March 2026, 18:00". */
export function localWall(wall: string, language: Language): string {
  return `${localDay(wall, language)}, ${wall.slice(11, 16)}${language === "de" ? " Uhr" : ""}`
}

const clockWord = ({ language }: Clock) => (language === "de" ? " Uhr" : "")

function read(instant: string, { language, zone, reader }: Clock, length: "short" | "long" = "long") {
  const at = Date.parse(instant)
  const wall = new Date(wallAt(zone, at))
  const offset = offsetAt(zone, at)
  return {
    day: dayOf(wall.getTime(), language, length),
    time: wall.toISOString().slice(11, 16),
    offset,
    /** Empty where the reader's clock shows the same. */
    zone: reader !== null && offsetAt(reader, at) === offset ? "" : ` ${zoneNameAt(zone, at, language)}`,
  }
}

/** @param wall what a clock in UTC would show at the instant */
function dayOf(wall: number, language: Language, length: "short" | "long"): string {
  const date = new Date(wall)
  const [weekday, month] = [days[language][length][date.getUTCDay()], months[language][length][date.getUTCMonth()]]
  const dot = language === "de" ? "." : ""
  return `${weekday}, ${date.getUTCDate()}${dot} ${month} ${date.getUTCFullYear()}`
}

/**
 * The zone's name as people know it, such as "Central European Standard Time". The names come from the runtime. Where
 * the runtime's clock shows another time, its name would be wrong too. Then the offset stands in its place, such as
 * "UTC−07:00".
 */
function zoneNameAt(timezone: string, at: number, language: Language): string {
  const offset = offsetAt(timezone, at)
  return runtimeOffsetAt(timezone, at) === offset ? nameOf(timezone, at, language) : `UTC${signedOffset(offset)}`
}

function nameOf(timezone: string, at: number, language: Language): string {
  const key = `${language} ${timezone}`
  const known =
    names.get(key) ?? new Intl.DateTimeFormat(localeOf[language], { timeZone: timezone, timeZoneName: "long" })
  names.set(key, known)
  return known.formatToParts(new Date(at)).find(({ type }) => type === "timeZoneName")?.value ?? timezone
}

/** Making a format costs more than using it. There are at most as many as zones: an unknown zone throws. */
const names = new Map<string, Intl.DateTimeFormat>()
