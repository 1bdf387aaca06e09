/**
 * The input of a wish: a resource, or any resource of a type, for a stretch of time. With the rules that need only
 * the request.
 */
import * as Schema from "effect/Schema"
import { pageQuery } from "#base/schema/page.ts"
import { Id, Instant, Name } from "#base/schema/request-fields.ts"
import { saidRule } from "#base/schema/rule.ts"
import { detailFields } from "#domain/booking/details-input.ts"
import { type BookingInput, consistent, HoldInput, PaymentMethod } from "#domain/booking/input.ts"

const { startAt, endAt, bookingType, bookerId, participants } = HoldInput.fields

interface Wish {
  readonly resourceId?: string
  readonly resourceType?: string
}

const namesOne = saidRule(
  { oneOf: [{ required: ["resourceId"] }, { required: ["resourceType"] }] },
  ({ resourceId, resourceType }: Wish) =>
    (resourceId === undefined) === (resourceType === undefined)
      ? [{ path: ["resourceId"], issue: "name either a resource or a resourceType" }]
      : [],
)

export const WaitlistInput = Schema.Struct({
  resourceId: Schema.optionalKey(Id),
  resourceType: Schema.optionalKey(Name).annotateKey({ description: "any active resource of this type will do" }),
  startAt,
  endAt,
  bookingType,
  bookerId,
  participants,
}).check(namesOne, consistent)
export type WaitlistInput = typeof WaitlistInput.Type

/** A wish asks nothing. Who accepts an offer answers the club's questions. */
export const AcceptInput = Schema.Struct({ paymentMethod: PaymentMethod, ...detailFields })

/** The status as it is presented: an offer or a wish whose time is over reads "expired", settled or not. */
const waitlistStatuses = ["waiting", "offered", "accepted", "declined", "expired", "left"] as const
export const WaitlistStatus = Schema.Literals(waitlistStatuses)
export type WaitlistStatus = typeof WaitlistStatus.Type

export const WaitlistQuery = Schema.Struct({
  ...pageQuery,
  resourceId: Schema.optionalKey(Id),
  bookerId: Schema.optionalKey(Id),
  status: Schema.optionalKey(WaitlistStatus),
  from: Schema.optionalKey(Instant).annotateKey({ description: "wishes that end after this instant" }),
  to: Schema.optionalKey(Instant).annotateKey({ description: "wishes that start before this instant" }),
})
export type WaitlistQuery = typeof WaitlistQuery.Type

/** The booking that a wish would become, on one of the resources that it allows. */
export const bookingOfEntry = (
  { startAt, endAt, bookingType, bookerId, participants }: WaitlistInput,
  resourceId: string,
): BookingInput => ({
  resourceId,
  startAt,
  endAt,
  ...(bookingType !== undefined && { bookingType }),
  ...(bookerId !== undefined && { bookerId }),
  ...(participants !== undefined && { participants }),
  paymentMethod: "online",
})
