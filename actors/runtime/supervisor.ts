/**
 * Supervision: an actor whose pass fails is restarted by itself, after a delay that grows. More failures than the limit
 * inside the window mean that a restart does not heal it. Then the process says so on /readyz, stops its other actors
 * and exits non-zero, so that a new process is started. A database that does not answer is no failure of an actor: the
 * actor waits for it, up to another limit.
 */
import { Clock, Data, Effect } from "effect"
import { isConnectionLost } from "#base/database/errors.ts"
import type { PassFailed, Running } from "./actor.ts"

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
  return yield* Effect.forEach(actors, (running) => supervise(running, report, intensity), {
    concurrency: "unbounded",
    discard: true,
  })
})

/** Restarts one actor until its failures exceed the limit. */
export const supervise = Effect.fn("supervisor.supervise")(function* (
  running: Running,
  report: ReportFailure,
  intensity: Intensity,
) {
  let failures: number[] = []
  let away = { since: 0, last: 0 }
  for (;;) {
    const failure = yield* Effect.flip(running.live) as Effect.Effect<PassFailed>
    const now = yield* Clock.currentTimeMillis
    const cause = failure.cause
    if (isConnectionLost(cause)) {
      away = { since: now - away.last < 3 * longestDelayMs ? away.since : now, last: now }
      report({ actor: failure.actor, failures: failures.length, cause: text(cause) })
      if (now - away.since > intensity.databaseAwayMs) return yield* cannotHeal(failure, failures.length)
      yield* Effect.sleep(databaseDelayMs)
      continue
    }
    failures = [...failures.filter((at) => at > now - intensity.withinMs), now]
    report({ actor: failure.actor, failures: failures.length, cause: text(cause) })
    if (failures.length > intensity.failures) return yield* cannotHeal(failure, failures.length)
    yield* Effect.sleep(Math.min(firstDelayMs * 2 ** (failures.length - 1), longestDelayMs))
  }
})

const cannotHeal = (failure: PassFailed, failures: number) =>
  new CannotHeal({ actor: failure.actor, failures, cause: failure.cause })

const text = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
