/**
 * What channels carry of each event: the one table from event types to channels and payloads, typed from the catalogue.
 * A type that is not in it changes nothing that a channel shows.
 */
import type { EventData, EventType } from "#events/catalogue.ts"
import type { ChannelPattern } from "#events/definition.ts"
import { channelName } from "./channels.ts"
import type { AvailabilityChange, Frame, LogRow } from "./log-row.ts"

interface Carried<Type extends EventType = EventType> {
  /** The status of the booking after the event, where the type alone says it. */
  readonly status?: string
  readonly frames?: (row: LogRow, data: EventData<Type>) => Frame[]
  /** The slots to read. */
  readonly changes?: (row: LogRow, data: EventData<Type>) => readonly AvailabilityChange[]
}

/** `booking.update` on the channels of the booking's people and of its facility. */
const update = (status: string) => ({ status, frames: (row: LogRow) => bookingFrames(row, status) })
/** The same, when the event itself says the status. */
const updateAsTold = { frames: (row: LogRow, data: { readonly status: string }) => bookingFrames(row, data.status) }
/** `availability.changed` on the channels of the resource and of its facility. */
const slots = { changes: (_: LogRow, data: Stretch) => stretchOf(data) }
/** The same for a decision about a coach's block, whose time and resource are those of the block. */
const slotsOfBlock = { changes: (row: LogRow) => stretchOf(row.stretch ?? {}) }
const slotsOfClosure = {
  changes: (_: LogRow, { resourceIds, startAt, endAt }: Closure): AvailabilityChange[] => [
    { what: "closure", resourceIds, startAt, endAt },
  ],
}
/** Of every day: today's slots, and a `resync` for the others. */
const slotsOfResource = {
  changes: (_: LogRow, { resourceId }: { readonly resourceId: string }): AvailabilityChange[] => [
    { what: "resource", resourceId },
  ],
}

const table: { readonly [Type in EventType]?: Carried<Type> } = {
  "booking.hold.created": { ...update("held"), ...slots },
  // The slot is kept as before. The person's other windows count down to another moment.
  "booking.hold.extended": update("held"),
  "booking.hold.released": { ...update("released"), ...slots },
  "booking.approval.requested": { ...update("pending"), ...slots },
  "booking.approval.expired": { ...update("expired"), ...slots },
  "booking.confirmed": { ...update("confirmed"), ...slots },
  "booking.cancelled": { ...update("cancelled"), ...slots },
  // A move leaves the status as it is.
  "booking.rescheduled": {
    ...updateAsTold,
    changes: (_, { previousResourceId, previousStartAt, previousEndAt, ...data }) => [
      ...stretchOf(data),
      ...stretchOf({ resourceId: previousResourceId, startAt: previousStartAt, endAt: previousEndAt }),
    ],
  },
  "booking.checked_in": update("checked_in"),
  "booking.no_show": update("no_show"),
  "booking.completed": update("completed"),
  "booking.no_show.undone": update("confirmed"),
  "booking.check_in.undone": update("confirmed"),
  "booking.completion.undone": updateAsTold,
  "coach.block.requested": slots,
  "coach.block.approved": slotsOfBlock,
  "coach.block.rejected": slotsOfBlock,
  "coach.block.expired": slots,
  "coach.block.cancelled": slots,
  "facility.closure.created": slotsOfClosure,
  "facility.closure.removed": slotsOfClosure,
  "facility.settings_updated": { changes: () => [{ what: "facility" }] },
  "resource.created": slotsOfResource,
  "resource.updated": slotsOfResource,
  "notification.created": {
    frames: (row) =>
      (row.notices ?? []).flatMap(({ userId, ...payload }) =>
        framesOn(row, "notification", [channelName("user:{userId}:notifications", userId)], payload),
      ),
  },
  "feedback.published": {
    frames: (row, { studentId, parentIds, feedbackId, sessionId, coachName }) => {
      const channels = [...new Set([studentId, ...parentIds])].map((id) => channelName("user:{userId}:feedback", id))
      return framesOn(row, "feedback.new", channels, { feedbackId, sessionId, coachName })
    },
  },
}

/** Undefined: no channel carries the type. */
export const carriedOf = (type: string): Carried<never> | undefined =>
  Object.hasOwn(byType, type) ? byType[type] : undefined

/** Whoever asks by the type of a row passes the row's data. */
const byType = table as unknown as Readonly<Record<string, Carried<never>>>
const entries = Object.entries(byType)

/** The status of a booking after an event, by the event's type. */
export const bookingStatuses: Readonly<Partial<Record<EventType, string>>> = Object.fromEntries(
  entries.flatMap(([type, { status }]) => (status === undefined ? [] : [[type, status]])),
)

const typesWith = (has: (carried: Carried<never>) => unknown): readonly string[] =>
  entries.filter(([, carried]) => has(carried)).map(([type]) => type)

const bookings = typesWith(({ frames }) => frames).filter((type) => type.startsWith("booking."))
const changing = typesWith(({ changes }) => changes)

/** The types of events that a channel carries. */
export const typesOfChannel: Readonly<Record<ChannelPattern, readonly string[]>> = {
  "user:{userId}:bookings": bookings,
  "user:{userId}:notifications": ["notification.created"],
  "user:{userId}:feedback": ["feedback.published"],
  "facility:{facilityId}:availability": changing,
  "facility:{facilityId}:bookings": bookings,
  "facility:{facilityId}:check-ins": ["booking.checked_in"],
  "resource:{resourceId}:availability": changing,
}

interface Stretch {
  readonly resourceId: string
  readonly startAt: string
  readonly endAt: string
}
interface Closure {
  readonly resourceIds: readonly string[]
  readonly startAt: string
  readonly endAt: string
}

/** Events that were recorded from psql may lack a part. */
function stretchOf({ resourceId, startAt, endAt }: Partial<Stretch>): AvailabilityChange[] {
  if (resourceId === undefined || startAt === undefined || endAt === undefined) return []
  return [{ what: "stretch", resourceId, startAt, endAt }]
}

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

const framesOn = (row: LogRow, type: Frame["type"], channels: string[], payload: object): Frame[] =>
  channels.map((channel) => ({ type, channel, position: row.position, eventId: row.event_id, payload }))
