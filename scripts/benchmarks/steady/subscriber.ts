// The subscriber of the frames, a process of its own. The first order subscribes, and each later one asks for the
// arrivals so far.

import { subscribeFrames } from "#scripts/benchmarks/latency/subscribe-frames.ts"
import { answerLines } from "#scripts/benchmarks/line-process.ts"

export interface SubscriberOrder {
  /** Address of the server, and the channel to subscribe to; left out to ask for the arrivals. */
  readonly subscribe?: { readonly address: string; readonly channel: string }
}

export interface FrameArrivals {
  /** The id of each event, and when its frame came first, milliseconds since 1970. */
  readonly framedAt: readonly (readonly [string, number])[]
}

const framedAt = new Map<string, number>()

await answerLines<SubscriberOrder>(async ({ subscribe }) => {
  if (subscribe !== undefined)
    await subscribeFrames(subscribe.address, subscribe.channel, (eventId) => {
      if (!framedAt.has(eventId)) framedAt.set(eventId, performance.timeOrigin + performance.now())
    })
  return { framedAt: [...framedAt] } satisfies FrameArrivals
})
