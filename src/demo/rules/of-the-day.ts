/** The rules that bite on the Saturday itself: what time decides, what money is kept, and what staff put right. */
import type { Booked, Saturday } from "#demo/bookings.ts"
import type { Club } from "#demo/club.ts"
import type { Stage } from "#demo/stage.ts"

export interface ArrangedBookings {
  /** Ben's tournament at 08:00, about which nobody decides. */
  readonly requested: string
  /** Ben's two hours from 18:00, paid with 4800. */
  readonly long: string
  /** Clara's hour at 13:00, on a court that will be closed. */
  readonly closed: string
}

/** In the week before. */
export async function prepareSaturday(stage: Stage, club: Club, { span }: Saturday): Promise<ArrangedBookings> {
  const { call, say, until } = stage
  const { at, ben, clara, courts } = club
  say("\nBen asks for a tournament on Saturday morning; he and Clara pay two more bookings")
  const requested = await call(ben, "POST", `${at}/bookings`, {
    ...span("08:00", "09:00"),
    resourceId: courts[3],
    bookingType: "tournament",
    paymentMethod: "online",
  })
  const paid = async (who: typeof ben, court: number, from: string, to: string): Promise<string> => {
    const wish = { ...span(from, to), resourceId: courts[court], paymentMethod: "online" }
    const { id } = await call(who, "POST", `${at}/bookings`, wish)
    await call(who, "POST", `${at}/payments`, { referenceType: "booking", referenceId: id, cardToken: "tok_visa" })
    await until(
      "the paid booking",
      () => call(who, "GET", `${at}/bookings/${id}`),
      ({ status }) => status === "confirmed",
    )
    return id
  }
  const long = await paid(ben, 2, "18:00", "20:00")
  const closed = await paid(clara, 3, "13:00", "14:00")
  return { requested: requested.id, long, closed }
}

/** At 09:40. In the end Ben holds an hour, and lets the hold lapse. */
export async function playMorning(
  stage: Stage,
  club: Club,
  { span }: Saturday,
  prepared: ArrangedBookings,
): Promise<void> {
  const { ask, bites, call, job, say } = stage
  const { at, ben, courts } = club
  say("\nNobody decided about the tournament; Ben plays shorter tonight, and then not at all")
  await job("hold-expiration")
  const request = await ask(ben, "GET", `${at}/bookings/${prepared.requested}`)
  const told = await happened(stage, club, "booking.approval.expired", prepared.requested)
  bites({
    rule: "request without a decision",
    asked: "Ben looks at his request for 08:00, about which nobody has decided",
    answer: request,
    found: [request.body.status, told.length],
    right: ["expired", 1],
    why: "it expired at its start, with an event",
  })

  const booking = `${at}/bookings/${prepared.long}`
  const atOnce = await call(ben, "POST", `${booking}/cancel`, { dryRun: true })
  await call(ben, "POST", `${booking}/reschedule`, span("18:00", "19:00"))
  const cancelled = await ask(ben, "POST", `${booking}/cancel`, { cancellationReason: "A headache" })
  const { settlement } = await call(ben, "GET", booking)
  bites({
    rule: "forfeited money",
    asked: "Ben shortens two paid hours to one, and cancels the rest",
    answer: cancelled,
    found: [settlement.refundedAmount, settlement.forfeitedAmount, atOnce.refundAmount],
    right: [2400, 2400, 2400],
    why: "1200 and 1200 come back, as much as by cancelling at once",
  })
  await call(ben, "POST", `${at}/holds`, { ...span("12:00", "13:00"), resourceId: courts[3] })
}

/** At 10:20, when Ben's hold has lapsed. */
export async function holdAgain({ ask, bites }: Stage, { at, ben, courts }: Club, { span }: Saturday): Promise<void> {
  const again = await ask(ben, "POST", `${at}/holds`, { ...span("12:00", "13:00"), resourceId: courts[3] })
  bites({
    rule: "pause after a hold",
    asked: "Ben let a hold of 12:00 lapse, and holds the same hour again",
    answer: again,
    found: [again.status, again.code],
    right: [422, "hold_paused"],
    why: "others may have it for an hour",
  })
}

/** At 11:05: Ben came late, and played after all; the lamp of Court 4 breaks. */
export async function putRight(stage: Stage, club: Club, { span }: Saturday, booked: Booked): Promise<void> {
  const { ask, bites, call, say } = stage
  const { at, owner, desk, courts } = club
  say("\nBen came late after all; the desk puts it right, and Court 4 closes")
  const undone = await ask(desk, "POST", `${at}/bookings/${booked.missed}/no-show/undo`, {
    reason: "He came at twenty past.",
  })
  const [event] = await happened(stage, club, "booking.no_show.undone", booked.missed)
  const { feeWaived, strikeCount } = event?.data ?? {}
  bites({
    rule: "undone no-show",
    asked: "the desk undoes Ben's no-show",
    answer: undone,
    found: [undone.body.status, feeWaived, strikeCount],
    right: ["confirmed", 1000, 0],
    why: "his strike and his fee of 1000 go with it",
  })
  await call(desk, "POST", `${at}/bookings/${booked.missed}/check-in`, { method: "manual" })
  await call(desk, "POST", `${at}/bookings/${booked.missed}/complete`, {})
  await call(desk, "POST", `${at}/bookings/${booked.offered}/check-in`, { method: "manual" })
  await call(owner, "POST", `${at}/closures`, {
    resourceIds: [courts[3]],
    ...span("12:00", "15:00"),
    reason: "The lamp is broken",
  })
}

/** At 13:20, twenty minutes into Clara's hour on the closed court. */
export async function judgeClosed(stage: Stage, club: Club, { closed }: ArrangedBookings): Promise<void> {
  const { ask, bites, call, job, say } = stage
  const { at, clara } = club
  say("\nClara stays at home, because the club told her")
  await job("no-show-detection")
  const booking = await call(clara, "GET", `${at}/bookings/${closed}`)
  const cancelled = await ask(clara, "POST", `${at}/bookings/${closed}/cancel`, { cancellationReason: "It is dark." })
  const told = await happened(stage, club, "booking.struck", closed)
  bites({
    rule: "closed over a booking",
    asked: "Clara does not come to the closed court, and cancels after the start",
    answer: cancelled,
    found: [told.length, booking.status, booking.struckReason, cancelled.body.refundAmount],
    right: [1, "confirmed", "The lamp is broken", 2400],
    why: "the closure struck her booking and told her: no no-show, and all 2400 come back",
  })
}

/** The events of a type about a booking, once the log has one. */
async function happened({ call, until }: Stage, { at, desk }: Club, type: string, bookingId: string) {
  const isAbout = ({ data }: Happened) => data.bookingId === bookingId
  const feed = await until(
    type,
    () => call(desk, "GET", `${at}/events?types=${type}`),
    ({ data }) => data.some(isAbout),
  )
  return (feed.data as readonly Happened[]).filter(isAbout)
}

interface Happened {
  readonly data: { readonly bookingId: string; readonly feeWaived?: number; readonly strikeCount?: number }
}
