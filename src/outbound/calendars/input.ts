/** What is asked of a calendar that is kept in step (the specification's CalendarSyncConfig), and what is answered. */
import * as Schema from "effect/Schema"
import { Id, Instant } from "#base/schema/request-fields.ts"
import { atLeast, linesUpTo, lineUpTo, opaqueText } from "#base/schema/text-fields.ts"
import { calendarFailures } from "./provider.ts"
import { defaultTemplates, maxEntryTemplate } from "./words.ts"

/** The events after which a booking is pushed. A calendar takes all of them unless it says less. */
export const calendarEvents = [
  "booking.confirmed",
  "booking.cancelled",
  "booking.rescheduled",
  "booking.details_changed",
  "booking.local_time_changed",
  "coach.block.approved",
  "coach.block.cancelled",
] as const
export type CalendarEventType = (typeof calendarEvents)[number]

export const providers = ["google", "outlook", "apple"] as const
export type CalendarProviderName = (typeof providers)[number]
export const directions = ["push", "pull", "both"] as const
export type SyncDirection = (typeof directions)[number]
export const syncStatuses = ["active", "error", "paused"] as const
export type SyncStatus = (typeof syncStatuses)[number]

const optional = Schema.optionalKey
const secret = (maxLength: number) => opaqueText(1, maxLength)

export const CalendarCredentials = Schema.Struct({
  username: optional(secret(256)).annotateKey({ description: "apple: the name at the CalDAV server" }),
  password: optional(secret(1_000)).annotateKey({
    description: "apple: the password, best one for this program alone",
  }),
  refreshToken: optional(lineUpTo(4_000)).annotateKey({ description: "google, outlook: the refresh token of OAuth 2" }),
  consentCode: optional(lineUpTo(200)).annotateKey({
    description: "google, outlook, in place of a refresh token: the code of a consent",
  }),
})
export type CalendarCredentials = typeof CalendarCredentials.Type

const template = linesUpTo(maxEntryTemplate)
const templates = {
  titleTemplate: optional(template.check(atLeast(1))).annotateKey({
    description: `Liquid over the data of booking.confirmed; ${defaultTemplates.title} unless given`,
  }),
  descriptionTemplate: optional(template).annotateKey({ description: "the same, of several lines" }),
  locationTemplate: optional(template),
}

export const CalendarSyncInput = Schema.Struct({
  provider: Schema.Literals(providers).annotate({ description: "apple is any CalDAV server" }),
  credentials: CalendarCredentials.annotate({ description: "what the provider needs; never returned" }),
  calendarId: lineUpTo(1_000).annotate({
    description: "google, outlook: the id of the calendar; apple: its https address at the CalDAV server",
  }),
  resourceId: optional(Id).annotateKey({ description: "for staff: the calendar is that of a resource" }),
  syncDirection: optional(Schema.Literals(directions)).annotateKey({ description: "push unless given" }),
  events: optional(
    Schema.Array(Schema.Literals(calendarEvents)).check(
      Schema.isMinLength(1),
      Schema.isMaxLength(calendarEvents.length),
      Schema.isUnique(),
    ),
  ).annotateKey({ description: "the events after which a booking is pushed; all of them unless given" }),
  ...templates,
})
export type CalendarSyncInput = typeof CalendarSyncInput.Type

export const CalendarSyncPatch = Schema.Struct({
  credentials: optional(CalendarCredentials),
  syncDirection: optional(Schema.Literals(directions)),
  events: CalendarSyncInput.fields.events,
  ...templates,
  syncStatus: optional(Schema.Literals(["active", "paused"])).annotateKey({
    description: "paused: nothing is pushed or pulled; active: all that was missed is made up for",
  }),
})
export type CalendarSyncPatch = typeof CalendarSyncPatch.Type

const NullableInstant = Schema.NullOr(Instant)

export const CalendarSyncConfig = Schema.Struct({
  id: Id,
  facilityId: Id,
  userId: Id.annotate({ description: "whose calendar it is; of a resource: who connected it" }),
  resourceId: optional(Id),
  provider: Schema.Literals(providers),
  calendarId: Schema.String,
  syncDirection: Schema.Literals(directions),
  events: Schema.Array(Schema.String),
  titleTemplate: Schema.String,
  descriptionTemplate: Schema.String,
  locationTemplate: Schema.String,
  lastSyncAt: NullableInstant.annotate({ description: "when it was last in step; null: never yet" }),
  syncStatus: Schema.Literals(syncStatuses).annotate({ description: "error: it fails, and is tried again" }),
  statusCode: Schema.NullOr(Schema.Literals(calendarFailures)),
  statusReason: Schema.NullOr(Schema.String).annotate({ description: "why it fails, in words" }),
  failingSince: NullableInstant,
  nextSyncAt: NullableInstant.annotate({ description: "the next look or try; null: it is paused" }),
  drift: Schema.NullOr(Schema.Struct({ entries: Schema.Int, checkedAt: Instant })).annotate({
    description: "entries that differed when all were last compared, once a day; they are repaired",
  }),
  waiting: Schema.Int.annotate({ description: "bookings that wait to be pushed" }),
  refused: Schema.Int.annotate({ description: "of these: refused by the server, and tried again" }),
  entries: Schema.Int.annotate({ description: "bookings that stand in the calendar" }),
  busyBlocks: Schema.Int.annotate({ description: "busy times to come that were pulled" }),
  conflicts: Schema.Int.annotate({ description: "of these: times that a booking has, which stays" }),
  unreadable: Schema.Array(Schema.String).annotate({ description: "why pulled events could not be read; at most 20" }),
  createdAt: Instant,
  updatedAt: Instant,
}).annotate({ identifier: "CalendarSyncConfig" })
export type CalendarSyncConfig = typeof CalendarSyncConfig.Type
