/**
 * Supervision: an actor whose pass fails is restarted by itself, after a delay that grows. More failures than the limit
 * inside the window mean that a restart does not heal it. Then the process says so on /readyz, stops its other actors
 * and exits non-zero, so that a new process is started. A database that does not answer is no failure of an actor: the
 * actor waits for it, up to another limit. A full or read-only disk is waited for without a limit, because a new
 * process would not help. A defect outside of a pass counts as a failure of the actor too.
 */
import { Cause, Clock, Data, Effect, Exit } from "effect"
import { isConnectionLost, troubleOf, troubles } from "#base/database/errors.ts"
import { noteTrouble } from "#base/database/trouble.ts"
import { parts, passFailed } from "#base/parts.ts"
import { PassFailed, type Running } from "./actor.ts"

export interface Intensity {
  /** So many failures are healed by a restart … */
  readonly failures: number
  /** … inside this window, milliseconds. */
  readonly withinMs: number
  /** How long an actor waits for a database that does not answer, milliseconds. */
  readonly databaseAwayMs: number
}

/** A failure every few seconds for a minute: more than a passing fault of one statement or one event. */
export const defaultIntensity: Intensity = { failures: 10, withinMs: 60_000, databaseAwayMs: 300_000 }

const firstDelayMs = 100
const longestDelayMs = 5_000
const databaseDelayMs = 500

/** A restart did not help. */
export class CannotHeal extends Data.TaggedError("CannotHeal")<{
  readonly actor: string
  readonly failures: number
  readonly cause: unknown
}> {
  override get message() {
    const what = isConnectionLost(this.cause)
      ? "waited too long for a database that does not answer"
      : `failed ${this.failures} times and does not heal`
    return `${this.actor} ${what}: ${text(this.cause)}`
  }
}

/** Reports a failure to the log. */
export type ReportFailure = (line: {
  readonly actor: string
  readonly failures: number
  readonly cause: string
}) => void

/** All actors side by side. Fails with the first actor that cannot heal, after the other actors were stopped. */
export const superviseAll = Effect.fn("supervisor.superviseAll")(function* (
  actors: readonly Running[],
  report: ReportFailure,
  intensity: Intensity = defaultIntensity,
) {
  const outage: Outage = { last: Number.NEGATIVE_INFINITY }
  return yield* Effect.forEach(actors, (running) => supervise(running, report, intensity, outage), {
    concurrency: "unbounded",
    discard: true,
  })
})

/** When an actor last met a database that does not do its work. The first to meet it reports it for all. */
export interface Outage {
  last: number
}

/** Restarts one actor until its failures exceed the limit. */
export const supervise = Effect.fn("supervisor.supervise")(function* (
  running: Running,
  report: ReportFailure,
  intensity: Intensity,
  outage: Outage = { last: Number.NEGATIVE_INFINITY },
) {
  let failures: number[] = []
  let away = { since: 0, last: 0 }
  const { name } = running.actor
  for (;;) {
    const failure = yield* failureOf(running)
    const now = yield* Clock.currentTimeMillis
    const cause = failure.cause
    const trouble = troubleOf(cause)
    if (isConnectionLost(cause) || (trouble !== undefined && troubles[trouble].lasting)) {
      parts.restarting(name, "It waits for the database.", passFailed)
      if (now - outage.last > 3 * longestDelayMs && !noteTrouble(trouble))
        report({ actor: name, failures: failures.length, cause: text(cause) })
      outage.last = now
      // The wait for a disk does not count, and neither does the start of a database whose disk is full.
      const counts = isConnectionLost(cause) && parts.get("database")?.code !== "storage_full"
      const since = counts && now - away.last < 3 * longestDelayMs ? away.since : now
      away = { since, last: now }
      if (now - away.since > intensity.databaseAwayMs) return yield* cannotHeal(failure, failures.length)
      yield* Effect.sleep(databaseDelayMs)
      continue
    }
    parts.restarting(name, "Its last pass failed, and it is started again.", passFailed)
    parts.restarted(name)
    failures = [...failures.filter((at) => at > now - intensity.withinMs), now]
    report({ actor: name, failures: failures.length, cause: text(cause) })
    if (failures.length > intensity.failures) return yield* cannotHeal(failure, failures.length)
    yield* Effect.sleep(Math.min(firstDelayMs * 2 ** (failures.length - 1), longestDelayMs))
  }
})

/** Lives until a pass fails, or the actor itself has a defect. An interrupt stays an interrupt. */
const failureOf = ({ actor, live }: Running) =>
  Effect.flatMap(Effect.exit(live), (exit) => {
    if (Exit.isSuccess(exit) || Cause.hasInterrupts(exit.cause)) return Effect.interrupt
    const error = Cause.squash(exit.cause)
    return Effect.succeed(error instanceof PassFailed ? error : new PassFailed({ actor: actor.name, cause: error }))
  })

const cannotHeal = (failure: PassFailed, failures: number) =>
  new CannotHeal({ actor: failure.actor, failures, cause: failure.cause })

const text = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
