/**
 * Brings the channels of a client from their places to the present, and joins them to the live frames.
 * - The client reads a page before the next one is read, so a replay of the whole log takes the memory of a page.
 * - The frames of several channels leave in the order of the log.
 * - In the last round everything is read, and little is left. That is sent in the tick in which the client joins. So
 *   there is no hole and no repeat between what was replayed and what is live.
 */
import type { Hub } from "./hub.ts"
import type { FrameText } from "./log-row.ts"
import { bytesOf, type FollowWish, Missed } from "./missed.ts"

/** The client's side of it. */
export interface CaughtUpClient {
  /** False: the client has left, or a channel is no longer wanted or allowed. */
  readonly goesOn: () => boolean
  /** The first frames follow, up to a position, and others behind them. Not called when `join` comes first. */
  readonly begin: (all: readonly Missed[], upTo: number) => boolean
  /** Sends a part, and waits until the client has read most of it. All channels are complete up to the position. */
  readonly send: (all: readonly Missed[], frames: readonly FrameText[], upTo: number) => Promise<void>
  /** Sends the rest of each channel, and joins them all. */
  readonly join: (rests: readonly Rest[]) => void
}

/** The last frames of a channel before the live ones. */
export interface Rest {
  readonly missed: Missed
  readonly frames: readonly FrameText[]
}

export async function catchUp(live: Hub<never>, wanted: readonly FollowWish[], client: CaughtUpClient): Promise<void> {
  const all = wanted.map((each) => new Missed(live, each))
  let { resyncs } = live
  for (let round = 0; client.goesOn(); round++) {
    // From this tick on the frames of the channels are kept.
    const kept = all.map(({ channel }) => live.keep(channel.name))
    try {
      const isWhole = await readAll(live, all)
      if (!client.goesOn()) return
      // From here to the end of the tick nothing can be published.
      if (resyncs !== live.resyncs) for (const missed of all) missed.refetch()
      const isReplaced = resyncs !== live.resyncs
      resyncs = live.resyncs
      const rests = all.map((missed, n): Rest => ({ missed, frames: isReplaced ? [] : restOf(missed, kept[n]) }))
      const bytes = rests.reduce((sum, { frames }) => sum + bytesOf(frames), 0)
      if ((isWhole || isReplaced) && bytes <= live.limits.replayBytes) {
        client.join(rests)
        return
      }
    } finally {
      for (const each of kept) each.stop()
    }
    const upTo = Math.min(...all.map((missed) => missed.upTo))
    const frames = all.flatMap((missed) => missed.take(upTo)).sort((a, b) => a.position - b.position)
    if (round === 0 && !client.begin(all, upTo)) return
    await client.send(all, frames, upTo)
  }
}

/** Reads a page of each channel. Answers whether everything is read that is published by now. */
async function readAll(live: Hub<never>, all: readonly Missed[]): Promise<boolean> {
  const ends = all.map(({ channel }) => live.positionOf(channel))
  let isWhole = true
  for (const [n, missed] of all.entries()) {
    // What is read and waits for the other channels is enough of this one.
    const isFull = missed.bytes > live.limits.replayBytes / all.length
    if (isFull || !(await missed.read(ends[n] ?? 0))) isWhole = false
  }
  return isWhole
}

/** What is left, with what was published meanwhile. A client may come from a process that is ahead of this one. */
const restOf = (missed: Missed, kept: { readonly texts: readonly FrameText[] } | undefined): FrameText[] => [
  ...missed.frames,
  ...(missed.isRefetch ? [] : (kept?.texts.filter(({ position }) => position > missed.upTo) ?? [])),
]
