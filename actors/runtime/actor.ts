/**
 * An actor: one kind of work that the system does by itself. Every actor has the same shape: a `pass()` that claims
 * from its mailbox (a queue table), handles, and settles, and a schedule around it. A hint, the polling interval,
 * pg-boss and a test call the same pass. In one process one pass of an actor runs at a time; between processes the
 * claims decide.
 */
import { Data, Effect } from "effect"
import { clock } from "#base/clock.ts"
import type { Hint } from "#base/hints.ts"
import { parts } from "#base/parts.ts"
import type { Did } from "#operations/jobs/rows.ts"

export interface Actor {
  /** Also the name of its pg-boss queue. */
  readonly name: string
  readonly description: string
  /**
   * One claim → handle → settle. When the signal is aborted, it stops early and returns the work that it has claimed.
   */
  readonly pass: (signal: AbortSignal) => Promise<Pass>
  /** The same for one facility only. An administrator of the facility may run a scheduled job that has it. */
  readonly passIn?: (facilityId: string, signal: AbortSignal) => Promise<Pass>
  /** After its last pass: returns the work that it holds, and lets the work under way end. */
  readonly drain?: () => Promise<void>
  /** The hints that wake it in the hot path. */
  readonly wokenBy?: readonly Hint[]
  /** Is given what wakes it, once, for wake-up calls that are no hint. */
  readonly wokenFrom?: (wake: () => void) => void
  /**
   * How long it waits for more hints after the first one, milliseconds; default: not at all. Work that nobody waits for
   * leaves the first milliseconds to frames and webhooks, and claims more at once.
   */
  readonly gatherMs?: number
  /**
   * The least time between two hints that wake it, milliseconds; default: every hint does. A hint that comes alone
   * wakes it at once. In place of `gatherMs`.
   */
  readonly paceMs?: number
  /** How often it runs without a hint, milliseconds. Undefined: only pg-boss calls it, as a scheduled job. */
  readonly pollEveryMs?: number
  /** When pg-boss calls it, once per tick in all processes together. */
  readonly cron: string
  /** A pass that takes longer has hung: the actor is restarted. */
  readonly deadlineMs: number
}

/** The result of a pass. */
export interface Pass {
  /** There is more to do at once. */
  readonly more: boolean
  /** When the next work is due, if that is known. */
  readonly dueAt?: Date | undefined
  /** Counts of a scheduled job, which people see at its run. */
  readonly did?: Did
}

export class PassFailed extends Data.TaggedError("PassFailed")<{ readonly actor: string; readonly cause: unknown }> {}

/** The actor as it runs in this process. */
export interface Running {
  readonly actor: Actor
  /** Asks for a pass soon; many wakes before the next pass are one. */
  readonly wake: () => void
  /**
   * Runs passes until nothing is left, after those that are running; for pg-boss and for tests. Answers the sum of
   * their counts.
   */
  readonly passNow: () => Promise<Did>
  /** Runs passes for one facility until nothing is left there. */
  readonly passIn: ((facilityId: string) => Promise<Did>) | undefined
  /** Waits for a reason, then runs passes until nothing is left; for ever. Fails when a pass fails. */
  readonly live: Effect.Effect<never, PassFailed>
}

export function prepareActor(actor: Actor, stopping: AbortSignal): Running {
  const { passIn } = actor
  let underWay: Promise<Pass> | undefined
  let woken = Promise.withResolvers<void>()

  const startOrJoin = (): Promise<Pass> => {
    underWay ??= untilDone((signal) => actor.pass(signal)).finally(() => {
      underWay = undefined
    })
    return underWay
  }

  /** A pass under way may have claimed before the work was there. So this waits for its end, then runs another one. */
  async function afresh(): Promise<Pass> {
    if (underWay) await underWay.catch(() => {})
    return startOrJoin()
  }

  async function untilDone(once: Actor["pass"]): Promise<Pass> {
    let did: Did = {}
    for (;;) {
      const pass = await withDeadline(actor, once, stopping)
      if (pass.did !== undefined) did = sum(did, pass.did)
      if (!pass.more || stopping.aborted) return { ...pass, did }
    }
  }

  const wait = (until: number) =>
    Effect.callback<void>((resume) => {
      const done = () => resume(Effect.void)
      woken.promise.then(done)
      const timer = Number.isFinite(until) ? setTimeout(done, Math.max(0, until - performance.now())) : undefined
      return Effect.sync(() => clearTimeout(timer))
    })

  // Uninterruptible: a stop lets the pass under way settle or return its work. The signal makes that quick.
  const passesAfresh = Effect.uninterruptible(
    Effect.tryPromise({ try: afresh, catch: (cause) => new PassFailed({ actor: actor.name, cause }) }),
  )

  const live = Effect.gen(function* () {
    for (;;) {
      woken = Promise.withResolvers<void>()
      const pass = yield* passesAfresh
      parts.well(actor.name)
      yield* wait(nextPassAt(actor, pass))
    }
  })

  return {
    actor,
    wake: () => woken.resolve(),
    passNow: async () => (await afresh()).did ?? {},
    passIn: passIn && (async (facilityId) => (await untilDone((signal) => passIn(facilityId, signal))).did ?? {}),
    live: live as Effect.Effect<never, PassFailed>,
  }
}

/** On the monotonic timer, milliseconds. */
function nextPassAt(actor: Actor, pass: Pass): number {
  const now = performance.now()
  const poll = actor.pollEveryMs === undefined ? Number.POSITIVE_INFINITY : now + actor.pollEveryMs
  const due =
    pass.dueAt === undefined ? Number.POSITIVE_INFINITY : now + Math.max(0, pass.dueAt.getTime() - clock.now())
  return Math.min(poll, due)
}

const sum = (one: Did, more: Did): Did =>
  Object.fromEntries(
    [...new Set([...Object.keys(one), ...Object.keys(more)])].map((name) => [
      name,
      (one[name] ?? 0) + (more[name] ?? 0),
    ]),
  )

async function withDeadline(actor: Actor, once: Actor["pass"], stopping: AbortSignal): Promise<Pass> {
  let timer: Timer | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${actor.deadlineMs} ms`)), actor.deadlineMs)
  })
  try {
    return await Promise.race([once(stopping), late])
  } finally {
    clearTimeout(timer)
  }
}
