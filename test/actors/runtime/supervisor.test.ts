// Supervision under a clock that the test moves: restarts, their growing delay, and when restarting is given up.

import { describe, expect, test } from "bun:test"
import { Clock, Effect, Exit, Fiber } from "effect"
import * as TestClock from "effect/testing/TestClock"
import { type Actor, PassFailed, type Running } from "#actors/runtime/actor.ts"
import { CannotHeal, defaultIntensity, supervise, superviseAll } from "#actors/runtime/supervisor.ts"

const intensity = { failures: 3, withinMs: 60_000, databaseAwayMs: 30_000 }
const broken = new Error("no such table")
const away = Object.assign(new Error("connection refused"), { code: "ECONNREFUSED" })

describe("an actor that fails", () => {
  test("is restarted after a delay that grows", () =>
    underTestClock(function* ({ starts, running }) {
      const actor = running("dispatcher", [broken, broken, broken])
      yield* Effect.forkChild(supervise(actor, () => {}, intensity))
      yield* TestClock.adjust("10 seconds")
      expect(starts.dispatcher).toEqual([0, 100, 300, 700])
    }))

  test("waits no longer than five seconds", () =>
    underTestClock(function* ({ starts, running }) {
      const actor = running("dispatcher", Array(9).fill(broken))
      yield* Effect.forkChild(supervise(actor, () => {}, { ...intensity, failures: 9 }))
      yield* TestClock.adjust("1 minute")
      expect(starts.dispatcher?.map((at, nth, all) => at - (all[nth - 1] ?? 0))).toEqual([
        0, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000,
      ])
    }))

  test("escalates with the failure and its reason after the limit", () =>
    underTestClock(function* ({ running }) {
      const reported: object[] = []
      const actor = running("dispatcher", Array(4).fill(broken))
      const fiber = yield* Effect.forkChild(supervise(actor, (line) => reported.push(line), intensity))
      yield* TestClock.adjust("10 seconds")
      const error = yield* Effect.flip(Fiber.join(fiber))
      expect(error).toBeInstanceOf(CannotHeal)
      expect(error.message).toBe("dispatcher failed 4 times and does not heal: no such table")
      expect(reported).toEqual(
        [1, 2, 3, 4].map((failures) => ({ actor: "dispatcher", failures, cause: "no such table" })),
      )
    }))

  test("may restart as often as the limit allows, and restarts before the window do not count", () =>
    underTestClock(function* ({ starts, running }) {
      const steps = [broken, broken, broken, after(61_000), broken, broken, after(61_000), broken]
      const fiber = yield* Effect.forkChild(supervise(running("dispatcher", steps), () => {}, intensity))
      yield* TestClock.adjust("5 minutes")
      expect(fiber.pollUnsafe()).toBeUndefined()
      // The first failure after the quiet minute is the first again, and its delay the shortest.
      expect(starts.dispatcher).toEqual([0, 100, 300, 700, 61_800, 62_000, 62_400, 123_500, 123_700])
    }))
})

describe("a database that is away", () => {
  test("is no failure of the actor: it waits, and tries every half second", () =>
    underTestClock(function* ({ starts, running }) {
      const reported: number[] = []
      const actor = running("dispatcher", Array(20).fill(away))
      const fiber = yield* Effect.forkChild(supervise(actor, ({ failures }) => reported.push(failures), intensity))
      yield* TestClock.adjust("20 seconds")
      expect(fiber.pollUnsafe()).toBeUndefined()
      expect(starts.dispatcher).toEqual(Array.from({ length: 21 }, (_, nth) => nth * 500))
      expect(new Set(reported)).toEqual(new Set([0]))
    }))

  test("delays the actor up to its own limit", () =>
    underTestClock(function* ({ starts, running }) {
      const actor = running("dispatcher", Array(1_000).fill(away))
      const fiber = yield* Effect.forkChild(supervise(actor, () => {}, intensity))
      yield* TestClock.adjust("2 minutes")
      expect((yield* Effect.flip(Fiber.join(fiber))).message).toBe(
        "dispatcher waited too long for a database that does not answer: connection refused",
      )
      expect(starts.dispatcher?.at(-1)).toBe(30_500)
    }))

  test("that came back in between has its whole limit again", () =>
    underTestClock(function* ({ running }) {
      const often = Array.from({ length: 10 }, () => [...Array(40).fill(away), after(60_000, away)]).flat()
      const actor = running("dispatcher", often)
      const fiber = yield* Effect.forkChild(supervise(actor, () => {}, intensity))
      yield* TestClock.adjust("15 minutes")
      expect(fiber.pollUnsafe()).toBeUndefined()
    }))
})

describe("the tree", () => {
  test("restarts one actor and does not touch the others", () =>
    underTestClock(function* ({ starts, running }) {
      const actors = [running("dispatcher", [broken, broken]), running("housekeeping", [])]
      yield* Effect.forkChild(superviseAll(actors, () => {}, intensity))
      yield* TestClock.adjust("1 minute")
      expect(starts).toEqual({ dispatcher: [0, 100, 300], housekeeping: [0] })
    }))

  test("fails with the actor that keeps failing, after the others were stopped", () =>
    underTestClock(function* ({ stopped, running }) {
      const actors = [running("housekeeping", []), running("dispatcher", Array(9).fill(broken))]
      const fiber = yield* Effect.forkChild(superviseAll(actors, () => {}, intensity))
      yield* TestClock.adjust("1 minute")
      const exit = yield* Fiber.await(fiber)
      expect(Exit.isFailure(exit)).toBe(true)
      expect(stopped).toEqual(["housekeeping"])
    }))
})

test("the default heals a failure every six seconds, and waits five minutes for the database", () => {
  expect(defaultIntensity).toEqual({ failures: 10, withinMs: 60_000, databaseAwayMs: 300_000 })
})

/** Fails after so many milliseconds of living. */
const after = (ms: number, cause: Error = broken) => ({ ms, cause })
type Step = Error | ReturnType<typeof after>

interface Stage {
  /** When each actor was started. */
  readonly starts: Record<string, number[]>
  readonly stopped: string[]
  /** An actor with these failures, which then lives on. */
  readonly running: (name: string, steps: readonly Step[]) => Running
}

function underTestClock(
  story: (stage: Stage) => Generator<Effect.Effect<unknown, unknown>, void, never>,
): Promise<void> {
  const starts: Record<string, number[]> = {}
  const stopped: string[] = []
  const running = (name: string, steps: readonly Step[]): Running => {
    const left = [...steps]
    const live = Effect.gen(function* () {
      starts[name] = [...(starts[name] ?? []), yield* Clock.currentTimeMillis]
      const step = left.shift()
      if (step === undefined)
        return yield* Effect.onInterrupt(Effect.never, () => Effect.sync(() => stopped.push(name)))
      if (!(step instanceof Error)) yield* Effect.sleep(step.ms)
      return yield* new PassFailed({ actor: name, cause: step instanceof Error ? step : step.cause })
    })
    return { actor: { name } as Actor, wake: () => {}, passNow: async () => ({}), passIn: undefined, live }
  }
  const program = Effect.gen(() => story({ starts, stopped, running }) as never)
  return Effect.runPromise(Effect.scoped(Effect.provide(program, TestClock.layer())) as Effect.Effect<void>)
}
