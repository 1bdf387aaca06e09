/**
 * What a client has missed on one channel, read page by page. The frames that are read and not sent yet stay here, so
 * that several channels of one stream can leave in one order.
 */
import { isOfOtherLog } from "#events/log-place.ts"
import type { PlacedChannel } from "./channels.ts"
import type { Hub } from "./hub.ts"
import type { FrameText } from "./log-row.ts"
import { replayPage } from "./replay.ts"

/** A channel that a client hears or wants to hear. `isPublic`: the caller may hear it because everybody may. */
export type FollowedChannel = PlacedChannel & { readonly isPublic: boolean }

/** A channel to follow, and from where. Without `after`: from now on. */
export interface FollowWish {
  readonly channel: FollowedChannel
  readonly after?: number | undefined
  /** The log in which `after` counts; undefined: the present one. */
  readonly epoch?: string | undefined
}

export class Missed {
  readonly channel: FollowedChannel
  /** In the order of their positions. */
  frames: readonly FrameText[] = []
  /** All frames of the channel up to here were read. */
  upTo: number
  /** The client must refetch, and goes on from `upTo`. */
  isRefetch = false
  /** How many frames were sent. */
  sent = 0
  readonly #live: Hub<never>

  constructor(live: Hub<never>, { channel, after, epoch }: FollowWish) {
    this.#live = live
    this.channel = channel
    this.upTo = after ?? live.positionOf(channel)
    if (after !== undefined && isOfOtherLog({ position: after, epoch }, live.epoch ?? "")) this.refetch()
  }

  get bytes(): number {
    return bytesOf(this.frames)
  }

  /** Reads the next page. Answers whether everything up to the position is read. */
  async read(upTo: number): Promise<boolean> {
    if (this.upTo === upTo) return true
    const { db, limits, epoch = "" } = this.#live
    const page = await this.#live.replaying(() =>
      replayPage(db, this.channel, { after: this.upTo, upTo, epoch, limits }),
    )
    // Another process has sent this client positions that this process comes to in a moment.
    if (page === "ahead" && (await this.#live.reached(this.upTo))) return true
    if (page === "ahead" || page === "resync") {
      this.refetch()
      return true
    }
    this.frames = [...this.frames, ...page.frames]
    this.upTo = page.upTo
    return page.upTo >= upTo
  }

  /** Takes the frames up to a position. */
  take(upTo: number): readonly FrameText[] {
    const taken = this.frames.filter(({ position }) => position <= upTo)
    this.frames = this.frames.slice(taken.length)
    this.sent += taken.length
    return taken
  }

  /** What was missed can't be told: the client reads the present state. */
  refetch(): void {
    this.isRefetch = true
    this.frames = []
    this.upTo = this.#live.positionOf(this.channel)
  }
}

export const bytesOf = (frames: readonly FrameText[]): number =>
  frames.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)
