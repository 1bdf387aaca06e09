/**
 * Local times of the facility. The server sends the offsets of the facility's zone: the zone data of a browser may be
 * older than the law. Pure functions, which the server and the browser share.
 */

export type PageLanguage = "en" | "de"

/** From an instant on (milliseconds), the wall of the facility is so many minutes ahead of UTC. */
export type Offset = readonly [from: number, minutes: number]

/** The way in which a facility's times and amounts are written. */
export interface LocalWriting {
  readonly language: PageLanguage
  readonly offsets: readonly Offset[]
  readonly currency: string
  /** Digits after the point of an amount. */
  readonly decimals: number
}

const localeOf: Readonly<Record<PageLanguage, string>> = { en: "en-GB", de: "de-DE" }

const offsetAt = (offsets: readonly Offset[], at: number): number => {
  let minutes = offsets[0]?.[1] ?? 0
  for (const [from, then] of offsets) if (from <= at) minutes = then
  return minutes
}

const wallOf = ({ offsets }: Pick<LocalWriting, "offsets">, instant: string): Date =>
  new Date(Date.parse(instant) + offsetAt(offsets, Date.parse(instant)) * 60_000)

/** Whether the wall shows the same time twice, because the clocks are put back: before the change and after it. */
const isRepeated = (offsets: readonly Offset[], at: number): boolean =>
  offsets.some(([from, minutes], n) => {
    const backMs = ((offsets[n - 1]?.[1] ?? minutes) - minutes) * 60_000
    return at >= from - backMs && at < from + backMs
  })

/** Such as 18:00. A time that comes twice is marked with its offset, such as 02:30 +01:00. */
export function timeOf(writing: Pick<LocalWriting, "offsets">, instant: string): string {
  const [time, at] = [wallOf(writing, instant).toISOString().slice(11, 16), Date.parse(instant)]
  return isRepeated(writing.offsets, at) ? `${time} ${signed(offsetAt(writing.offsets, at))}` : time
}

/** The local day of an instant, YYYY-MM-DD. */
export const dateOf = (writing: Pick<LocalWriting, "offsets">, instant: string): string =>
  wallOf(writing, instant).toISOString().slice(0, 10)

/** Such as 18:00–19:00. */
export const hoursOf = (writing: Pick<LocalWriting, "offsets">, startAt: string, endAt: string): string =>
  `${timeOf(writing, startAt)}–${timeOf(writing, endAt)}`

/** Such as Saturday, 5 December. @param date YYYY-MM-DD */
export const dayOf = (language: PageLanguage, date: string, weekday: "long" | "short" = "long"): string =>
  new Intl.DateTimeFormat(localeOf[language], {
    weekday,
    day: "numeric",
    month: weekday === "long" ? "long" : "short",
    timeZone: "UTC",
  }).format(new Date(`${date}T00:00:00Z`))

/** An amount of minor units, such as 24,00 €. */
export const moneyOf = (
  { language, decimals }: Pick<LocalWriting, "language" | "decimals">,
  amount: number,
  currency: string,
): string =>
  new Intl.NumberFormat(localeOf[language], {
    style: "currency",
    currency,
    minimumFractionDigits: amount % 10 ** decimals === 0 ? 0 : decimals,
    maximumFractionDigits: decimals,
  }).format(amount / 10 ** decimals)

/** Such as 4:05. */
export const clockOf = (seconds: number): string =>
  `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`

const signed = (minutes: number): string => {
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60]
  return `${minutes < 0 ? "−" : "+"}${String(hours).padStart(2, "0")}:${String(rest).padStart(2, "0")}`
}
