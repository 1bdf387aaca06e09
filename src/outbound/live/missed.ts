/**
 * What a client has missed on a channel: the frames after its position, and those published while they are read. With
 * both it goes on without a hole and without a repeat.
 */
import { isOfOtherLog } from "#events/log-place.ts"
import type { PlacedChannel } from "./channels.ts"
import type { Hub } from "./hub.ts"
import type { FrameText } from "./log-row.ts"
import { replay } from "./replay.ts"

export interface Missed {
  /**
   * Reads what was missed. The function that it answers must be called in the tick in which the socket joins: until
   * then, more may be published.
   */
  readonly read: () => Promise<() => readonly FrameText[] | "resync">
  readonly stop: () => void
}

/** From this tick on the frames of the channel are kept. */
export function missedBy(
  live: Hub<never>,
  channel: PlacedChannel,
  { after, epoch }: { readonly after: number | undefined; readonly epoch: string | undefined },
): Missed {
  const kept = live.keep(channel.name)
  const upTo = live.positionOf(channel)
  const { resyncs, epoch: present = "" } = live

  async function read(): Promise<() => readonly FrameText[] | "resync"> {
    if (after === undefined) return () => (resyncs === live.resyncs ? kept.texts : "resync")
    if (isOfOtherLog({ position: after, epoch }, present)) return () => "resync"
    const { db, limits } = live
    const found = await live.replaying(() => replay(db, channel, { after, upTo, epoch: present, limits }))
    // Another process has sent this client positions that this process comes to in a moment.
    const before = found !== "ahead" ? found : (await live.reached(after)) ? [] : "resync"
    if (before === "resync") return () => "resync"
    // A frame that the client has, because this process is behind, is not repeated.
    return () =>
      resyncs === live.resyncs ? [...before, ...kept.texts.filter(({ position }) => position > after)] : "resync"
  }
  return { read, stop: kept.stop }
}
