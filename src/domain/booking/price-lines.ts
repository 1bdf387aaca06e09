/**
 * The lines of a booking's price: pure functions. Their amounts sum to the price. A move changes the lines that it
 * concerns and keeps the others:
 * - Time on the same court that the booking keeps has the price at which it was booked; other time has the present one.
 * - The coach's time has the rate at which it was agreed, for the new length.
 * - An agreed amount stays for the same length; for another length it changes in proportion.
 */
import type { Span } from "#base/local-days.ts"
import { proportionOf, unitOf } from "#base/money.ts"
import type { TaxedGood, TaxTerms } from "#domain/club/tax-rates.ts"
import { lineOf, taxed } from "#domain/ledger/tax.ts"

const minuteMs = 60_000
const minutesPerHour = 60

/** As it is stored in `bookings.price_lines`. Amounts are minor units. */
export type BookedLine = GoodLine | DiscountLine

/** What is sold. `discount.ts` makes the lines that reduce it. */
export type GoodLine = CourtLine | CoachLine | AgreedLine

interface Line {
  /** What people read: the court with its price rule, the name of the coach. */
  readonly label: string
  /** With the tax. */
  readonly amount: number
  readonly minutes: number
  /** Hundredths of a percent, when the line was made; missing, like the other two: the line is not taxed. */
  readonly taxRate?: number
  readonly taxAmount?: number
  /** Whether the asked price contained the tax. */
  readonly taxIncluded?: boolean
}

interface CourtLine extends Line {
  readonly kind: "court"
  /** Missing: the booking was made before lines were kept. */
  readonly hourlyPrice?: number
}

interface CoachLine extends Line {
  readonly kind: "coach"
  readonly hourlyPrice: number
}

interface AgreedLine extends Line {
  readonly kind: "agreed"
  /** What was agreed for how long: every other length is computed from these, so that nothing drifts. */
  readonly agreedAmount: number
  readonly agreedMinutes: number
}

export interface DiscountLine extends Line {
  readonly kind: "discount"
  /** Of the other lines. */
  readonly percent: number
}

/** The currency of a price, and the tax terms under which a line is made. */
export interface LineTerms {
  readonly currency: string
  readonly tax: TaxTerms
}

/** Time on a court at one price per hour. */
export interface CourtTime extends Span {
  readonly hourlyPrice: number
  readonly label: string
  readonly tax: TaxTerms
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

/**
 * The court's time, piece by piece. Sum and tax are rounded once for all pieces of the same terms, so neither depends
 * on how rules cut the time.
 */
export function courtLines(pieces: readonly CourtTime[], currency: string): GoodLine[] {
  let [hourly, gross, tax] = [0, 0, 0]
  return pieces.map((piece, i) => {
    if (i > 0 && !sameTerms(piece.tax, pieces[i - 1]?.tax)) [hourly, gross, tax] = [0, 0, 0]
    const minutes = (piece.end - piece.start) / minuteMs
    hourly += piece.hourlyPrice * minutes
    const soFar = taxed(proportionOf(hourly, 1, minutesPerHour, unitOf(currency)), "court", piece.tax, currency)
    const line = { ...soFar, gross: soFar.gross - gross, taxAmount: soFar.taxAmount - tax }
    gross = soFar.gross
    tax = soFar.taxAmount
    const { label, hourlyPrice } = piece
    return { kind: "court", label, amount: line.gross, minutes, hourlyPrice, ...taxOf(line, piece.tax.mode) }
  })
}

export function coachLine(
  { name, hourlyRate }: { readonly name: string; readonly hourlyRate: number },
  minutes: number,
  { currency, tax }: LineTerms,
): GoodLine {
  const asked = proportionOf(hourlyRate, minutes, minutesPerHour, unitOf(currency))
  const line = taxed(asked, "coaching", tax, currency)
  return {
    kind: "coach",
    label: name,
    amount: line.gross,
    minutes,
    hourlyPrice: hourlyRate,
    ...taxOf(line, tax.mode),
  }
}

/** A price that was stated for the whole of a lesson, whatever the price list says. It contains the tax of coaching. */
export const agreedLine = (amount: number, minutes: number, { tax }: LineTerms): GoodLine => ({
  kind: "agreed",
  label: "Agreed price",
  amount,
  minutes,
  agreedAmount: amount,
  agreedMinutes: minutes,
  ...taxOf(lineOf(amount, tax.rates.coaching ?? 0), "inclusive"),
})

/** A move of a booking; instants in milliseconds. */
export interface MovedTime {
  /** When it began before. */
  readonly from: number
  readonly to: Span
  /** Whether the booking keeps its resource. */
  readonly staysOnCourt: boolean
  readonly currency: string
}

/**
 * The lines of a booking at its new time, before a discount.
 * @param present the court's lines for the whole new time, by the present price list
 */
export function movedLines(
  agreed: readonly GoodLine[],
  present: readonly GoodLine[],
  { from, to, staysOnCourt, currency }: MovedTime,
): readonly GoodLine[] {
  const minutes = (to.end - to.start) / minuteMs
  const whole = agreed.find((line) => line.kind === "agreed")
  if (whole) return agreed.map((line) => (line === whole ? forMinutes(whole, minutes, currency) : line))
  const coach = agreed.flatMap((line) => {
    if (line.kind !== "coach") return []
    const terms = { currency, tax: keptTerms(line, "coaching") }
    return [coachLine({ name: line.label, hourlyRate: line.hourlyPrice }, minutes, terms)]
  })
  const [before, now] = [staysOnCourt ? courtTimesOf(agreed, from) : [], courtTimesOf(present, to.start)]
  return [...courtLines(joined([...within(before, now), ...without(now, before)]), currency), ...coach]
}

function forMinutes(line: AgreedLine, minutes: number, currency: string): AgreedLine {
  const amount = proportionOf(line.agreedAmount, minutes, line.agreedMinutes, unitOf(currency))
  return { ...line, minutes, amount, ...taxOf(lineOf(amount, line.taxRate ?? 0), "inclusive") }
}

/** What a line keeps of its tax. */
const taxOf = ({ taxRate, taxAmount }: { taxRate: number; taxAmount: number }, mode: TaxTerms["mode"]) =>
  taxRate === 0 ? {} : { taxRate, taxAmount, taxIncluded: mode === "inclusive" }

/** The terms under which a line was made. */
const keptTerms = ({ taxRate = 0, taxIncluded = true }: Line, good: TaxedGood): TaxTerms => ({
  mode: taxIncluded ? "inclusive" : "exclusive",
  rates: { [good]: taxRate },
})

/** Without a rate the mode makes no difference. */
function sameTerms(a: TaxTerms, b: TaxTerms | undefined): boolean {
  const [rate, other] = [a.rates.court ?? 0, b?.rates.court ?? 0]
  return rate === other && (rate === 0 || a.mode === b?.mode)
}

/** The court's lines follow each other without a gap from the start of the booking. */
function courtTimesOf(lines: readonly GoodLine[], from: number): CourtTime[] {
  let end = from
  return lines.flatMap((line) => {
    if (line.kind !== "court" || line.hourlyPrice === undefined) return []
    const { hourlyPrice, label, minutes } = line
    const start = end
    end += minutes * minuteMs
    return [{ start, end, hourlyPrice, label, tax: keptTerms(line, "court") }]
  })
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

/** In order, with neighbours of one price, one label and one tax as one piece. */
function joined(pieces: readonly CourtTime[]): CourtTime[] {
  const all: CourtTime[] = []
  for (const piece of pieces.toSorted((a, b) => a.start - b.start)) {
    const last = all.at(-1)
    const same =
      last?.end === piece.start &&
      last.hourlyPrice === piece.hourlyPrice &&
      last.label === piece.label &&
      sameTerms(piece.tax, last.tax)
    if (last && same) all[all.length - 1] = { ...last, end: piece.end }
    else all.push(piece)
  }
  return all
}
