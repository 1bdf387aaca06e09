/**
 * What this process holds: claims as much as fits, gives back what it cannot send, and finds out what it holds without
 * knowing it, because the answer to a claim was lost.
 */
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { claimDeliveries, giveBack, giveBackUnknown } from "./claim-rows.ts"
import type { Delivery } from "./delivery.ts"
import { type Lane, limits } from "./endpoint.ts"
import type { Lanes } from "./endpoints.ts"

export interface Claims {
  /** Claims until there is no room, or nothing to claim. */
  readonly untilFull: () => Promise<void>
  /** Room has come free: claim, if there is anything. */
  readonly soon: () => void
  /** Gives back what was claimed ahead for these lanes. */
  readonly giveBackWaiting: (lanes: Iterable<Lane>) => Promise<void>
  /** A claim has failed, and may have been committed all the same. */
  readonly hasFailed: () => boolean
  /** Gives back what this process holds without knowing it, if that is due; true when there was some. */
  readonly giveBackDoubtful: () => Promise<boolean>
  readonly settled: (delivery: Delivery) => void
  /** Claimed too long ago to be sent: the process may have been stopped meanwhile. */
  readonly isStale: (delivery: Delivery) => boolean
  /** Resolves when nothing is claimed any more. */
  readonly idle: () => Promise<void>
  /** Claims nothing more; resolves when the claim under way has ended. */
  readonly end: () => Promise<void>
}

export interface ClaimsTools {
  readonly db: Db
  readonly owner: () => number
  readonly lanes: Lanes
  /** Something was claimed for the lane. */
  readonly claimed: (lane: Lane) => void
  readonly failed: (error: unknown) => void
}

/** So long a claim that got no answer may still be committed: the server's own limit of a statement, and some more. */
const doubtMs = 20_000
/** How often it is asked in any case. */
const askEveryMs = 30_000
const staleMs = 2_000

export function createClaims({ db, owner, lanes, claimed, failed }: ClaimsTools): Claims {
  /** Every lease that this process knows, with the monotonic instant of its claim. */
  const held = new Map<number, number>()
  let claiming: Promise<void> | undefined
  let claimFailed = false
  /** No claim begins while this process asks what it holds without knowing it. */
  let doubting = false
  let doubtUntil = Number.NEGATIVE_INFINITY
  let doubtedAt = performance.now()
  let ended = false
  let idlers: (() => void)[] = []

  const isIdle = () => held.size === 0 && !claiming

  function wakeIdlers(): void {
    if (!isIdle()) return
    for (const wake of idlers) wake()
    idlers = []
  }

  function untilFull(): Promise<void> {
    claiming ??= claimLoop().finally(() => {
      claiming = undefined
      wakeIdlers()
    })
    return claiming
  }

  function soon(): void {
    if (claiming) return
    if (ended) wakeIdlers()
    else untilFull().catch(failed)
  }

  async function claimLoop(): Promise<void> {
    for (;;) {
      void giveBackWaiting(lanes.hanging(performance.now()))
      const room = limits.claimed - held.size
      if (ended || claimFailed || doubting || (held.size > 0 && room < limits.worthClaiming)) return
      const wants = lanes.wants(performance.now())
      if (wants.length === 0) return
      try {
        const deliveries = await claimDeliveries(db, { owner: owner(), wants, total: room })
        if (deliveries.length > 0) reached("attempts-written")
        const now = performance.now()
        for (const { lease } of deliveries) held.set(lease, now)
        lanes.took(wants, deliveries, deliveries.length === room || deliveries[0]?.alone === true)
      } catch (error) {
        claimFailed = true
        doubtUntil = performance.now() + doubtMs
        throw error
      }
      for (const { webhookId } of wants) {
        const lane = lanes.get(webhookId)
        if (lane) claimed(lane)
      }
    }
  }

  async function giveBackWaiting(from: Iterable<Lane>): Promise<void> {
    const returned = [...from].flatMap((lane) => lanes.takeWaiting(lane))
    if (returned.length === 0) return
    reached("deliveries-returned")
    try {
      await giveBack(db, returned)
    } catch (error) {
      claimFailed = true // the process still holds them, without knowing
      failed(error)
    }
    for (const { lease } of returned) held.delete(lease)
    soon()
  }

  /** No claim is under way meanwhile, or it would be taken for one of those whose answer was lost. */
  async function giveBackDoubtful(): Promise<boolean> {
    const now = performance.now()
    if (!claimFailed && now >= doubtUntil && now - doubtedAt < askEveryMs) return false
    doubting = true
    try {
      await claiming?.catch(() => {})
      claimFailed = false // before the question: what fails while it is under way is asked about the next time
      const count = await giveBackUnknown(db, owner(), [...held.keys()])
      doubtedAt = now
      return count > 0
    } catch (error) {
      claimFailed = true
      throw error
    } finally {
      doubting = false
    }
  }

  return {
    untilFull,
    soon,
    giveBackWaiting,
    giveBackDoubtful,
    hasFailed: () => claimFailed,
    settled: ({ lease }) => void held.delete(lease),
    isStale: ({ lease }) => performance.now() - (held.get(lease) ?? 0) > staleMs,
    idle: () => (isIdle() ? Promise.resolve() : new Promise<void>((resolve) => idlers.push(resolve))),
    async end() {
      ended = true
      await claiming?.catch(failed)
    },
  }
}
