/**
 * The definition of one event type in the catalogue, and how an area of the domain defines its own types.
 * The area files list their definitions, and `catalogue.ts` joins the lists. A new type is one entry in one area file.
 */
import * as Schema from "effect/Schema"

/** The channels of the spec (WEBSOCKET_CHANNELS), with the purpose of each. */
export const channelPatterns = {
  "user:{userId}:bookings": "Booking updates for user",
  "user:{userId}:notifications": "Notifications for user",
  "user:{userId}:feedback": "Feedback updates for user",
  "facility:{facilityId}:availability": "Availability changes",
  "facility:{facilityId}:bookings": "All bookings (admin)",
  "facility:{facilityId}:check-ins": "Check-in events (staff)",
  "resource:{resourceId}:availability": "Single resource availability",
} as const
export type ChannelPattern = keyof typeof channelPatterns

/** The kind of thing that an event is about. Events of one aggregate keep their commit order. */
export type Aggregate =
  | "booking"
  | "payment"
  | "billing_account"
  | "subscription"
  | "coach_block"
  | "coach_session"
  | "feedback"
  | "media"
  | "player"
  | "user"
  | "facility"
  | "resource"
  | "closure"
  | "lost_item"
  | "waitlist_entry"
  | "recurring_booking"
  | "webhook"
  | "calendar"
  | "platform"
  | "job"
  | "message"

export interface EventDefinition<Type extends string = string, Fields extends Schema.Struct.Fields = EventFields> {
  readonly type: Type
  readonly version: "1.0"
  /** `spec`: one of the specification's 34. `slotbase`: an addition that the domain needs. */
  readonly origin: "spec" | "slotbase"
  readonly description: string
  readonly aggregate: Aggregate
  /** The id of the aggregate in data that has passed `checkData`. */
  readonly aggregateId: (data: object) => string
  readonly schema: Schema.Struct<Fields>
  /** Complete and realistic data with every field, the optional ones included. */
  readonly sample: Schema.Struct<Fields>["Type"]
  /** Whether a facility may subscribe a webhook to it: FACILITY_WEBHOOK_EVENTS, and what corrects one of them. */
  readonly facilityWebhook: boolean
  /** The channels on which this event itself is sent. */
  readonly channels: readonly ChannelPattern[]
  /** The default source of the event, a service name. */
  readonly source: string
}

/** The fields need no service to be checked, so that a check is a plain synchronous call. */
export type EventFields = { readonly [name: string]: Schema.ConstraintCodec<unknown, unknown, never, never> }

interface Definition<Type extends string, Fields extends EventFields> {
  readonly type: Type
  readonly origin?: "slotbase"
  readonly description: string
  readonly aggregate: Aggregate
  readonly aggregateId: (data: NoInfer<Schema.Struct<Fields>["Type"]>) => string
  readonly data: Fields
  readonly sample: NoInfer<Schema.Struct<Fields>["Type"]>
  readonly facilityWebhook?: true
  readonly channels?: readonly ChannelPattern[]
}

/** The `define` of one area. The service of the area is the default source of all its events. */
export function area(source: string) {
  return <const Type extends string, const Fields extends EventFields>(
    definition: Definition<Type, Fields>,
  ): EventDefinition<Type, Fields> =>
    Object.freeze({
      type: definition.type,
      version: "1.0",
      origin: definition.origin ?? "spec",
      description: definition.description,
      aggregate: definition.aggregate,
      aggregateId: (data: object) => definition.aggregateId(data as Schema.Struct<Fields>["Type"]),
      schema: Schema.Struct(definition.data),
      sample: definition.sample,
      facilityWebhook: definition.facilityWebhook ?? false,
      channels: definition.channels ?? [],
      source,
    })
}
