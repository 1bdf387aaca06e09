/**
 * Replays a channel from a position: all its frames, or the advice to refetch, and never a part in silence.
 * A replay consists of the same frames as a broadcast. Availability comes as it is now, once per day and resource.
 */
import type { Queryable } from "#base/database/db.ts"
import { isAvailability, type PlacedChannel } from "./channels.ts"
import { availabilityChangesOf, type FrameText, framesOf, type LogRow, textOf, withMore } from "./frames.ts"
import type { LiveLimits } from "./limits.ts"
import { measureLog, readLog } from "./log.ts"
import { concernedOf, slotChangesOf, slotFramesOf } from "./slots.ts"
import { typesOfChannel } from "./table.ts"

export interface ReplayOptions {
  readonly after: number
  /** Included. */
  readonly upTo: number
  readonly epoch: string
  readonly limits: LiveLimits
}

/** `resync`: the client must refetch. `ahead`: this process has not come to the position yet, but the log has. */
export type Replayed = readonly FrameText[] | "resync" | "ahead"

/**
 * The frames of a channel after a position, up to another, in order. "resync" in three cases:
 * - The replay exceeds the limits.
 * - The log does not reach back so far.
 * - The position is not of this log.
 */
export async function replay(
  db: Queryable,
  channel: PlacedChannel,
  { after, upTo, epoch, limits }: ReplayOptions,
): Promise<Replayed> {
  if (after === upTo) return []
  const range = { after, upTo, facilityId: channel.facilityId ?? undefined }
  const { first, last, held } = await measureLog(db, range, limits.replayScan + 1)
  if (after > upTo) return after <= last ? "ahead" : "resync"
  if (after + 1 < first || held > limits.replayScan) return "resync"

  const page = { limit: limits.replayReach + 1, types: typesOfChannel[channel.pattern] }
  const { rows } = await readLog(db, range, page)
  if (rows.length > limits.replayReach || rows.some((row) => row.data === null)) return "resync"
  const frames = isAvailability(channel) ? await slotFrames(db, channel, rows) : rows.flatMap(framesOf)
  if (frames === "resync") return "resync"
  const texts = withMore(frames.filter((frame) => frame.channel === channel.name)).map(
    (frame): FrameText => ({ position: frame.position, text: textOf(frame, epoch) }),
  )
  const bytes = texts.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)
  return texts.length > limits.replayFrames || bytes > limits.replayBytes ? "resync" : texts
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
