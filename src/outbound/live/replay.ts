/**
 * Replays a channel from a position, a page at a time: each page has all frames of its positions, or is the advice to
 * refetch. No part is left out in silence.
 * A page consists of the same frames as a broadcast. Availability comes as it is now, once per day and resource.
 */
import type { Queryable } from "#base/database/db.ts"
import { isAvailability, type PlacedChannel } from "./channels.ts"
import { availabilityChangesOf, type FrameText, framesOf, type LogRow, textOf, withMore } from "./frames.ts"
import type { LiveLimits } from "./limits.ts"
import { endOfLog, firstOfLog, readLog } from "./log.ts"
import { concernedOf, slotChangesOf, slotFramesOf } from "./slots.ts"
import { typesOfChannel } from "./table.ts"

export interface ReplayOptions {
  readonly after: number
  /** Included. */
  readonly upTo: number
  readonly epoch: string
  readonly limits: LiveLimits
}

export interface ReplayPage {
  /** In the order of their positions. */
  readonly frames: readonly FrameText[]
  /** The page has all frames of the channel up to here. */
  readonly upTo: number
}

/** `resync`: the client must refetch. `ahead`: this process has not come to the position yet, but the log has. */
export type Replayed = ReplayPage | "resync" | "ahead"

/**
 * The next frames of a channel after a position. "resync" in three cases:
 * - Events after the position are no longer kept.
 * - The position is not of this log.
 * - An event has changed more days than frames can show.
 */
export async function replayPage(
  db: Queryable,
  channel: PlacedChannel,
  { after, upTo, epoch, limits }: ReplayOptions,
): Promise<Replayed> {
  if (after === upTo) return { frames: [], upTo }
  if (after > upTo) return after <= (await endOfLog(db)).last ? "ahead" : "resync"
  const ofUser = isOfUsersRows(channel) ? channel : undefined
  const end = ofUser ? upTo : Math.min(upTo, after + limits.replayScan)
  const range = { after, upTo: end, facilityId: channel.facilityId ?? undefined, ofUser }
  const page = { limit: limits.replayEvents, types: typesOfChannel[channel.pattern] }
  const { rows } = await readLog(db, range, page)
  // After the rows: what retention removes in between must not be missing in silence.
  const { first, isKept } = await firstOfLog(db, after)
  if (after + 1 < first || !isKept || rows.some((row) => row.data === null)) return "resync"
  const read = rows.length < page.limit ? end : (rows.at(-1)?.position ?? end)
  const found = isAvailability(channel)
    ? await slotsOf(db, channel, rows, limits)
    : { frames: rows.flatMap(framesOf), upTo: undefined }
  if (found === "resync") return "resync"
  const frames = withMore(found.frames.filter((frame) => frame.channel === channel.name)).map(
    (frame): FrameText => ({ position: frame.position, text: textOf(frame, epoch) }),
  )
  return { frames, upTo: found.upTo ?? read }
}

/** The events of these channels are found by rows of the user, however long the log is. */
const isOfUsersRows = ({ pattern }: PlacedChannel): boolean =>
  pattern === "user:{userId}:bookings" || pattern === "user:{userId}:notifications"

/** The frames of so many of the rows that their days stay few. `upTo`: those behind it are left for the next page. */
async function slotsOf(db: Queryable, channel: PlacedChannel, rows: readonly LogRow[], limits: LiveLimits) {
  let concerned = rows.filter((row) =>
    availabilityChangesOf(row).some(
      (change) => channel.facilityId === channel.id || concernedOf(change, [channel.id]).includes(channel.id),
    ),
  )
  let upTo: number | undefined
  for (;;) {
    const changes = await slotChangesOf(db, concerned)
    if (changes.days.length > limits.replayDays && concerned.length > 1) {
      concerned = concerned.slice(0, Math.ceil(concerned.length / 2))
      upTo = concerned.at(-1)?.position
      continue
    }
    if (changes.refetch.length > 0) return "resync"
    const frames = await slotFramesOf(db, changes)
    return { frames: frames.sort((a, b) => a.position - b.position), upTo }
  }
}
