/**
 * What a receiver asks for by Retry-After (RFC 9110, 10.2.3): seconds, or a date in any of the three forms of 5.6.7.
 * Pure.
 */

/** The longest pause that is obeyed: a daily quota. A longer one is asked about again after a day. */
export const longestPauseMs = 24 * 3_600_000

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
/** The preferred form, the obsolete one of RFC 850, and that of asctime. A day of the week is read over. */
const forms = [
  /^[a-z]{3}, (?<day>\d{2}) (?<month>[a-z]{3}) (?<year>\d{4}) (?<time>\d{2}:\d{2}:\d{2}) gmt$/,
  /^[a-z]{6,9}, (?<day>\d{2})-(?<month>[a-z]{3})-(?<year>\d{2}) (?<time>\d{2}:\d{2}:\d{2}) gmt$/,
  /^[a-z]{3} (?<month>[a-z]{3}) (?<day>[ \d]\d) (?<time>\d{2}:\d{2}:\d{2}) (?<year>\d{4})$/,
]

/**
 * Milliseconds from 0 to `longestPauseMs`; undefined for any other text. A negative number, which the RFC does not
 * allow, and a date that has passed are 0. Fractions are rounded up.
 * @param now milliseconds since the Unix epoch, by which a date is understood.
 */
export function pauseAsked(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined
  const said = text.trim().toLowerCase()
  if (/^[+-]?\d+(?:\.\d*)?$/.test(said)) return bounded(Math.ceil(Number(said) * 1_000))
  const at = instantOf(said, now)
  return at === undefined ? undefined : bounded(at - now)
}

const bounded = (ms: number) => Math.min(longestPauseMs, Math.max(0, ms))

function instantOf(said: string, now: number): number | undefined {
  for (const form of forms) {
    const groups = form.exec(said)?.groups
    if (!groups) continue
    const { day = "", month = "", year = "", time = "" } = groups
    const monthIndex = months.indexOf(month)
    const [hour = 0, minute = 0, second = 0] = time.split(":").map(Number)
    // RFC 9110 allows a leap second.
    if (monthIndex < 0 || hour > 23 || minute > 59 || second > 60) return undefined
    const of = (fullYear: number) => Date.UTC(fullYear, monthIndex, Number(day), hour, minute, second)
    if (year.length === 4) return of(Number(year))
    // Two digits are of the year that is at most 50 years ahead, and less than 50 years ago.
    const latest = new Date(now).getUTCFullYear() + 50
    return of(latest - ((latest - Number(year)) % 100))
  }
  return undefined
}
