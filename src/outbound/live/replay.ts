/**
 * Replays a channel from a position: all its frames, or the advice to refetch, and never a part in silence.
 * A replay consists of the same frames as a broadcast. Availability comes as it is now, once per day and resource.
 */
import type { Queryable } from "#base/database/db.ts"
import type { ChannelPattern } from "#events/definition.ts"
import { isAvailability, type PlacedChannel } from "./channels.ts"
import { availabilityChangesOf, bookingStatuses, changingTypes, framesOf, type LogRow, textOf } from "./frames.ts"
import { liveLimits } from "./limits.ts"
import { measureLog, readLog } from "./log.ts"
import { concernedOf, slotChangesOf, slotFramesOf } from "./slots.ts"

/**
 * The frames of a channel after a position, up to another (included), as text in order. "resync" in three cases:
 * - The replay exceeds the limits.
 * - The log does not reach back so far.
 * - The position is not of this log.
 */
export async function replay(
  db: Queryable,
  channel: PlacedChannel,
  after: number,
  upTo: number,
): Promise<readonly string[] | "resync"> {
  if (after === upTo) return []
  const range = { after, upTo, facilityId: channel.facilityId ?? undefined }
  const { first, last, held } = await measureLog(db, range, liveLimits.replayReach + 1)
  // Another process may have sent this client positions that this process has not reached yet.
  if (after > upTo) return after <= last ? [] : "resync"
  if (after + 1 < first || held > liveLimits.replayReach) return "resync"

  const rows = await readLog(db, range, { limit: liveLimits.replayReach, types: typesOf[channel.pattern] })
  if (rows.some((row) => row.data === null)) return "resync"
  const frames = isAvailability(channel) ? await slotFrames(db, channel, rows) : rows.flatMap(framesOf)
  if (frames === "resync") return "resync"
  const texts = frames.filter((frame) => frame.channel === channel.name).map(textOf)
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  return texts.length > liveLimits.replayFrames || bytes > liveLimits.replayBytes ? "resync" : texts
}

async function slotFrames(db: Queryable, channel: PlacedChannel, rows: readonly LogRow[]) {
  const concerned = rows.filter((row) =>
    availabilityChangesOf(row).some(
      (change) => channel.facilityId === channel.id || concernedOf(change, [channel.id]).includes(channel.id),
    ),
  )
  const changes = await slotChangesOf(db, concerned)
  if (changes.refetch.length > 0) return "resync"
  const frames = await slotFramesOf(db, changes)
  return frames.sort((a, b) => a.position - b.position)
}

const bookings = [...Object.keys(bookingStatuses), "booking.rescheduled"]
/** The types of events that a channel carries. */
const typesOf: Readonly<Record<ChannelPattern, readonly string[]>> = {
  "user:{userId}:bookings": bookings,
  "user:{userId}:notifications": ["notification.created"],
  "user:{userId}:feedback": ["feedback.published"],
  "facility:{facilityId}:availability": changingTypes,
  "facility:{facilityId}:bookings": bookings,
  "facility:{facilityId}:check-ins": ["booking.checked_in"],
  "resource:{resourceId}:availability": changingTypes,
}
