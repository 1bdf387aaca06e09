// Supervision under a clock that the test moves: restarts, their growing delay, and when restarting is given up.

import { describe, expect, test } from "bun:test"
import { Clock, Effect, Exit, Fiber } from "effect"
import * as TestClock from "effect/testing/TestClock"
import { type Actor, PassFailed, type Running } from "#actors/runtime/actor.ts"
import { CannotHeal, defaultIntensity, supervise, superviseAll } from "#actors/runtime/supervisor.ts"
import { writesPart } from "#base/database/trouble.ts"
import { parts } from "#base/parts.ts"

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

test("a defect outside of a pass is a failure of the actor, not the end of all", () =>
  underTestClock(function* ({ starts, running }) {
    const reported: object[] = []
    const actors = [running("dispatcher", [defect]), running("housekeeping", [])]
    const fiber = yield* Effect.forkChild(superviseAll(actors, (line) => reported.push(line), intensity))
    yield* TestClock.adjust("1 minute")
    expect(fiber.pollUnsafe()).toBeUndefined()
    expect(starts).toEqual({ dispatcher: [0, 100], housekeeping: [0] })
    expect(reported).toEqual([{ actor: "dispatcher", failures: 1, cause: "a defect" }])
    expect(parts.get("dispatcher")).toMatchObject({ state: "restarting", code: "pass_failed" })
  }))

describe("a database that is away", () => {
  test("is no failure of the actor: it waits, and tries every half second", () =>
    underTestClock(function* ({ starts, running }) {
      const reported: number[] = []
      const actor = running("dispatcher", Array(20).fill(away))
      const fiber = yield* Effect.forkChild(supervise(actor, ({ failures }) => reported.push(failures), intensity))
      yield* TestClock.adjust("20 seconds")
      expect(fiber.pollUnsafe()).toBeUndefined()
      expect(starts.dispatcher).toEqual(Array.from({ length: 21 }, (_, nth) => nth * 500))
      // One line for the whole outage.
      expect(reported).toEqual([0])
    }))

  test("is one line in the log for all actors together, and another one after a pause", () =>
    underTestClock(function* ({ running }) {
      const reported: string[] = []
      const often = [...Array(10).fill(away), after(20_000, away), ...Array(10).fill(away)]
      const actors = ["dispatcher", "housekeeping", "retention"].map((name) => running(name, often))
      yield* Effect.forkChild(superviseAll(actors, ({ actor }) => reported.push(actor), intensity))
      yield* TestClock.adjust("1 minute")
      expect(reported).toHaveLength(2)
    }))

  test("for want of room on its disk, or that is read-only, is waited for without a limit", () =>
    underTestClock(function* ({ starts, running }) {
      for (const code of ["53100", "25006", "58030"]) {
        const name = `of ${code}`
        const full = Object.assign(new Error("could not extend file"), { code })
        const fiber = yield* Effect.forkChild(supervise(running(name, Array(1_000).fill(full)), () => {}, intensity))
        yield* TestClock.adjust("5 minutes")
        expect(fiber.pollUnsafe()).toBeUndefined()
        expect(starts[name]).toHaveLength(601)
        yield* Fiber.interrupt(fiber)
        parts.forget(writesPart)
      }
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

/** Dies by a throw that no pass has caught. */
const defect = { dies: new Error("a defect") }

/** Fails after so many milliseconds of living. */
const after = (ms: number, cause: Error = broken) => ({ ms, cause })
type Step = Error | ReturnType<typeof after> | typeof defect

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
      if ("dies" in step) return yield* Effect.die(step.dies)
      if (!(step instanceof Error)) yield* Effect.sleep(step.ms)
      return yield* new PassFailed({ actor: name, cause: step instanceof Error ? step : step.cause })
    })
    return { actor: { name } as Actor, wake: () => {}, passNow: async () => ({}), passIn: undefined, live }
  }
  const program = Effect.gen(() => story({ starts, stopped, running }) as never)
  return Effect.runPromise(Effect.scoped(Effect.provide(program, TestClock.layer())) as Effect.Effect<void>)
}
