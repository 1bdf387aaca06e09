/**
 * The fields of a booking policy: what each takes, what it says, and what it is when it is left out. A new field stands
 * here and in `policy-rows.ts`.
 */
import * as Schema from "effect/Schema"
import { Id, Money } from "#base/schema/request-fields.ts"
import { rule } from "#base/schema/rule.ts"
import { BookingType } from "./input.ts"
import { HoldPauseMinutes, MemberLimits, WeekStartsOn } from "./limits/fields.ts"
import { lengthsFit, slotDefaults, slotFields } from "./policy-slot-fields.ts"

const maxHours = 365 * 24
const maxRules = 20
const maxResources = 500

const whole = (minimum: number, maximum: number, description: string) =>
  Schema.Int.annotate({ description }).check(Schema.isBetween({ minimum, maximum }))

const CancellationPolicy = Schema.Array(
  Schema.Struct({
    hoursBefore: whole(0, maxHours, "elapsed hours before the start"),
    refundPercent: whole(0, 100, "of what was paid"),
  }),
).check(
  Schema.isMaxLength(maxRules),
  rule("a cancellation policy names each hoursBefore once", (rules: readonly { readonly hoursBefore: number }[]) =>
    rules.flatMap(({ hoursBefore }, i) =>
      rules.findIndex((other) => other.hoursBefore === hoursBefore) < i
        ? [{ path: [i, "hoursBefore"], issue: "is named twice" }]
        : [],
    ),
  ),
)

const fields = {
  leadTimeMinutes: whole(0, 60 * maxHours, "members book at least this long before the start; 0: until it begins"),
  advanceDays: Schema.NullOr(whole(0, 3650, "members book at most so many local days ahead")),
  approvalBookingTypes: Schema.Array(BookingType)
    .annotate({ description: "members' bookings of these types wait for staff" })
    .check(Schema.isMaxLength(20), Schema.isUnique()),
  approvalResourceIds: Schema.Array(Id)
    .annotate({ description: "members' bookings of these resources wait for staff" })
    .check(Schema.isMaxLength(maxResources), Schema.isUnique()),
  checkInGraceMinutes: Schema.NullOr(
    whole(0, 1440, "without a check-in so long after the start a booking is a no-show; null: only staff say so"),
  ),
  noShowFee: Money,
  strikeThreshold: Schema.NullOr(whole(1, 1000, "from so many strikes on, a no-show restricts; null: never")),
  restrictionDays: Schema.NullOr(whole(1, 3650, "how long a restricted member cannot book")),
  rescheduleHoursBefore: whole(0, maxHours, "members move a booking until so many hours before its start"),
  cancellationPolicy: CancellationPolicy.annotate({
    description:
      "a cancellation so many hours before refunds so much, a later one nothing; empty: everything is refunded",
  }),
  ...slotFields,
  memberLimits: MemberLimits,
  weekStartsOn: WeekStartsOn,
  holdPauseMinutes: HoldPauseMinutes,
} as const
export type Rules = Schema.Struct<typeof fields>["Type"]

export const defaults: Rules = {
  leadTimeMinutes: 0,
  advanceDays: null,
  approvalBookingTypes: [],
  approvalResourceIds: [],
  checkInGraceMinutes: null,
  noShowFee: 0,
  strikeThreshold: null,
  restrictionDays: null,
  rescheduleHoursBefore: 0,
  cancellationPolicy: [],
  ...slotDefaults,
  memberLimits: [],
  weekStartsOn: "monday",
  holdPauseMinutes: null,
}

/** Replaces the policy: a field that is left out takes its default. */
export const PolicyInput = Schema.Struct({
  leadTimeMinutes: Schema.optionalKey(fields.leadTimeMinutes),
  advanceDays: Schema.optionalKey(fields.advanceDays),
  approvalBookingTypes: Schema.optionalKey(fields.approvalBookingTypes),
  approvalResourceIds: Schema.optionalKey(fields.approvalResourceIds),
  checkInGraceMinutes: Schema.optionalKey(fields.checkInGraceMinutes),
  noShowFee: Schema.optionalKey(fields.noShowFee),
  strikeThreshold: Schema.optionalKey(fields.strikeThreshold),
  restrictionDays: Schema.optionalKey(fields.restrictionDays),
  rescheduleHoursBefore: Schema.optionalKey(fields.rescheduleHoursBefore),
  cancellationPolicy: Schema.optionalKey(fields.cancellationPolicy),
  startGridMinutes: Schema.optionalKey(fields.startGridMinutes),
  minBookingMinutes: Schema.optionalKey(fields.minBookingMinutes),
  maxBookingMinutes: Schema.optionalKey(fields.maxBookingMinutes),
  bookingStepMinutes: Schema.optionalKey(fields.bookingStepMinutes),
  buffers: Schema.optionalKey(fields.buffers),
  memberLimits: Schema.optionalKey(fields.memberLimits),
  weekStartsOn: Schema.optionalKey(fields.weekStartsOn),
  holdPauseMinutes: Schema.optionalKey(fields.holdPauseMinutes),
}).check(
  lengthsFit,
  rule(
    "strikeThreshold and restrictionDays go together",
    ({
      strikeThreshold = null,
      restrictionDays = null,
    }: Partial<Pick<Rules, "strikeThreshold" | "restrictionDays">>) =>
      (strikeThreshold === null) === (restrictionDays === null)
        ? []
        : [{ path: ["restrictionDays"], issue: "goes together with strikeThreshold" }],
  ),
)

export const BookingPolicy = Schema.Struct({
  facilityId: Id,
  ...fields,
  updatedAt: Schema.NullOr(Schema.String).annotate({ description: "null: never written, these are the defaults" }),
}).annotate({ identifier: "BookingPolicy" })
export type BookingPolicy = typeof BookingPolicy.Type

export const ruleNames = Object.keys(fields) as (keyof Rules)[]
