/**
 * The refund of a booking that ends before its time: a pure function that also explains its result. The rules of the
 * booking's own policy are tried from the longest notice to the shortest. The first rule applies whose hours are
 * still left before the start. If no rule applies, nothing is refunded. Without a policy everything is refunded.
 * `settlement.ts` computes the amounts.
 */
import { type MoneyBefore, settlementFor } from "./settlement.ts"

/** A cancellation at least `hoursBefore` the start (elapsed hours) refunds `refundPercent` of the payments. */
export interface CancellationRule {
  readonly hoursBefore: number
  readonly refundPercent: number
}

export interface RefundQuestion {
  readonly policy: readonly CancellationRule[]
  readonly startAt: Date
  /** When the booking is cancelled. */
  readonly at: Date
  readonly account: MoneyBefore
  /** The smallest amount that can be moved, minor units. */
  readonly unit: number
  /** The booking was never approved: its booker owes nothing for it. */
  readonly pending?: boolean
  /** Its time is not open any more: the facility cannot keep its promise. */
  readonly closed?: boolean
  /** Set by staff, instead of the policy. */
  readonly override?: number | undefined
}

/** What the percentage depends on. */
type Reasoned = Omit<RefundQuestion, "account" | "unit">

/** A considered reason. The lines keep the order in which the reasons were considered. */
export interface RefundLine {
  readonly rule: string
  readonly refundPercent: number
  /** Exactly one of the lines decides. */
  readonly applies: boolean
}

export interface RefundQuote {
  /** Minor units, never more than was paid; rounded half up to what can be moved. */
  readonly amount: number
  /** Minor units that stay with the facility. */
  readonly forfeited: number
  readonly percent: number
  readonly lines: readonly RefundLine[]
}

/** The percentage of what is given back now that the policy allows. */
export const refundPercentOf = (question: Reasoned): number =>
  reasonsOf(question).find(({ holds }) => holds)?.refundPercent ?? 0

export function refundOf(question: RefundQuestion): RefundQuote {
  const reasons = reasonsOf(question)
  const first = reasons.findIndex(({ holds }) => holds)
  const lines = reasons.map(({ rule, refundPercent }, i) => ({ rule, refundPercent, applies: i === first }))
  const percent = reasons[first]?.refundPercent ?? 0
  const { refund, forfeited } = settlementFor({
    ...question.account,
    keeps: 0,
    ends: true,
    percent,
    unit: question.unit,
  })
  return { amount: refund, forfeited, percent, lines }
}

interface Reason {
  readonly rule: string
  readonly refundPercent: number
  readonly holds: boolean
}

function reasonsOf({ policy, startAt, at, pending = false, closed = false, override }: Reasoned): Reason[] {
  const hoursLeft = (startAt.getTime() - at.getTime()) / hourMs
  const rules = policy.toSorted((a, b) => b.hoursBefore - a.hoursBefore)
  return [
    ...(override === undefined ? [] : [{ rule: "decided by staff", refundPercent: override, holds: true }]),
    ...(pending ? [{ rule: "not approved yet", refundPercent: 100, holds: true }] : []),
    ...(closed ? [{ rule: "the facility is closed then", refundPercent: 100, holds: true }] : []),
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
