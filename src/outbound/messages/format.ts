/**
 * The form of amounts and instants in messages, in English. Money is written by its currency.
 * Times are those of the facility's wall clock, with the name of its zone.
 * The texts are composed from parts, so that newer Unicode tables cannot move the commas.
 */

const locale = "en-GB"

/** @param amount minor units of the currency: 2400 EUR is €24.00, 2400 JPY is JP¥2,400. */
export function money(amount: number, currency: string): string {
  const format = new Intl.NumberFormat(locale, { style: "currency", currency })
  // As text, because a division would round large amounts. Intl knows how many minor units the currency has.
  const decimal: string = `${amount}e-${format.resolvedOptions().maximumFractionDigits ?? 0}`
  return format.format(decimal as `${number}`).replaceAll("\u00a0", " ")
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

function read(instant: string, timeZone: string, length: "short" | "long" = "long") {
  const parts = calendarOf(timeZone, length).formatToParts(new Date(instant))
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.find((each) => each.type === type)?.value ?? ""
  return {
    day: `${part("weekday")}, ${part("day")} ${part("month")} ${part("year")}`,
    time: `${part("hour")}:${part("minute")}`,
    zone: part("timeZoneName"),
  }
}

/**
 * Making a format costs more than using it. There are at most as many formats as zones: an unknown zone throws and is
 * not kept.
 */
const calendars = new Map<string, Intl.DateTimeFormat>()

function calendarOf(timeZone: string, length: "short" | "long"): Intl.DateTimeFormat {
  const key = `${timeZone} ${length}`
  const known = calendars.get(key)
  if (known !== undefined) return known
  const calendar = new Intl.DateTimeFormat(locale, {
    timeZone,
    weekday: length,
    day: "numeric",
    month: length,
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZoneName: "long",
  })
  calendars.set(key, calendar)
  return calendar
}
