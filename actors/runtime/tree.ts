/**
 * The supervision tree of some actors in this process, without pg-boss: hints and polling intervals make their passes
 * run. A tree runs, then stops (no pass begins any more), then drains (the actors return the work that they hold).
 */
import { Cause, Effect, Exit, Fiber } from "effect"
import { health } from "#base/health.ts"
import { onHint } from "#base/hints.ts"
import { throttled } from "#base/throttle.ts"
import { type Actor, prepareActor, type Running } from "./actor.ts"
import { type ReportFailure, superviseAll } from "./supervisor.ts"

export interface ActorTree {
  readonly running: readonly Running[]
  /** Resolves with the reason when an actor cannot heal. */
  readonly failed: Promise<Error>
  /** Begins no pass any more; resolves when the passes under way have ended. */
  readonly stop: () => Promise<void>
  /** After `stop`: drains the actors one after the other, the last of the list first. */
  readonly drain: () => Promise<void>
}

export function runActors(actors: readonly Actor[], report: ReportFailure): ActorTree {
  const stopping = new AbortController()
  const running = actors.map((actor) => prepareActor(actor, stopping.signal))
  const listeners = running.flatMap(({ actor, wake }) => {
    const listener = actor.paceMs === undefined ? gathering(wake, actor.gatherMs) : throttled(wake, actor.paceMs)
    return (actor.wokenBy ?? []).map((hint) => onHint(hint, listener))
  })
  for (const { actor, wake } of running) actor.wokenFrom?.(wake)
  const polled = running.filter(({ actor }) => actor.pollEveryMs !== undefined)
  const fiber = Effect.runFork(superviseAll(polled, report))
  const failed = new Promise<Error>((resolve) => {
    fiber.addObserver((exit) => {
      if (Exit.isSuccess(exit) || stopping.signal.aborted) return
      const reason = Cause.squash(exit.cause)
      const error = reason instanceof Error ? reason : new Error(String(reason))
      health.unhealthy(error.message)
      resolve(error)
    })
  })
  return {
    running,
    failed,
    stop: async () => {
      for (const stopListening of listeners) stopListening()
      stopping.abort()
      await Effect.runPromise(Fiber.interrupt(fiber))
    },
    drain: async () => {
      for (const actor of actors.toReversed()) await actor.drain?.()
    },
  }
}

/** Gathers calls: the first one starts the time, and at its end `wake` is called once. */
function gathering(wake: () => void, forMs: number | undefined): () => void {
  if (forMs === undefined) return wake
  let gathering = false
  return () => {
    if (gathering) return
    gathering = true
    setTimeout(() => {
      gathering = false
      wake()
    }, forMs)
  }
}
