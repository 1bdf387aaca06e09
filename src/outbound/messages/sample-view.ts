/**
 * A view of a message from the sample of its event. The gallery and the tests show
 * the same people and times.
 */
import { definitionOf } from "#events/catalogue.ts"
import { example } from "#events/example.ts"
import { NOTIFICATION_CONFIGS } from "./configs.ts"
import type { ToldBooking } from "./places.ts"
import type { Recipient } from "./recipients.ts"
import type { View } from "./render.ts"
import { sampleReport, sampleSummary, withoutBookings } from "./sample-made.ts"
import type { TemplateId } from "./templates/catalogue.ts"
import type { Series } from "./together/told.ts"

/** A message that the gallery shows: a template, for one kind of reader and one form of its event. */
export interface Sample {
  readonly templateId: TemplateId
  readonly type: string
  /** In a word, such as "participant"; empty for the usual one. */
  readonly variant: string
  readonly view: View
}

/** Facts that change the words of a message. Each is a further sample of its event. */
interface Variant {
  readonly as: string
  readonly data?: object
  /** The reader is the child's parent. */
  readonly ofChild?: true
  readonly booking?: Partial<ToldBooking>
  readonly view?: Partial<View>
}
const lesson = { coach: "Jonas Weber" }
const variants: Readonly<Record<string, readonly Variant[]>> = {
  "booking.confirmed": [
    { as: "participant" },
    { as: "booker", data: { paymentMethod: "offline" } },
    { as: "booker", data: { paymentMethod: "waived" } },
    { as: "participant", ofChild: true, data: { bookingType: "lesson" }, booking: lesson },
    { as: "booker", ofChild: true, data: { bookingType: "lesson", paymentMethod: "offline" }, booking: lesson },
    { as: "coach", data: { bookingType: "lesson" }, booking: lesson },
  ],
  "booking.cancelled": [
    { as: "participant", data: { cancelledBy: "staff", cancellationReason: "" } },
    { as: "booker", ofChild: true, booking: { ...lesson, refundBy: "desk" } },
    { as: "booker", booking: { refundBy: "both" } },
    { as: "coach", booking: lesson },
  ],
  "booking.rescheduled": [
    { as: "participant", data: { status: "pending", rescheduledBy: "staff" } },
    { as: "booker", ofChild: true, booking: lesson },
    { as: "coach", booking: lesson },
  ],
  "booking.no_show": [
    { as: "booker", data: { restrictionApplied: true } },
    { as: "booker", ofChild: true, booking: lesson },
  ],
  "booking.no_show.undone": [{ as: "booker", ofChild: true }],
  "booking.reminder.due": [{ as: "booker", ofChild: true, booking: lesson }],
  "booking.local_time_changed": [{ as: "booker", ofChild: true }],
  "booking.struck": [{ as: "participant" }, { as: "booker", ofChild: true }],
  "booking.approval.requested": [{ as: "facility_admin" }, { as: "booker", ofChild: true }],
  "booking.approval.granted": [{ as: "booker", ofChild: true }],
  "waitlist.offered": [{ as: "booker", ofChild: true }],
  "waitlist.expired": [{ as: "booker", data: { reason: "time_came" } }],
  "payment.failed": [{ as: "payer", data: { nextRetryAt: undefined } }],
  "booking.payment_overdue": [
    { as: "payer", data: { stage: "60_days", ageDays: 60 } },
    { as: "parent", data: { stage: "90_days", ageDays: 91, iban: undefined, accountHolder: undefined } },
  ],
  "payment.refunded": [{ as: "payer", booking: { refundBy: "desk" } }],
  "recurring_booking.created": [{ as: "participant" }, { as: "booker", ofChild: true }],
  "recurring_booking.changed": [
    { as: "booker", data: { change: "extended" } },
    { as: "booker", ofChild: true },
  ],
  "recurring_booking.cancelled": [{ as: "booker", ofChild: true }],
  "coach.block.rejected": [],
  "user.email_change_requested": [{ as: "address_owner" }],
  "user.invited": [{ as: "address_owner" }],
  "user.password_changed": [{ as: "account", data: { how: "invitation" } }],
  "subscription.limit_warning": [
    { as: "facility_admin", data: { warningLevel: "exceeded", currentUsage: 260, percentUsed: 104 } },
  ],
  "subscription.status_changed": [{ as: "facility_admin", data: { reason: "paid" } }],
  "webhook.failing": [{ as: "facility_admin", data: { stage: "given_up", givenUp: 40, waitingAtLeast: true } }],
  "calendar.sync.failing": [
    { as: "account", data: { code: "unreachable", reason: "The server answered 502.", resourceId: undefined } },
  ],
  "facility.report.made": [{ as: "facility_admin", view: { report: withoutBookings } }],
  "progress.summary.made": [{ as: "account" }],
  "facility.job.failing": [
    { as: "facility_admin", data: { stage: "one_day" } },
    { as: "facility_admin", data: { stage: "one_week", job: "monthly-billing", lastError: "3 accounts failed" } },
    { as: "facility_admin", data: { job: "a-newer-job" } },
  ],
  "platform.failing": [
    { as: "platform_admin", data: { trouble: "dead_passes" } },
    { as: "platform_admin", data: { trouble: "failing_jobs", detail: "daily-reports: HTTP 503" } },
    { as: "platform_admin", data: { trouble: "texts_held", detail: "401 20003: Authenticate" } },
  ],
  "platform.recovered": [
    { as: "platform_admin", data: { trouble: "mail_held" } },
    { as: "platform_admin", data: { trouble: "texts_held" } },
  ],
}

/** Every message of every event, once in its usual form and once in each of its variants. */
export function samples(): readonly Sample[] {
  return Object.entries(NOTIFICATION_CONFIGS).flatMap(([type, config]) => {
    if (config === undefined) return []
    const data = definitionOf(type)?.sample as object
    const usual = config.templateFor?.(data as never) ?? config.templateId
    const sampleOf = (as: string, more: object, templateId: TemplateId) => ({
      templateId,
      type,
      variant: "",
      view: viewOf(type, { ...data, ...more }, as),
    })
    const own = [...new Set(config.recipients.map((each) => each.templateId ?? usual))].map((templateId) => {
      const first = config.recipients.find((each) => (each.templateId ?? usual) === templateId)
      return sampleOf(partOf[first?.type ?? "booker"] ?? "booker", {}, templateId)
    })
    const further = (variants[type] ?? []).map(({ as, data: more = {}, ofChild, booking, view: made = {} }, nth) => {
      const sample = sampleOf(as, more, config.templateFor?.({ ...data, ...more } as never) ?? config.templateId)
      const view = ofChild ? asParent(sample.view) : sample.view
      const facts = view.booking && { ...view.booking, ...booking }
      const variant = `${ofChild ? "parent" : as} ${nth + 1}`
      return { ...sample, view: { ...view, booking: facts, ...made }, variant }
    })
    return [...own, ...further]
  })
}

/** Mia's mother reads it. */
const asParent = (view: View): View => ({
  ...view,
  receipt: null,
  recipient: { ...view.recipient, readerId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2efe", parentName: "Clara" },
})

/** The usual view of an event, for the first kind of its recipients. */
export function viewOf(type: string, data: object, as = "booker"): View {
  const isSeries = type.startsWith("recurring_booking.") && type !== "recurring_booking.blocked"
  const isPaid = type === "booking.confirmed" && (data as { paymentMethod?: string }).paymentMethod === "online"
  return {
    data,
    occurredAt: "2026-03-09T16:20:30.125Z",
    recipient: {
      userId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2eff",
      readerId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2eff",
      firstName: "Mia",
      name: "Mia Keller",
      as,
      timezone: "Europe/Berlin",
    },
    facility: { name: "Parkside Tennis", timezone: "Europe/Berlin", currency: "EUR" },
    resource: "Court 1",
    booking: factsOfSample(data),
    receipt: isPaid && as === "booker" ? receipt : null,
    series: isSeries ? series : null,
    report: type === "facility.report.made" ? sampleReport : null,
    summary: type === "progress.summary.made" ? sampleSummary : null,
  }
}

function factsOfSample(data: object): ToldBooking | null {
  const { bookingId, referenceType, sessionId, blockId } = data as Readonly<Record<string, string | undefined>>
  if ([bookingId, sessionId, blockId].every((each) => each === undefined) && referenceType !== "booking") return null
  const { bookingId: id, startAt, endAt } = example
  return { id, startAt, endAt, coach: null, refundBy: "bank" }
}

const receipt = { amount: 2400, currency: "EUR", paymentMethod: "card", paidAt: "2026-03-09T16:20:30.125Z" }

/** Ten weeks but the one that could not be booked. The clocks go forward on 29 March. */
const thursdays = [0, 2, 3, 4, 5, 6, 7, 8, 9].map((week) => {
  const start = Date.parse("2026-03-12T17:00:00.000Z") + week * 7 * 24 * 3_600_000 - (week > 2 ? 3_600_000 : 0)
  const [startAt, endAt] = [new Date(start).toISOString(), new Date(start + 3_600_000).toISOString()]
  return { day: startAt.slice(0, 10), startAt, endAt }
})
const series: Series = {
  count: 9,
  pending: 0,
  dates: thursdays,
  more: 0,
  first: "2026-03-12",
  last: "2026-05-14",
  weekday: 4,
  sameTime: true,
  startTime: "18:00",
  endTime: "19:00",
  skipped: [{ startAt: "2026-03-19T17:00:00.000Z" }],
  amount: 21_600,
  refund: 21_600,
  currency: "EUR",
  paymentMethod: "offline",
}

/** The part of the first recipient of a kind. */
const partOf: Readonly<Record<string, Recipient["as"]>> = {
  booker: "booker",
  participants: "participant",
  parents: "parent",
  facility_admins: "facility_admin",
  platform_admins: "platform_admin",
  payer: "payer",
  coach: "coach",
  account: "account",
  link: "link_holder",
  previous_address: "account",
}
