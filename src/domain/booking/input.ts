/** The input of a booking or a hold, and the rules that need only the request itself. */
import * as Schema from "effect/Schema"
import type { Span } from "#base/local-days.ts"
import { Id, Instant, WrittenNote } from "#base/schema/request-fields.ts"
import { rule, saidRule } from "#base/schema/rule.ts"
import { lineUpTo, opaqueText } from "#base/schema/text-fields.ts"
import { detailFields } from "./details-input.ts"

export const minBookingMinutes = 5
/** Longer use of a resource is a block or a closure, not a booking. A local day may be longer: see `checkRules`. */
export const maxBookingMinutes = 24 * 60
/** No booking is longer, in any zone: in Troll (Antarctica) the clocks go back by two hours. */
export const longestBookingMinutes = 26 * 60
/** A team with its bench. */
export const maxParticipants = 64
const maxRoleLength = 50
const maxCodeLength = 300
/** A reason that is the label of a line of the price. */
const maxReasonLength = 100
const minuteMs = 60_000

export const BookingType = Schema.Literals([
  "open_play",
  "lesson",
  "league",
  "tournament",
  "private",
  "coach_block",
  "maintenance",
])
export const PaymentMethod = Schema.Literals(["online", "offline", "waived"])
const CheckInMethod = Schema.Literals(["qr_code", "manual", "access_code"])

const wanted = {
  resourceId: Id,
  startAt: Instant,
  endAt: Instant,
  bookingType: Schema.optionalKey(BookingType).annotateKey({ description: "open_play unless given" }),
  bookerId: Schema.optionalKey(Id).annotateKey({
    description: "the booker: members leave it out or name their child; API keys must name one",
  }),
  participants: Schema.optionalKey(
    Schema.Array(Schema.Struct({ userId: Id, role: Schema.optionalKey(lineUpTo(maxRoleLength)) })).check(
      Schema.isMaxLength(maxParticipants),
    ),
  ).annotateKey({ description: "the people beside the booker; the role is player unless given" }),
  ...detailFields,
} as const

interface Wanted {
  readonly startAt: string
  readonly endAt: string
  readonly participants?: readonly { readonly userId: string }[]
}

const timesAre = `startAt and endAt are whole minutes, ${minBookingMinutes} minutes to ${maxBookingMinutes / 60} hours apart, or a longer local day`
/** The fault of an end that is later than the same time of the next local day too. */
export const longerThanADay = `must be at most ${maxBookingMinutes / 60} hours after startAt`

/** The rules for times and participants, in every kind of request. */
export const consistent = rule(`${timesAre}; each participant is named once`, (input: Wanted) => [
  ...faultsOfTimes(input),
  ...repeated(input.participants ?? []),
])

export const HoldInput = Schema.Struct(wanted).check(consistent)
export type HoldInput = typeof HoldInput.Type

/** A part of the price that is not asked for. */
export const BookingDiscount = Schema.Struct({
  percent: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 })),
  reason: lineUpTo(maxReasonLength).annotateKey({ description: "the label of its line" }),
}).annotate({ description: "for staff and API keys: a share of the price that is not asked for; a move keeps it" })
export type BookingDiscount = typeof BookingDiscount.Type

export const BookingInput = Schema.Struct({
  ...wanted,
  paymentMethod: PaymentMethod,
  discount: Schema.optionalKey(BookingDiscount),
}).check(consistent)
export type BookingInput = typeof BookingInput.Type

export const ConfirmInput = Schema.Struct({ paymentMethod: PaymentMethod })

const Reason = WrittenNote

export const CancelInput = Schema.Struct({
  cancellationReason: Schema.optionalKey(Reason),
  dryRun: Schema.optionalKey(Schema.Boolean).annotateKey({
    description: "true: answers the refund and its reasons, and cancels nothing; likewise ?dryRun=true",
  }),
  refundPercent: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 }))).annotateKey({
    description: "for staff: overrides the booking's cancellation policy",
  }),
})
export const RejectInput = Schema.Struct({ rejectionReason: Reason })
export const WaiveInput = Schema.Struct({ reason: Reason })
export const UndoInput = Schema.Struct({ reason: Reason })

export const CheckInInput = Schema.Struct({
  method: Schema.optionalKey(CheckInMethod).annotateKey({ description: "manual unless given" }),
  code: Schema.optionalKey(opaqueText(0, maxCodeLength)).annotateKey({
    description: "of GET …/check-in-code: what the QR code says, or the access code",
  }),
}).check(
  saidRule(
    {
      anyOf: [
        { properties: { method: { const: "manual" } }, not: { required: ["code"] } },
        { properties: { method: { not: { const: "manual" } } }, required: ["method", "code"] },
      ],
    },
    ({ method = "manual", code }: { readonly method?: string; readonly code?: string }) => {
      if (method !== "manual" && code === undefined) return { path: ["code"], issue: "Missing key" }
      if (method === "manual" && code !== undefined)
        return { path: ["code"], issue: "is for the methods qr_code and access_code" }
      return []
    },
  ),
)

export const RescheduleInput = Schema.Struct({
  startAt: Instant,
  endAt: Instant,
  resourceId: Schema.optionalKey(Id).annotateKey({
    description: "another resource; it stays where it is unless given",
  }),
}).check(rule(timesAre, faultsOfTimes))
export type RescheduleInput = typeof RescheduleInput.Type

/** The stretch of time that a checked input asks for. */
export const spanOf = ({ startAt, endAt }: Wanted): Span => ({ start: Date.parse(startAt), end: Date.parse(endAt) })

function faultsOfTimes(input: Wanted) {
  const { start, end } = spanOf(input)
  const minutes = (end - start) / minuteMs
  if (start % minuteMs !== 0) return [{ path: ["startAt"], issue: "must be a whole minute" }]
  if (end % minuteMs !== 0) return [{ path: ["endAt"], issue: "must be a whole minute" }]
  if (minutes <= 0) return [{ path: ["endAt"], issue: "must be after startAt" }]
  if (minutes < minBookingMinutes)
    return [{ path: ["endAt"], issue: `must be at least ${minBookingMinutes} minutes after startAt` }]
  if (minutes > longestBookingMinutes) return [{ path: ["endAt"], issue: longerThanADay }]
  return []
}

const repeated = (participants: readonly { readonly userId: string }[]) =>
  participants.flatMap(({ userId }, i) =>
    participants.findIndex((other) => sameId(other.userId, userId)) < i
      ? [{ path: ["participants", i, "userId"], issue: "is named twice" }]
      : [],
  )

const sameId = (a: string, b: string) => a.toLowerCase() === b.toLowerCase()
