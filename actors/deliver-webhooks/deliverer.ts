/**
 * The deliverer of a process: claims, sends and settles side by side, so that nobody waits for the slowest of a batch.
 * A pass looks for work and claims what fits; from there each request goes its own way, and whatever ends makes room for
 * the next claim. A failure of the database shows in the next pass.
 */
import { clock } from "../../src/clock.ts"
import { reached } from "../../src/crash-points.ts"
import type { Db } from "../../src/database/db.ts"
import { abandonDeliveries } from "../../src/deliveries/abandon.ts"
import { defaultTimeoutMs } from "../../src/egress.ts"
import type { SecretBox } from "../../src/secrets.ts"
import type { Pass } from "../actor.ts"
import { createBreakers } from "./breakers.ts"
import { claimDeliveries, giveBack, giveBackUnknown } from "./claim.ts"
import type { Delivery, Result } from "./delivery.ts"
import { allWork, workSince } from "./find-work.ts"
import { isSlow, type Lane, limits, noteDuration, requestsOf } from "./lane.ts"
import { Lanes } from "./lanes.ts"
import { createTakeover } from "./lost.ts"
import { noteOutcome } from "./pace.ts"
import { send } from "./send.ts"
import { createSettling } from "./settling.ts"
import { maySend } from "./shares.ts"

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

/** How often the whole queue is asked, the dead are looked for, and the floors are forgotten, milliseconds. */
const lookEveryMs = 2_000
const buryEveryMs = 1_000
/** The actor looks at least so often. */
const floorMs = 1_000
const forgetEveryMs = 30_000
/** So long a claim that got no answer may still be committed: the server's own limit of a statement, and some more. */
const doubtMs = 20_000
const defaultGraceMs = 5_000
/** After the grace time, for the last settlements. */
const lastSettlingMs = 2_000
/** What was claimed and could not be sent for so long is given back: the process may have been stopped meanwhile. */
const staleMs = 2_000

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
  /** Every lease that this process knows, with the monotonic instant of its claim. */
  const held = new Map<number, number>()
  /** Lanes with requests under way. */
  const active = new Set<Lane>()
  /** Lanes that could send, if not so many requests were under way; the first comes first. */
  const starved = new Set<Lane>()
  let claiming: Promise<void> | undefined
  let claimFailed = false
  /** No claim begins while this process asks what it holds without knowing it. */
  let doubting = false
  let doubtUntil = Number.NEGATIVE_INFINITY
  let doubtedAt = performance.now()
  let draining = false
  let trouble: unknown
  let seen = 0
  let everywhere = true
  let lookedAt = Number.NEGATIVE_INFINITY
  let buriedAt = Number.NEGATIVE_INFINITY
  let forgotAt = performance.now()
  let idlers: (() => void)[] = []

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
        held.delete(delivery.lease)
        const lane = lanes.get(delivery.webhook_id)
        if (lane) lane.busy--
      }
      claimSoon()
      wakeIdlers()
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
      claimSoon()
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
    const more = await look()
    await claimUntilFull()
    const due = lanes.nextDue()
    return { more, ...(due !== undefined && { dueAt: new Date(due) }) }
  }

  /** Looks for work; true when the log goes on. */
  async function look(): Promise<boolean> {
    lanes.markDue(clock.now())
    if (everywhere || performance.now() - lookedAt >= lookEveryMs) {
      await askWholeQueue()
      return false
    }
    const found = await workSince(db, seen)
    for (const webhook of found.webhooks) lanes.markReady(webhook, seen)
    seen = found.seen
    return found.more
  }

  async function askWholeQueue(): Promise<void> {
    everywhere = false
    lookedAt = performance.now()
    if (lookedAt - forgotAt >= forgetEveryMs) {
      forgotAt = lookedAt
      lanes.forget()
    }
    const found = await allWork(db)
    for (const { webhook_id, facility_id, deleted, due } of found.webhooks) {
      if (deleted) {
        await abandonAll(webhook_id)
        if (lanes.get(webhook_id)?.pace.openMs) breakers.closed(webhook_id)
      } else lanes.markReady({ id: webhook_id, facilityId: facility_id }, 0)
      if (due) lanes.noteDue(webhook_id, due.getTime())
    }
    seen = Math.max(seen, found.seen)
  }

  async function abandonAll(webhookId: string): Promise<void> {
    while (!draining && (await db.begin((tx) => abandonDeliveries(tx, webhookId))) > 0);
  }

  /** Takes over what dead processes held, and what this one holds without knowing it. */
  async function bury(): Promise<void> {
    if (performance.now() - buriedAt < buryEveryMs && !claimFailed) return
    if ((await takeOver()) > 0) {
      everywhere = true
      lanes.forget() // the dead one's last claim may have made others pass over what it then did not get
    }
    buriedAt = performance.now()
    if (claimFailed || buriedAt < doubtUntil || buriedAt - doubtedAt >= forgetEveryMs) await giveBackDoubtful()
  }

  /**
   * What stands under this process's name and it knows nothing of: a claim that was committed and whose answer was lost,
   * perhaps long after it was given up here. No claim is under way meanwhile, or it would be taken for one of these.
   */
  async function giveBackDoubtful(): Promise<void> {
    doubting = true
    try {
      await claiming?.catch(() => {})
      if ((await giveBackUnknown(db, tools.owner(), [...held.keys()])) > 0) everywhere = true
      claimFailed = false
      doubtedAt = performance.now()
    } finally {
      doubting = false
    }
  }

  function claimUntilFull(): Promise<void> {
    claiming ??= claimLoop().finally(() => {
      claiming = undefined
      wakeIdlers()
    })
    return claiming
  }

  /** Room has come free: claim, if there is anything. */
  function claimSoon(): void {
    if (!claiming && !draining) claimUntilFull().catch(remember)
  }

  async function claimLoop(): Promise<void> {
    for (;;) {
      void returnWaiting(lanes.hanging(performance.now()))
      const room = limits.claimed - held.size
      if (draining || claimFailed || doubting || (held.size > 0 && room < limits.worthClaiming)) return
      const wants = lanes.wants(performance.now())
      if (wants.length === 0) return
      try {
        const deliveries = await claimDeliveries(db, { owner: tools.owner(), wants, total: room })
        if (deliveries.length > 0) reached("attempts-written")
        const now = performance.now()
        for (const { lease } of deliveries) held.set(lease, now)
        lanes.took(wants, deliveries, deliveries.length === room || deliveries[0]?.alone === true)
      } catch (error) {
        claimFailed = true // it may have been committed all the same, or will be
        doubtUntil = performance.now() + doubtMs
        throw error
      }
      for (const { webhookId } of wants) startLane(lanes.get(webhookId))
    }
  }

  /** Sends what the lane holds, as far as its own limit and the process's allow. */
  function startLane(lane: Lane | undefined): void {
    if (!lane || draining) return
    const [first] = lane.waiting
    if (first && performance.now() - (held.get(first.lease) ?? 0) > staleMs) return void returnWaiting([lane])
    while (lane.waiting.length > 0 && lane.underWay.size < requestsOf(lane)) {
      if (!maySend(lane, active, performance.now())) return void starved.add(lane)
      const delivery = lane.waiting.shift()
      if (!delivery) return
      void request(lane, delivery)
    }
  }

  async function request(lane: Lane, delivery: Delivery): Promise<void> {
    lane.underWay.set(delivery.lease, performance.now())
    active.add(lane)
    reached("request-next", delivery.event_id)
    const result = await send(delivery, sendTools)
    reached("answer-received", delivery.event_id)
    lane.underWay.delete(delivery.lease)
    if (lane.underWay.size === 0) active.delete(lane)
    notePace(lane, result)
    tools.ended?.(result.outcome, result.durationMs)
    settleSoon(result)
    if (isSlow(lane, performance.now())) void returnWaiting([lane])
    if (lane.waiting.length > 0) starved.add(lane)
    for (const next of [...starved]) {
      starved.delete(next)
      startLane(next)
    }
  }

  function notePace(lane: Lane, result: Result): void {
    noteDuration(lane, result.durationMs)
    const most = result.delivery.webhook.max_concurrency
    const change = noteOutcome(lane.pace, result.outcome, { now: performance.now(), most })
    if (change === "closed") breakers.closed(lane.id)
    if (change !== "opened") return
    breakers.opened(result, lane.pace)
    void returnWaiting([lane])
    lookIn(lane.pace.openMs)
  }

  /** Gives back what was claimed ahead. */
  async function returnWaiting(from: Iterable<Lane>): Promise<void> {
    const returned: Delivery[] = []
    for (const lane of from) {
      returned.push(...lane.waiting)
      lane.busy -= lane.waiting.length
      lane.ready ||= lane.waiting.length > 0
      lane.waiting = []
    }
    if (returned.length === 0) return
    reached("deliveries-returned")
    try {
      await giveBack(db, returned)
    } catch (error) {
      claimFailed = true // the process still holds them, without knowing
      remember(error)
    }
    for (const { lease } of returned) held.delete(lease)
    claimSoon()
    wakeIdlers()
  }

  const isIdle = () => held.size === 0 && !claiming
  const idle = () => (isIdle() ? Promise.resolve() : new Promise<void>((resolve) => idlers.push(resolve)))

  function wakeIdlers(): void {
    if (!isIdle()) return
    for (const wake of idlers) wake()
    idlers = []
  }

  return {
    pass,
    idle,
    lookEverywhere: () => {
      everywhere = true
    },
    async drain() {
      draining = true
      await claiming?.catch(remember)
      await returnWaiting(lanes.all())
      const graceMs = tools.graceMs ?? defaultGraceMs
      const grace = setTimeout(() => stop.abort(), graceMs)
      await Promise.race([idle(), Bun.sleep(graceMs + lastSettlingMs)])
      clearTimeout(grace)
      await breakers.end()
    },
  }
}
