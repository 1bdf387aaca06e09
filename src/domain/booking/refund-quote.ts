/**
 * What goes back of a payment when a booking ends before its time: a pure function that says how it came to its answer.
 * Of the rules of the booking's own policy the first one holds whose hours are left before the start, longest first; when
 * none is, nothing goes back. Without a policy everything does.
 */

/** Who cancels at least `hoursBefore` the start (elapsed hours) gets `refundPercent` of what was paid. */
export interface CancellationRule {
  readonly hoursBefore: number
  readonly refundPercent: number
}

export interface RefundQuestion {
  readonly policy: readonly CancellationRule[]
  readonly startAt: Date
  /** When it is cancelled. */
  readonly at: Date
  /** What was paid and not given back yet, minor units. */
  readonly paid: number
  /** It was never approved: its booker owes nothing for it. */
  readonly pending?: boolean
  /** Staff decide otherwise. */
  readonly override?: number | undefined
}

/** A reason that was looked at, in the order of looking. */
export interface RefundLine {
  readonly rule: string
  readonly refundPercent: number
  /** Exactly one of the lines decides. */
  readonly applies: boolean
}

export interface RefundQuote {
  /** Minor units, never more than was paid; rounded half up. */
  readonly amount: number
  readonly percent: number
  readonly lines: readonly RefundLine[]
}

export function refundOf(question: RefundQuestion): RefundQuote {
  const reasons = reasonsOf(question)
  const first = reasons.findIndex(({ holds }) => holds)
  const lines = reasons.map(({ rule, refundPercent }, i) => ({ rule, refundPercent, applies: i === first }))
  const percent = reasons[first]?.refundPercent ?? 0
  return { amount: refundShare(question.paid, percent), percent, lines }
}

/** A percentage of an amount in minor units, rounded half up; never more than the amount. */
export const refundShare = (amount: number, percent: number): number =>
  Math.min(amount, Math.floor((2 * amount * percent + 100) / 200))

interface Reason {
  readonly rule: string
  readonly refundPercent: number
  readonly holds: boolean
}

function reasonsOf({ policy, startAt, at, pending = false, override }: RefundQuestion): Reason[] {
  const hoursLeft = (startAt.getTime() - at.getTime()) / hourMs
  const rules = policy.toSorted((a, b) => b.hoursBefore - a.hoursBefore)
  return [
    ...(override === undefined ? [] : [{ rule: "decided by staff", refundPercent: override, holds: true }]),
    ...(pending ? [{ rule: "not approved yet", refundPercent: 100, holds: true }] : []),
    ...rules.map(({ hoursBefore, refundPercent }) => ({
      rule: `at least ${hoursBefore} hours before the start`,
      refundPercent,
      holds: hoursLeft >= hoursBefore,
    })),
    rules.length === 0
      ? { rule: "no cancellation policy", refundPercent: 100, holds: true }
      : { rule: "later than any rule allows", refundPercent: 0, holds: true },
  ]
}

const hourMs = 3_600_000
