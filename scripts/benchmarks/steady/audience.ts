// The server of a checkout with its broadcaster, in a process of its own, and one subscriber of the club's bookings.

import { join } from "node:path"
import { example } from "#events/example.ts"
import { startLineProcess } from "#scripts/benchmarks/line-process.ts"
import { startProgram } from "#scripts/benchmarks/running.ts"
import type { FrameArrivals, SubscriberOrder } from "./subscriber.ts"

export interface Audience {
  /** Process id of the server. */
  readonly pid: number
  /** When the frame of each event came, milliseconds since 1970. */
  readonly framedAt: () => Promise<ReadonlyMap<string, number>>
  readonly stop: () => Promise<void>
}

/** The key of the pipeline's worker: all zeros. */
const secretKey = Buffer.alloc(32).toString("base64")

/** @param folder the checkout; left out: this one. */
export async function startAudience(url: string, folder?: string): Promise<Audience> {
  await using open = new AsyncDisposableStack()
  const env = { SLOTBASE_SECRET_KEY: secretKey }
  const system = await startProgram({ url, role: "server", env, ...(folder !== undefined && { folder }) })
  open.defer(async () => void (await system.end()))
  const subscriber = startLineProcess(join(import.meta.dir, "subscriber.ts"))
  open.defer(subscriber.end)
  const ask = (order: SubscriberOrder) => subscriber.ask<FrameArrivals>(order)
  await ask({ subscribe: { address: system.address, channel: `facility:${example.facilityId}:bookings` } })
  const started = open.move()
  return {
    pid: system.pid,
    framedAt: async () => new Map((await ask({})).framedAt),
    stop: () => started.disposeAsync(),
  }
}
