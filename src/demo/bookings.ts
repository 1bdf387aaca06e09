/** Scene two: the week before. Saturday fills, with failed and successful payments, a refund, and a moving waitlist. */
import type { Club } from "./club.ts"
import type { Stage } from "./stage.ts"

export interface Saturday {
  /** The instant of a local time on the Saturday. */
  readonly at: (time: string) => Date
  readonly span: (from: string, to: string) => { readonly startAt: string; readonly endAt: string }
  readonly date: string
  /** The same on the day after. */
  readonly sunday: Saturday["span"]
}

export interface Booked {
  /** Anna's booking at 10:00; Anna comes. */
  readonly played: string
  /** Ben's booking at 10:00; Ben does not come. */
  readonly missed: string
  /** The child's lesson at 14:00. */
  readonly sessionId: string
  /** Clara's booking at 11:00, which she got from the waitlist. */
  readonly offered: string
  /** Anna's series every Saturday at 18:00. */
  readonly seriesId: string
}

export async function fillSaturday(stage: Stage, club: Club, { span, date }: Saturday): Promise<Booked> {
  const { call, until, say } = stage
  const { at, desk, coach, anna, ben, clara, child, courts } = club
  const [one, two, three] = courts
  const read = (id: string) => call(desk, "GET", `${at}/bookings/${id}`)
  const isNow = (id: string, status: string) =>
    until(
      `"${status}"`,
      () => read(id),
      (booking) => booking.status === status,
    )

  say("\nThe desk books for Anna, who pays in cash; Ben books online, and his first card is declined")
  const ten = span("10:00", "11:00")
  const played = await call(desk, "POST", `${at}/bookings`, {
    ...ten,
    resourceId: one,
    bookerId: anna.id,
    participants: [{ userId: clara.id }],
    paymentMethod: "offline",
  })
  await call(desk, "POST", `${at}/offline-payments`, { bookingId: played.id, amount: 2400, paymentMethod: "cash" })
  const pay = (who: typeof anna, referenceId: string, cardToken: string) =>
    call(who, "POST", `${at}/payments`, { referenceType: "booking", referenceId, cardToken })
  const missed = await call(ben, "POST", `${at}/bookings`, { ...ten, resourceId: two, paymentMethod: "online" })
  await pay(ben, missed.id, "tok_declined")
  await pay(ben, missed.id, "tok_visa")
  await isNow(missed.id, "confirmed")

  say("\nAnna takes 11:00, Clara waits for it; Anna cancels, is refunded, and Clara gets the offer")
  const eleven = span("11:00", "12:00")
  const given = await call(anna, "POST", `${at}/bookings`, { ...eleven, resourceId: one, paymentMethod: "online" })
  await pay(anna, given.id, "tok_visa")
  await isNow(given.id, "confirmed")
  const wish = await call(clara, "POST", `${at}/waitlist`, { ...eleven, resourceId: one })
  await call(anna, "POST", `${at}/bookings/${given.id}/cancel`, { dryRun: true })
  await call(anna, "POST", `${at}/bookings/${given.id}/cancel`, { cancellationReason: "A cold" })
  const { offer } = await until(
    "the offer",
    () => call(clara, "GET", `${at}/waitlist/${wish.id}`),
    ({ status }) => status === "offered",
  )
  await call(clara, "POST", `${at}/waitlist/${wish.id}/accept`, { paymentMethod: "online" })
  await pay(clara, offer.bookingId, "tok_visa")
  await until(
    "the refund",
    () => call(desk, "GET", `${at}/refunds`),
    ({ data }) => data.some((refund: { status: string }) => refund.status === "succeeded"),
  )

  say("\nA parent holds a slot for her child and gives it back; a series every Saturday at 18:00")
  const hold = await call(clara, "POST", `${at}/holds`, {
    ...span("12:00", "13:00"),
    resourceId: one,
    bookerId: child.id,
  })
  await call(clara, "DELETE", `${at}/holds/${hold.id}`)
  const series = await call(desk, "POST", `${at}/recurring-bookings`, {
    resourceId: two,
    bookerId: anna.id,
    paymentMethod: "waived",
    startDate: date,
    startTime: "18:00",
    durationMinutes: 60,
    rule: "FREQ=WEEKLY;BYDAY=SA;COUNT=4",
  })

  say("\nThe coach asks for two blocks, one is granted; and sells a lesson")
  const block = { resourceId: three, blockType: "coaching", reason: "Junior squad" }
  const wanted = await call(coach, "POST", `${at}/coach-blocks`, { ...block, ...span("09:00", "12:00") })
  await call(desk, "POST", `${at}/coach-blocks/${wanted.id}/approve`, {})
  const late = await call(coach, "POST", `${at}/coach-blocks`, { ...block, ...span("19:00", "21:00") })
  await call(desk, "POST", `${at}/coach-blocks/${late.id}/reject`, {
    rejectionReason: "The court is for league matches.",
  })
  const session = await call(coach, "POST", `${at}/coach-sessions`, {
    ...span("14:00", "15:00"),
    resourceId: three,
    sessionType: "private",
    students: [child.id],
    paymentMethod: "offline",
  })

  return {
    played: played.id,
    missed: missed.id,
    sessionId: session.id,
    offered: offer.bookingId,
    seriesId: series.id,
  }
}
