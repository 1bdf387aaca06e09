/** The input of a series, and the input that changes one. */
import * as Schema from "effect/Schema"
import { pageQuery } from "#base/schema/page.ts"
import { Id, LocalDay, WrittenNote } from "#base/schema/request-fields.ts"
import { rule, saidRule } from "#base/schema/rule.ts"
import { atMost } from "#base/schema/text-fields.ts"
import { detailFields } from "#domain/booking/details-input.ts"
import { BookingType, HoldInput, maxBookingMinutes, minBookingMinutes, PaymentMethod } from "#domain/booking/input.ts"
import { minutesBetween } from "./occurrences.ts"
import { maxRuleLength, parseRule } from "./rule.ts"

/** Bookings are made this many local days ahead. */
export const defaultWindowDays = 56
/** A year, so that one request makes at most 366 bookings (`maxOccurrences`). */
const maxWindowDays = 365
export const maxOccurrences = 366

const WallTime = Schema.String.annotate({ description: "wall clock of the facility, 24 hours" }).check(
  Schema.isPattern(/^([01]\d|2[0-3]):[0-5]\d$/u, { expected: 'a time such as "18:00"' }),
)
const EndTime = Schema.String.annotate({
  description:
    "wall clock of the facility at which each booking ends, the first such time after its start, also where the clocks change; 24:00 is midnight",
}).check(Schema.isPattern(/^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/u, { expected: 'a time such as "06:00"' }))
const Duration = Schema.Int.annotate({ description: "minutes" }).check(
  Schema.isBetween({ minimum: minBookingMinutes, maximum: maxBookingMinutes }),
)
const RuleText = Schema.String.annotate({
  description:
    "RFC 5545 RRULE, such as FREQ=WEEKLY;BYDAY=TU,TH;COUNT=10: FREQ (DAILY, WEEKLY, MONTHLY), INTERVAL, BYDAY, BYMONTHDAY, WKST, and COUNT or UNTIL or neither",
}).check(
  atMost(maxRuleLength),
  Schema.isPattern(/^[\x21-\x7e]*$/u, { expected: "a rule without space, in ASCII" }).abort(),
  rule("a recurrence rule is one of RFC 5545, with the parts that its description names", (text: string) => {
    const parsed = parseRule(text)
    return "fault" in parsed ? parsed.fault : undefined
  }),
)

const { participants } = HoldInput.fields
const namesEachOnce = rule(
  "each participant is named once",
  ({ participants = [] }: { readonly participants?: readonly { readonly userId: string }[] }) => {
    const ids = participants.map(({ userId }) => userId.toLowerCase())
    return ids.flatMap((id, i) =>
      ids.indexOf(id) < i ? [{ path: ["participants", i, "userId"], issue: "is named twice" }] : [],
    )
  },
)

const endsOneWay = saidRule(
  { oneOf: [{ required: ["durationMinutes"] }, { required: ["endTime"] }] },
  ({ durationMinutes, endTime }: Ends) =>
    (durationMinutes === undefined) === (endTime === undefined)
      ? [{ path: ["durationMinutes"], issue: "give either durationMinutes or endTime" }]
      : [],
)
const endsAtMostOneWay = saidRule({ not: { required: ["durationMinutes", "endTime"] } }, (change: Ends) =>
  change.durationMinutes !== undefined && change.endTime !== undefined
    ? [{ path: ["endTime"], issue: "give either durationMinutes or endTime" }]
    : [],
)
const isLongEnough = rule(
  `endTime is at least ${minBookingMinutes} minutes after startTime on the clock`,
  ({ startTime, endTime }: Ends & { readonly startTime?: string }) =>
    startTime !== undefined && endTime !== undefined && minutesBetween(startTime, endTime) < minBookingMinutes
      ? [{ path: ["endTime"], issue: `must be at least ${minBookingMinutes} minutes after startTime` }]
      : [],
)
interface Ends {
  readonly durationMinutes?: number
  readonly endTime?: string
}

export const RecurringInput = Schema.Struct({
  resourceId: Id,
  bookingType: Schema.optionalKey(BookingType).annotateKey({ description: "open_play unless given" }),
  bookerId: Schema.optionalKey(Id),
  participants,
  paymentMethod: PaymentMethod,
  startDate: LocalDay.annotate({ description: "the local day from which on the rule counts" }),
  startTime: WallTime,
  durationMinutes: Schema.optionalKey(Duration).annotateKey({ description: "give either it or endTime" }),
  endTime: Schema.optionalKey(EndTime),
  rule: RuleText,
  skipConflicts: Schema.optionalKey(Schema.Boolean).annotateKey({
    description: "leave out occurrences that cannot be booked, and report them; otherwise one of them refuses all",
  }),
  windowDays: Schema.optionalKey(
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxWindowDays })),
  ).annotateKey({
    description: `bookings are made so many local days ahead; ${defaultWindowDays} unless given`,
  }),
  ...detailFields,
}).check(namesEachOnce, endsOneWay, isLongEnough)
export type RecurringInput = typeof RecurringInput.Type

export const SeriesScope = Schema.Literals(["this", "following", "all"]).annotate({
  description: "the booking named alone, it and those that follow, or all that have not begun",
})
export type SeriesScope = typeof SeriesScope.Type

interface Scoped {
  readonly scope: SeriesScope
  readonly bookingId?: string
}
const namesItsBooking = saidRule(
  { anyOf: [{ properties: { scope: { const: "all" } } }, { required: ["bookingId"] }] },
  ({ scope, bookingId }: Scoped) =>
    scope !== "all" && bookingId === undefined
      ? [{ path: ["bookingId"], issue: `names the booking for the scope ${scope}` }]
      : [],
)
const changesSomething = saidRule(
  { anyOf: ["startTime", "durationMinutes", "endTime", "resourceId"].map((name) => ({ required: [name] })) },
  ({
    startTime,
    durationMinutes,
    endTime,
    resourceId,
  }: Ends & { readonly startTime?: string; readonly resourceId?: string }) =>
    [startTime, durationMinutes, endTime, resourceId].every((field) => field === undefined)
      ? [{ path: ["startTime"], issue: "name a startTime, durationMinutes, endTime or resourceId to change" }]
      : [],
)

export const CancelSeriesInput = Schema.Struct({
  scope: SeriesScope,
  bookingId: Schema.optionalKey(Id),
  cancellationReason: WrittenNote,
}).check(namesItsBooking)
export type CancelSeriesInput = typeof CancelSeriesInput.Type

export const ChangeSeriesInput = Schema.Struct({
  scope: SeriesScope,
  bookingId: Schema.optionalKey(Id),
  startTime: Schema.optionalKey(WallTime),
  durationMinutes: Schema.optionalKey(Duration),
  endTime: Schema.optionalKey(EndTime),
  resourceId: Schema.optionalKey(Id),
  includeMoved: Schema.optionalKey(Schema.Boolean).annotateKey({
    description: "true: changes also what was changed in a booking by itself; otherwise that stays",
  }),
}).check(namesItsBooking, changesSomething, endsAtMostOneWay, isLongEnough)
export type ChangeSeriesInput = typeof ChangeSeriesInput.Type

export const SeriesStatus = Schema.Literals(["active", "ended", "cancelled"])

export const RecurringQuery = Schema.Struct({
  ...pageQuery,
  resourceId: Schema.optionalKey(Id),
  bookerId: Schema.optionalKey(Id),
  status: Schema.optionalKey(SeriesStatus),
})
export type RecurringQuery = typeof RecurringQuery.Type
