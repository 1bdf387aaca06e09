/** What is asked about calendar feeds, and what the API answers. */
import * as Schema from "effect/Schema"
import { Id } from "#base/schema/request-fields.ts"

export const CalendarFeedInput = Schema.Struct({
  resourceId: Schema.optionalKey(
    Id.annotate({ description: "the bookings of this resource, for staff; left out: one's own bookings" }),
  ),
  showNames: Schema.optionalKey(
    Schema.Boolean.annotate({ description: "of a resource: name the bookers in the events; default false" }),
  ),
})
export type CalendarFeedInput = typeof CalendarFeedInput.Type

export const CalendarFeed = Schema.Struct({
  id: Id,
  userId: Id.annotate({ description: "whose rights decide what is shown" }),
  resourceId: Schema.NullOr(Id).annotate({ description: "null: the bookings of the person" }),
  showNames: Schema.Boolean,
  createdAt: Schema.String,
  rotatedAt: Schema.NullOr(Schema.String).annotate({ description: "null: it has its first address" }),
}).annotate({ identifier: "CalendarFeed" })
export type CalendarFeed = typeof CalendarFeed.Type

export const CalendarFeedWithAddress = Schema.Struct({
  ...CalendarFeed.fields,
  url: Schema.String.annotate({ description: "the secret address, shown this once" }),
}).annotate({ identifier: "CalendarFeedWithAddress" })
export type CalendarFeedWithAddress = typeof CalendarFeedWithAddress.Type
