/**
 * The deliverer of a process: claims (claims.ts), sends (sending.ts) and settles (settling.ts) side by side, so that nobody
 * waits for the slowest of a batch.
 * A pass looks for work and claims what fits; from there each request goes its own way, and whatever ends makes room for
 * the next claim. A failure of the database shows in the next pass.
 */

import type { Pass } from "#actors/runtime/actor.ts"
import { clock } from "#base/clock.ts"
import type { Db } from "#base/database/db.ts"
import { defaultTimeoutMs } from "#base/egress/fetch.ts"
import type { SecretBox } from "#base/secrets.ts"
import { send } from "./attempt.ts"
import { noteOutcome } from "./breaker.ts"
import { createBreakers } from "./breaker-rows.ts"
import { createClaims } from "./claimer.ts"
import type { Result } from "./delivery.ts"
import { isSlow, type Lane, limits } from "./endpoint.ts"
import { Lanes } from "./endpoints.ts"
import { createLooking } from "./finder.ts"
import { createTakeover } from "./reclaim.ts"
import { createSending } from "./sender.ts"
import { createSettling } from "./settler.ts"

export interface DelivererTools {
  readonly db: Db
  readonly secrets: SecretBox
  /** Networks that may be reached although they are not public. */
  readonly allow: readonly string[]
  /** The process that holds the leases (processes.id). */
  readonly owner: () => number
  /** From 0 to 1; a test says 0.5 for no jitter. */
  readonly random?: () => number
  readonly timeoutMs?: number
  /** How long requests under way may go on when the process stops; then their outcome is unknown. */
  readonly graceMs?: number
  /** Told of every attempt that has ended. */
  readonly ended?: (outcome: Result["outcome"], durationMs: number) => void
}

export interface Deliverer {
  readonly pass: () => Promise<Pass>
  /** The next pass asks the whole queue, not only the log. */
  readonly lookEverywhere: () => void
  /** Resolves when nothing is claimed any more. */
  readonly idle: () => Promise<void>
  /** Takes nothing more, gives back what was not sent, and lets what is under way end within the grace time. */
  readonly drain: () => Promise<void>
}

/** How often the dead are looked for, milliseconds. */
const buryEveryMs = 1_000
/** The actor looks at least so often. */
const floorMs = 1_000
const defaultGraceMs = 5_000
/** After the grace time, for the last settlements. */
const lastSettlingMs = 2_000

export function createDeliverer(tools: DelivererTools): Deliverer {
  const { db } = tools
  const lanes = new Lanes()
  const takeOver = createTakeover(db, tools.owner)
  const breakers = createBreakers(db, tools.owner)
  const stop = new AbortController()
  const sendTools = {
    secrets: tools.secrets,
    allow: tools.allow,
    signal: stop.signal,
    random: tools.random ?? Math.random,
    timeoutMs: tools.timeoutMs ?? defaultTimeoutMs,
  }
  let draining = false
  let trouble: unknown
  let buriedAt = Number.NEGATIVE_INFINITY
  const looking = createLooking({ db, lanes, breakers, draining: () => draining })

  const remember = (error: unknown) => {
    trouble = error
  }

  const settleSoon = createSettling({
    db,
    failed: remember,
    settled: (results, again) => {
      for (const { webhook_id, ready_at } of again) {
        lanes.noteDue(webhook_id, ready_at.getTime())
        lookWhenDue(ready_at.getTime())
      }
      for (const { delivery } of results) {
        claims.settled(delivery)
        const lane = lanes.get(delivery.webhook_id)
        if (lane) lane.busy--
      }
      claims.soon()
    },
  })

  const begin = createSending({
    send: (delivery) => send(delivery, sendTools),
    isStale: (delivery) => claims.isStale(delivery),
    giveBack: (lane) => void claims.giveBackWaiting([lane]),
    ended: (lane, result) => {
      notePace(lane, result)
      tools.ended?.(result.outcome, result.durationMs)
      settleSoon(result)
      if (isSlow(lane, performance.now())) void claims.giveBackWaiting([lane])
    },
  })
  const claims = createClaims({
    db,
    owner: tools.owner,
    lanes,
    failed: remember,
    claimed: (lane) => {
      if (!draining) begin(lane)
    },
  })

  /** A retry that is due before the next look is not left to it. */
  function lookWhenDue(at: number): void {
    const inMs = at - clock.now()
    if (inMs >= floorMs) return
    lookIn(Math.max(0, inMs))
  }

  function lookIn(ms: number): void {
    const look = () => {
      lanes.markDue(clock.now())
      claims.soon()
    }
    setTimeout(look, ms + limits.dueStepMs).unref()
  }

  async function pass(): Promise<Pass> {
    if (trouble !== undefined) {
      const error = trouble
      trouble = undefined
      throw error
    }
    if (draining) return { more: false }
    await bury()
    const more = await looking.look()
    await claims.untilFull()
    const due = lanes.nextDue()
    return { more, ...(due !== undefined && { dueAt: new Date(due) }) }
  }

  /** Takes over what dead processes held, and what this one holds without knowing it. */
  async function bury(): Promise<void> {
    if (performance.now() - buriedAt < buryEveryMs && !claims.hasFailed()) return
    // The dead one's last claim may have made others pass over what it then did not get.
    if (await takeOver()) looking.everywhere()
    buriedAt = performance.now()
    if (await claims.giveBackDoubtful()) looking.everywhere()
  }

  function notePace(lane: Lane, result: Result): void {
    const most = result.delivery.webhook.max_concurrency
    const change = noteOutcome(lane.pace, result.outcome, { now: performance.now(), most })
    if (change === "closed") breakers.closed(lane.id)
    if (change !== "opened") return
    breakers.opened(result, lane.pace)
    void claims.giveBackWaiting([lane])
    lookIn(lane.pace.openMs)
  }

  return {
    pass,
    idle: claims.idle,
    lookEverywhere: looking.everywhere,
    async drain() {
      draining = true
      await claims.end()
      await claims.giveBackWaiting(lanes.all())
      const graceMs = tools.graceMs ?? defaultGraceMs
      const grace = setTimeout(() => stop.abort(), graceMs)
      await Promise.race([claims.idle(), Bun.sleep(graceMs + lastSettlingMs)])
      clearTimeout(grace)
      await breakers.end()
    },
  }
}
