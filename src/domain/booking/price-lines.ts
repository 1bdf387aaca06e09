/**
 * The lines of a booking's price: pure functions. Their amounts sum to the price. A move changes the lines that it
 * concerns and keeps the others:
 * - Time on the same court that the booking keeps has the price at which it was booked; other time has the present one.
 * - The coach's time has the rate at which it was agreed, for the new length.
 * - An agreed amount stays for the same length; for another length it changes in proportion.
 */
import type { Span } from "#base/local-days.ts"
import { priceForMinutes } from "./prices.ts"

const minuteMs = 60_000

/** As it is stored in `bookings.price_lines`. Amounts are minor units. */
export type BookedLine = CourtLine | CoachLine | AgreedLine

interface Timed {
  /** What people read: the name of a price rule, the name of the coach. */
  readonly label: string
  readonly amount: number
  readonly minutes: number
}

interface CourtLine extends Timed {
  readonly kind: "court"
  /** Both missing: the booking was made before lines were kept. */
  readonly hourlyPrice?: number
  readonly startAt?: string
}

interface CoachLine extends Timed {
  readonly kind: "coach"
  readonly hourlyPrice: number
}

interface AgreedLine extends Timed {
  readonly kind: "agreed"
  /** What was agreed for how long: every other length is computed from these, so that nothing drifts. */
  readonly agreedAmount: number
  readonly agreedMinutes: number
}

/** Time on a court at one price per hour. */
export interface CourtTime extends Span {
  readonly hourlyPrice: number
  readonly label: string
}

export const totalOf = (lines: readonly BookedLine[]): number => lines.reduce((total, { amount }) => total + amount, 0)

/** Lines with their sum, as a plan has both. */
export const pricedBy = (lines: readonly BookedLine[]) => ({ lines, price: totalOf(lines) })

/** The lines of a booking as it is read. */
export const linesOf = (booking: {
  readonly price_lines: readonly BookedLine[] | null
  readonly price_amount: number
  readonly start_at: Date
  readonly end_at: Date
}): readonly BookedLine[] =>
  booking.price_lines ?? [
    {
      kind: "court",
      label: "Price",
      amount: booking.price_amount,
      minutes: (booking.end_at.getTime() - booking.start_at.getTime()) / minuteMs,
    },
  ]

/** The court's time, piece by piece. The sum is rounded once, so it does not depend on how rules cut the time. */
export function courtLines(pieces: readonly CourtTime[]): BookedLine[] {
  let hourlySoFar = 0
  let soFar = 0
  return pieces.map(({ start, end, hourlyPrice, label }) => {
    const minutes = (end - start) / minuteMs
    hourlySoFar += hourlyPrice * minutes
    const amount = priceForMinutes(hourlySoFar, 1) - soFar
    soFar += amount
    return { kind: "court", label, amount, minutes, hourlyPrice, startAt: new Date(start).toISOString() }
  })
}

export const coachLine = (coachName: string, hourlyPrice: number, minutes: number): BookedLine => ({
  kind: "coach",
  label: coachName,
  amount: priceForMinutes(hourlyPrice, minutes),
  minutes,
  hourlyPrice,
})

/** A price that was stated for the whole, whatever the price list says. */
export const agreedLine = (amount: number, minutes: number): BookedLine => ({
  kind: "agreed",
  label: "Agreed price",
  amount,
  minutes,
  agreedAmount: amount,
  agreedMinutes: minutes,
})

/**
 * The lines of a booking at its new time.
 * @param present the court's lines for the whole new time, by the present price list
 * @param staysOnCourt whether the booking keeps its resource
 */
export function movedLines(
  agreed: readonly BookedLine[],
  present: readonly BookedLine[],
  { minutes, staysOnCourt }: { readonly minutes: number; readonly staysOnCourt: boolean },
): readonly BookedLine[] {
  const whole = agreed.find((line) => line.kind === "agreed")
  if (whole) return agreed.map((line) => (line === whole ? forMinutes(whole, minutes) : line))
  const coach = agreed.flatMap((line) =>
    line.kind === "coach" ? [coachLine(line.label, line.hourlyPrice, minutes)] : [],
  )
  const [from, now] = [staysOnCourt ? agreed.flatMap(piecesOf) : [], present.flatMap(piecesOf)]
  return [...courtLines(joined([...within(from, now), ...without(now, from)])), ...coach]
}

function forMinutes(line: AgreedLine, minutes: number): AgreedLine {
  const { agreedAmount, agreedMinutes } = line
  const [part, whole] = [BigInt(agreedAmount) * BigInt(minutes), BigInt(agreedMinutes)]
  return { ...line, minutes, amount: Number((2n * part + whole) / (2n * whole)) }
}

const piecesOf = (line: BookedLine): CourtTime[] => {
  if (line.kind !== "court" || line.startAt === undefined || line.hourlyPrice === undefined) return []
  const start = Date.parse(line.startAt)
  return [{ start, end: start + line.minutes * minuteMs, hourlyPrice: line.hourlyPrice, label: line.label }]
}

/** The parts of the pieces that lie within others. Both are in order, and each without a gap. */
const within = (pieces: readonly CourtTime[], others: readonly CourtTime[]) =>
  clipped(pieces, others[0]?.start ?? 0, others.at(-1)?.end ?? 0)

const without = (pieces: readonly CourtTime[], others: readonly CourtTime[]) => [
  ...clipped(pieces, Number.NEGATIVE_INFINITY, others[0]?.start ?? Number.POSITIVE_INFINITY),
  ...clipped(pieces, others.at(-1)?.end ?? Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY),
]

const clipped = (pieces: readonly CourtTime[], from: number, to: number) =>
  pieces
    .map((piece) => ({ ...piece, start: Math.max(piece.start, from), end: Math.min(piece.end, to) }))
    .filter(({ start, end }) => start < end)

/** In order, with neighbours of one price and one label as one piece. */
function joined(pieces: readonly CourtTime[]): CourtTime[] {
  const all: CourtTime[] = []
  for (const piece of pieces.toSorted((a, b) => a.start - b.start)) {
    const last = all.at(-1)
    const same = last?.end === piece.start && last.hourlyPrice === piece.hourlyPrice && last.label === piece.label
    if (last && same) all[all.length - 1] = { ...last, end: piece.end }
    else all.push(piece)
  }
  return all
}
