/**
 * Turns an event of the log into the frames that channels carry (the spec's WEBSOCKET_EVENTS).
 * This is pure: the broadcaster and a replay turn the same event into the same frames.
 * Slots are not in events; `availabilityChangesOf` names the slots to read (see slots.ts).
 */
import { catalogue, type EventData, type EventType } from "#events/catalogue.ts"
import { channelName } from "./channels.ts"

/** A row of the log as `readLog` gives it. */
export interface LogRow {
  readonly position: number
  readonly event_id: string
  readonly facility_id: string
  readonly type: string
  /** Null when the event itself is no longer kept. Its timestamp and the fields below are null too. */
  readonly data: object | null
  readonly timestamp: Date | null
  /** The time zone of the facility. */
  readonly timezone: string
  /** The longest buffer that the facility has ever had, minutes. */
  readonly longest_buffer: number
  /** The booking of the event, if there is one. */
  readonly booking_id: string | null
  readonly booker_id: string | null
  readonly participant_ids: readonly string[]
  /** The time and resource of the event's coach block, where its data lacks them. */
  readonly stretch: { readonly resourceId: string; readonly startAt: string; readonly endAt: string } | null
  /** The messages that a `notification.created` announces; null for other events, and when they are gone. */
  readonly notices: readonly Notice[] | null
}

/** A message inside the program, as its reader's channel carries it. */
export interface Notice {
  readonly notificationId: string
  readonly userId: string
  readonly type: string
  readonly title: string
  readonly body: string
  readonly data: object
}

export interface Frame {
  readonly type: "booking.update" | "availability.changed" | "feedback.new" | "notification" | "resync"
  readonly channel: string
  readonly position: number
  readonly eventId: string
  readonly payload?: object
}

/** The frame as text, made once for all listeners. */
export function textOf({ type, channel, position, eventId, payload }: Frame): string {
  if (type === "resync") return JSON.stringify({ type, channel, position: String(position) })
  const prepared = payload && payloadTexts.get(payload)
  if (prepared === undefined) return JSON.stringify({ type, channel, position: String(position), eventId, payload })
  const head = JSON.stringify({ type, channel, position: String(position), eventId })
  return `${head.slice(0, -1)},"payload":${prepared}}`
}

/**
 * Makes the text of a large payload before its frames are published. Frames are published in one turn of the event
 * loop, and two hundred days of slots are megabytes. Several frames may share the payload.
 */
export function preparePayload(payload: object): void {
  payloadTexts.set(payload, JSON.stringify(payload))
}

const payloadTexts = new WeakMap<object, string>()

/** The status of a booking after an event, by the event's type. */
export const bookingStatuses: Readonly<Partial<Record<EventType, string>>> = {
  "booking.hold.created": "held",
  "booking.hold.released": "released",
  "booking.approval.requested": "pending",
  "booking.approval.expired": "expired",
  "booking.confirmed": "confirmed",
  "booking.cancelled": "cancelled",
  "booking.checked_in": "checked_in",
  "booking.no_show": "no_show",
  "booking.completed": "completed",
  "booking.no_show.undone": "confirmed",
  "booking.check_in.undone": "confirmed",
}

/** The frames that follow from an event alone. */
export function framesOf(row: LogRow): Frame[] {
  if (row.data === null) return []
  const status = bookingStatuses[row.type as EventType]
  if (status !== undefined) return bookingFrames(row, status)
  // A move leaves the status as it is.
  if (row.type === "booking.rescheduled") {
    return bookingFrames(row, (row.data as EventData<"booking.rescheduled">).status)
  }
  if (row.type === "booking.completion.undone") {
    return bookingFrames(row, (row.data as EventData<"booking.completion.undone">).status)
  }
  if (row.type === "feedback.published") return feedbackFrames(row, row.data as EventData<"feedback.published">)
  return row.type === "notification.created" ? noticeFrames(row) : []
}

/**
 * The change that an event made: a time of a resource, of several (empty: of all), a resource itself, or a whole
 * facility.
 */
export type AvailabilityChange =
  | { readonly what: "stretch"; readonly resourceId: string; readonly startAt: string; readonly endAt: string }
  | {
      readonly what: "closure"
      readonly resourceIds: readonly string[]
      readonly startAt: string
      readonly endAt: string
    }
  | { readonly what: "resource"; readonly resourceId: string }
  | { readonly what: "facility" }

export function availabilityChangeOf({ type, data, stretch }: LogRow): AvailabilityChange | undefined {
  if (data === null) return undefined
  if (type === "resource.created" || type === "resource.updated")
    return { what: "resource", resourceId: (data as EventData<"resource.created">).resourceId }
  if (type === "facility.settings_updated") return { what: "facility" }
  if (type === "facility.closure.created" || type === "facility.closure.removed") {
    const { resourceIds, startAt, endAt } = data as EventData<"facility.closure.created">
    return { what: "closure", resourceIds, startAt, endAt }
  }
  if (!occupying.has(type)) return undefined
  const { resourceId, startAt, endAt } = stretch ?? (data as Partial<EventData<"booking.confirmed">>)
  // A decision about an unknown block, recorded from psql.
  if (resourceId === undefined || startAt === undefined || endAt === undefined) return undefined
  return { what: "stretch", resourceId, startAt, endAt }
}

/** All changes of an event. A moved booking also changed its old time. */
export function availabilityChangesOf(row: LogRow): AvailabilityChange[] {
  const change = availabilityChangeOf(row)
  if (change === undefined || row.type !== "booking.rescheduled") return change ? [change] : []
  const { previousResourceId, previousStartAt, previousEndAt } = row.data as EventData<"booking.rescheduled">
  return [change, { what: "stretch", resourceId: previousResourceId, startAt: previousStartAt, endAt: previousEndAt }]
}

/**
 * The types that the catalogue shows on availability channels. Their data, or their block, names the resource and the
 * time.
 */
const occupying: ReadonlySet<string> = new Set(
  catalogue.filter(({ channels }) => channels.includes("resource:{resourceId}:availability")).map(({ type }) => type),
)

/** All types that may change slots. */
export const changingTypes: readonly string[] = [
  ...occupying,
  "resource.created",
  "resource.updated",
  "facility.settings_updated",
]

function bookingFrames(row: LogRow, status: string): Frame[] {
  const payload = { bookingId: row.booking_id, status, updatedAt: row.timestamp?.toISOString() }
  const users = new Set([...(row.booker_id === null ? [] : [row.booker_id]), ...row.participant_ids])
  const channels = [
    ...[...users].map((userId) => channelName("user:{userId}:bookings", userId)),
    channelName("facility:{facilityId}:bookings", row.facility_id),
    ...(status === "checked_in" ? [channelName("facility:{facilityId}:check-ins", row.facility_id)] : []),
  ]
  return framesOn(row, "booking.update", channels, payload)
}

function feedbackFrames(row: LogRow, data: EventData<"feedback.published">): Frame[] {
  const users = new Set([data.studentId, ...data.parentIds])
  const channels = [...users].map((userId) => channelName("user:{userId}:feedback", userId))
  const { feedbackId, sessionId, coachName } = data
  return framesOn(row, "feedback.new", channels, { feedbackId, sessionId, coachName })
}

const noticeFrames = (row: LogRow): Frame[] =>
  (row.notices ?? []).flatMap(({ userId, ...payload }) =>
    framesOn(row, "notification", [channelName("user:{userId}:notifications", userId)], payload),
  )

const framesOn = (row: LogRow, type: Frame["type"], channels: string[], payload: object): Frame[] =>
  channels.map((channel) => ({ type, channel, position: row.position, eventId: row.event_id, payload }))
