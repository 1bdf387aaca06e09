/**
 * An actor: one kind of work that the system does by itself. It claims from its mailbox (a queue table), handles, and
 * settles, in a `pass()` that can be called once and by anybody: by a hint, by the floor, by pg-boss, by a test.
 * In one process one pass of an actor runs at a time; between processes the mailbox's claims decide.
 */
import { Data, Effect } from "effect"
import { clock } from "#base/clock.ts"
import type { Hint } from "#base/hints.ts"
import type { Did } from "#operations/jobs/rows.ts"

export interface Actor {
  /** Also the name of its pg-boss queue. */
  readonly name: string
  readonly description: string
  /** One claim → handle → settle. It stops early, and returns what it has claimed, when the signal is aborted. */
  readonly pass: (signal: AbortSignal) => Promise<Pass>
  /** The same for one facility alone. A scheduled job that has it may be run by those who run the facility. */
  readonly passIn?: (facilityId: string, signal: AbortSignal) => Promise<Pass>
  /** Hints that wake it in the hot path. */
  readonly wokenBy?: readonly Hint[]
  /**
   * How long it waits after a hint for more to come, milliseconds; default: not at all. What nobody waits for leaves the
   * first milliseconds to frames and webhooks, and claims more at once.
   */
  readonly gatherMs?: number
  /** The floor: how often it looks without a hint, milliseconds. None: only pg-boss calls it. */
  readonly everyMs?: number
  /** When pg-boss calls it, once per tick in all processes together. */
  readonly cron: string
  /** A pass that takes longer has hung: the actor is restarted. */
  readonly deadlineMs: number
}

/**
 * What a pass found: whether to look again at once, and when the next work is due, if that is known. A scheduled job also
 * says what it did, for those who look at its runs.
 */
export interface Pass {
  readonly more: boolean
  readonly dueAt?: Date | undefined
  readonly did?: Did
}

export class PassFailed extends Data.TaggedError("PassFailed")<{ readonly actor: string; readonly cause: unknown }> {}

/** The actor as it runs in this process. */
export interface Running {
  readonly actor: Actor
  /** Look soon; many wakes before the next pass are one. */
  readonly wake: () => void
  /**
   * Runs passes until nothing is left, or joins the ones that are running; for pg-boss and for tests. Answers what they did,
   * one with another.
   */
  readonly passNow: () => Promise<Did>
  /** Passes for one facility until nothing is left there. */
  readonly passIn: ((facilityId: string) => Promise<Did>) | undefined
  /** Waits for a reason to look, then looks until nothing is left; for ever. Fails when a pass fails. */
  readonly live: Effect.Effect<never, PassFailed>
}

export function prepare(actor: Actor, stopping: AbortSignal): Running {
  const { passIn } = actor
  let looking: Promise<Pass> | undefined
  let woken = Promise.withResolvers<void>()

  const look = (): Promise<Pass> => {
    looking ??= untilDone((signal) => actor.pass(signal)).finally(() => {
      looking = undefined
    })
    return looking
  }

  /** A pass that has begun may have looked before the work was there: waits for its end, then looks once more. */
  async function lookAfresh(): Promise<Pass> {
    if (looking) await looking.catch(() => {})
    return look()
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

  // Uninterruptible: a stop lets the pass under way settle or return what it holds; the signal makes that quick.
  const lookOnce = Effect.uninterruptible(
    Effect.tryPromise({ try: lookAfresh, catch: (cause) => new PassFailed({ actor: actor.name, cause }) }),
  )

  const live = Effect.gen(function* () {
    for (;;) {
      woken = Promise.withResolvers<void>()
      const pass = yield* lookOnce
      yield* wait(nextLook(actor, pass))
    }
  })

  return {
    actor,
    wake: () => woken.resolve(),
    passNow: async () => (await lookAfresh()).did ?? {},
    passIn: passIn && (async (facilityId) => (await untilDone((signal) => passIn(facilityId, signal))).did ?? {}),
    live: live as Effect.Effect<never, PassFailed>,
  }
}

/** On the monotonic timer, milliseconds. */
function nextLook(actor: Actor, pass: Pass): number {
  const now = performance.now()
  const floor = actor.everyMs === undefined ? Number.POSITIVE_INFINITY : now + actor.everyMs
  const due =
    pass.dueAt === undefined ? Number.POSITIVE_INFINITY : now + Math.max(0, pass.dueAt.getTime() - clock.now())
  return Math.min(floor, due)
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
