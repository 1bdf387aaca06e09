/**
 * What a change of a booking gives back of its payments: a pure function. Each unit that was paid is settled once: it
 * pays for the booking, or it was given back, or it was forfeited. Forfeited money is never counted again.
 * So a booker who moves, shortens and cancels in any order gets no more back than by cancelling at once.
 */
import { proportionOf } from "#base/money.ts"

/** The money of a booking before the change, minor units. */
export interface MoneyBefore {
  /** Paid, and neither given back nor forfeited. */
  readonly live: number
  /** Given back by staff, or at the provider, without a decision about the booking. */
  readonly goodwill: number
  /** What the booking costs before the change. */
  readonly price: number
}

export interface Change {
  /** What it costs after the change. */
  readonly keeps: number
  /** Whether the change ends the booking: it is the last one. */
  readonly ends: boolean
  /** How much the policy gives back of what is no longer needed. */
  readonly percent: number
  /** The smallest amount that can be moved, minor units. */
  readonly unit: number
}

export interface BookingSettlement {
  readonly refund: number
  readonly forfeited: number
}

/**
 * - Money beyond the price is given back whole: it never paid for the booking.
 * - The policy decides about the part of the price that the change sheds.
 * - Goodwill counts as given back already, as far as it was not paid again.
 *
 * A move rounds down and a cancellation half up. So the parts never exceed the share of the whole.
 */
export function settlementFor(change: MoneyBefore & Change): BookingSettlement {
  const { live, goodwill, price, keeps } = change
  const most = Math.max(price, keeps)
  const surplus = Math.max(0, live - most)
  const given = Math.min(goodwill, Math.max(0, most - live))
  const shed = Math.max(0, live - surplus + given - keeps)
  const share = shareOf(shed, change)
  const refund = Math.min(live, surplus + Math.max(0, share - given))
  return { refund, forfeited: Math.min(shed - share, live - refund) }
}

/** All of an amount is always given back, whatever can be moved. */
function shareOf(amount: number, { percent, ends, unit }: Change): number {
  if (percent === 100) return amount
  return Math.min(amount, ends ? proportionOf(amount, percent, 100, unit) : roundedDown(amount, percent, unit))
}

const roundedDown = (amount: number, percent: number, unit: number): number =>
  Number((BigInt(amount) * BigInt(percent)) / (100n * BigInt(unit))) * unit
