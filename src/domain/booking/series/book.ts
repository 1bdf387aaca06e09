/**
 * Booking the occurrences of a series in one transaction: all are planned, then all slots are taken, each by its own
 * insert. An occurrence that cannot be booked is reported with its reason and alternatives. The calling function
 * decides whether it refuses the whole series.
 */
import type { Tx } from "#base/database/transaction.ts"
import { type RefusedOccurrence, RuleBroken, SlotTaken } from "#base/errors.ts"
import { bookPlanned } from "#domain/booking/book.ts"
import type { BookingRow } from "#domain/booking/booking-row.ts"
import { requireWithinLimits, withLapsed } from "#domain/booking/limits/check.ts"
import type { Held } from "#domain/booking/limits/standing.ts"
import { planBooking } from "#domain/booking/plan.ts"
import type { BookingPlan } from "#domain/booking/planned.ts"
import { maxLiveHolds } from "#domain/booking/rules.ts"
import type { Occurrence } from "./occurrences.ts"
import { isRefusal, type Prepared, type Refusal, type SeriesWish } from "./prepare.ts"

export interface Planned {
  readonly plans: readonly { readonly occurrence: Occurrence; readonly plan: BookingPlan }[]
  readonly refused: readonly { readonly occurrence: Occurrence; readonly failure: Refusal }[]
  /** The first local day that is further ahead than its booker may book: that and later ones are left for later. */
  readonly tooFarFrom: string | undefined
}

export interface SeriesReport {
  readonly booked: readonly { readonly on: string; readonly booking: BookingRow }[]
  readonly skipped: readonly RefusedOccurrence[]
}

/** Writes nothing. Refuses occurrences that may not be paid online. */
export async function planOccurrences(tx: Tx, prepared: readonly Prepared[]): Promise<Planned> {
  const all = await settleAll(prepared, isRefusal, async ({ asked, details }) => {
    if (isRefusal(asked)) throw asked
    const plan = await planBooking(tx, asked.mayBook, asked.wanted, details)
    requirePayable(plan, asked.wanted.input.paymentMethod)
    return plan
  })
  const tooFar = all.findIndex(({ failure }) => failure instanceof RuleBroken && failure.code === "too_far_ahead")
  const due = tooFar < 0 ? all : all.slice(0, tooFar)
  // Each was planned before the first is made, so none has seen the others among what its booker keeps waiting.
  const waiting = due.filter(({ result }) => result?.needsApproval).length
  if (waiting > maxLiveHolds) {
    const message = `${waiting} bookings would wait for approval at once; members may ask for ${maxLiveHolds}. Ask staff to book the series.`
    throw new RuleBroken("too_many_holds", message, [{ path: "body.rule", message: "asks for too many bookings" }])
  }
  return {
    plans: due.flatMap(({ of, result }) => (result ? [{ occurrence: of.occurrence, plan: result }] : [])),
    refused: due.flatMap(({ of, failure }) => (failure ? [{ occurrence: of.occurrence, failure }] : [])),
    tooFarFrom: all[tooFar]?.of.occurrence.on,
  }
}

/**
 * Takes the planned slots in the order of time, so that two series that cross wait for each other in one order.
 * Call it inside `withOffersAtTheEnd`. Throws RuleBroken limit_reached. The transaction must then be rolled back: the
 * slot is taken by then.
 */
export async function takeOccurrences(
  tx: Tx,
  seriesId: string,
  { resourceId, paymentMethod }: Pick<SeriesWish, "resourceId" | "paymentMethod">,
  { plans, refused }: Planned,
): Promise<SeriesReport> {
  const book = (plan: BookingPlan) => bookPlanned(tx, plan, paymentMethod, seriesId)
  const taken = await settleAll(plans, isTakenOrBeyond, bookWithin(book))
  const lost = taken.flatMap(({ of, failure }) => (failure ? [{ occurrence: of.occurrence, failure }] : []))
  return {
    booked: taken.flatMap(({ of, result }) => (result ? [{ on: of.occurrence.on, booking: result }] : [])),
    skipped: reported([...refused, ...lost], resourceId),
  }
}

/** The refusals as the answer reports them, by their day. */
export const reported = (refused: Planned["refused"], resourceId: string): RefusedOccurrence[] =>
  refused
    .map(({ occurrence: { on, start, end }, failure }) => ({
      occursOn: on,
      resourceId: resourceId.toLowerCase(),
      startAt: new Date(start).toISOString(),
      endAt: new Date(end).toISOString(),
      code: failure instanceof RuleBroken ? failure.code : codes[failure._tag],
      detail: failure.message,
      conflicts: failure instanceof SlotTaken ? failure.conflicts : [],
      alternatives: failure instanceof SlotTaken ? failure.alternatives : [],
    }))
    .sort((a, b) => (a.occursOn < b.occursOn ? -1 : 1))

/**
 * Books one plan after the other where limits bind the booker. Each occurrence was planned before the first was made.
 * Only those that were made count. Lapsed holds count too, until they are released.
 */
function bookWithin(book: (plan: BookingPlan) => Promise<BookingRow>) {
  let last: Promise<unknown> = Promise.resolve()
  let made: readonly Held[] = []
  return ({ plan }: Planned["plans"][number]): Promise<BookingRow> => {
    const { standing } = plan
    if (standing === null) return book(plan)
    const booked = last.then(async () => {
      requireWithinLimits(withLapsed({ ...standing, bookings: [...standing.bookings, ...made] }), plan)
      const booking = await book({ ...plan, overdue: [] })
      made = [...made, heldOf(booking)]
      return booking
    })
    last = booked.catch(() => undefined)
    return booked
  }
}

const heldOf = ({ id, resource_id, status, start_at, end_at }: BookingRow): Held => ({
  id,
  resourceId: resource_id,
  status,
  start: start_at.getTime(),
  end: end_at.getTime(),
  lapsed: false,
})

const isTakenOrBeyond = (error: unknown): error is SlotTaken | RuleBroken =>
  error instanceof SlotTaken || (error instanceof RuleBroken && error.code === "member_limit_reached")

const codes = {
  SlotTaken: "slot_taken",
  BlockedByHook: "blocked_by_hook",
  NotFound: "not_found",
  NotAllowed: "not_allowed",
  InvalidInput: "invalid_input",
} as const

/** A hold that must be paid within minutes is no booking of a series. */
function requirePayable(plan: BookingPlan, paymentMethod: string): void {
  if (paymentMethod !== "online" || plan.price === 0 || plan.needsApproval) return
  const message = "A series that costs something is booked by staff, offline or waived."
  throw new RuleBroken("series_not_paid_online", message, [
    { path: "body.paymentMethod", message: "must be offline or waived" },
  ])
}

interface Settled<Of, Result> {
  readonly of: Of
  readonly result?: Result
  readonly failure?: Refusal
}

/**
 * Works on all at once, so that their statements travel together. Waits for all, then throws the first unexpected
 * error.
 */
async function settleAll<Of, Result>(
  list: readonly Of[],
  expected: (error: unknown) => error is Refusal,
  work: (of: Of) => Promise<Result>,
): Promise<readonly Settled<Of, Result>[]> {
  const outcomes = await Promise.allSettled(list.map(async (of) => ({ of, result: await work(of) })))
  return outcomes.map((outcome, i) => {
    if (outcome.status === "fulfilled") return outcome.value
    if (expected(outcome.reason)) return { of: list[i] as Of, failure: outcome.reason }
    throw outcome.reason
  })
}
