// An actor runs when it is woken, after its polling interval and when work is due. In one process one pass runs at a
// time.

import { afterEach, expect, test } from "bun:test"
import { Cause, Effect, Exit, Fiber } from "effect"
import { type Actor, type Pass, PassFailed, prepareActor, type Running } from "#actors/runtime/actor.ts"
import { clock } from "#base/clock.ts"

const nothing: Pass = { more: false }
const fibers: Fiber.Fiber<never, PassFailed>[] = []

afterEach(async () => {
  for (const fiber of fibers.splice(0)) await Effect.runPromise(Fiber.interrupt(fiber))
})

test("runs at the start, then when it is woken, and not otherwise", async () => {
  const passes = script(nothing, nothing, nothing)
  const running = live({ pass: passes.run })
  await passes.begun(1)
  await idle()
  expect(passes.count()).toBe(1)
  running.wake()
  await passes.begun(2)
  await idle()
  expect(passes.count()).toBe(2)
})

test("many wakes before the next pass are one", async () => {
  const passes = script(nothing, nothing, nothing)
  const running = live({ pass: passes.run })
  await passes.begun(1)
  await idle()
  for (let wakes = 0; wakes < 100; wakes++) running.wake()
  await passes.begun(2)
  await idle()
  expect(passes.count()).toBe(2)
})

test("a wake during a pass leads to another pass, because the present one may have claimed before the work came", async () => {
  const first = Promise.withResolvers<Pass>()
  const passes = script(first.promise, nothing, nothing)
  const running = live({ pass: passes.run })
  await passes.begun(1)
  running.wake()
  running.wake()
  first.resolve(nothing)
  await passes.begun(2)
  await idle()
  expect(passes.count()).toBe(2)
})

test("runs again at once while there is more", async () => {
  const passes = script({ more: true }, { more: true }, nothing, nothing)
  live({ pass: passes.run })
  await passes.begun(3)
  await idle()
  expect(passes.count()).toBe(3)
})

test("runs after its polling interval without being woken", async () => {
  const passes = script(...Array<Pass>(10).fill(nothing))
  live({ pass: passes.run, pollEveryMs: 5 })
  await passes.begun(3)
})

test("runs when the next work is due, before its polling interval", async () => {
  const passes = script({ more: false, dueAt: new Date(clock.now() + 10) }, nothing, nothing)
  live({ pass: passes.run, pollEveryMs: 3_600_000 })
  await passes.begun(2)
})

test("runs immediately when work was due already", async () => {
  const passes = script({ more: false, dueAt: new Date(0) }, nothing, nothing)
  live({ pass: passes.run, pollEveryMs: 3_600_000 })
  await passes.begun(2)
})

test("one pass at a time, for any number of calls", async () => {
  let atOnce = 0
  let most = 0
  const running = live({
    pass: async () => {
      most = Math.max(most, ++atOnce)
      await idle()
      atOnce -= 1
      return nothing
    },
  })
  await Promise.all(Array.from({ length: 20 }, () => running.passNow()))
  expect(most).toBe(1)
})

test("a call for a pass gets one that began after the call", async () => {
  const first = Promise.withResolvers<Pass>()
  const passes = script(first.promise, nothing, nothing)
  const running = live({ pass: passes.run })
  await passes.begun(1)
  const asked = running.passNow()
  first.resolve(nothing)
  await asked
  expect(passes.count()).toBe(2)
})

test("a wake during a pass that was called for leads to another pass", async () => {
  const second = Promise.withResolvers<Pass>()
  const passes = script(nothing, second.promise, nothing)
  const running = live({ pass: passes.run })
  await passes.begun(1)
  await idle()
  const asked = running.passNow()
  await passes.begun(2)
  running.wake()
  await idle()
  second.resolve(nothing)
  await asked
  await passes.begun(3)
})

test("fails with the actor's name when a pass fails, and can be run again", async () => {
  const passes = script(Promise.reject(new Error("no such table")), nothing)
  const running = prepareActor(actor({ pass: passes.run }), never)
  const exit = await Effect.runPromiseExit(running.live)
  expect(Exit.isFailure(exit) && Cause.squash(exit.cause)).toEqual(
    new PassFailed({ actor: "test", cause: new Error("no such table") }),
  )
  fibers.push(Effect.runFork(running.live))
  await passes.begun(2)
})

test("a pass without an end is a failed one", async () => {
  const running = prepareActor(actor({ pass: () => new Promise(() => {}), deadlineMs: 5 }), never)
  const exit = await Effect.runPromiseExit(running.live)
  expect(Exit.isFailure(exit) && Cause.squash(exit.cause)).toEqual(
    new PassFailed({ actor: "test", cause: new Error("no end after 5 ms") }),
  )
})

test("a stop aborts the pass under way, waits for it, and begins no other", async () => {
  const stopping = new AbortController()
  const [begun, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const steps: string[] = []
  const running = prepareActor(
    actor({
      pass: async (signal) => {
        begun.resolve()
        await end.promise
        steps.push(signal.aborted ? "told to stop, settled" : "not told")
        return { more: true }
      },
    }),
    stopping.signal,
  )
  const fiber = Effect.runFork(running.live)
  await begun.promise
  stopping.abort()
  const stopped = Effect.runPromise(Fiber.interrupt(fiber)).then(() => steps.push("stopped"))
  await idle()
  expect(steps).toEqual([])
  end.resolve()
  await stopped
  expect(steps).toEqual(["told to stop, settled", "stopped"])
})

const never = new AbortController().signal

const actor = (parts: Partial<Actor> & Pick<Actor, "pass">): Actor => ({
  name: "test",
  description: "A test",
  cron: "* * * * *",
  deadlineMs: 60_000,
  ...parts,
})

function live(parts: Partial<Actor> & Pick<Actor, "pass">): Running {
  const running = prepareActor(actor(parts), never)
  fibers.push(Effect.runFork(running.live))
  return running
}

/** Passes with these ends, one after the other; a further pass fails. */
function script(...outcomes: (Pass | Promise<Pass>)[]) {
  let count = 0
  const waiting: { until: number; resolve: () => void }[] = []
  for (const outcome of outcomes) Promise.resolve(outcome).catch(() => {})
  return {
    run: async () => {
      const outcome = outcomes[count++]
      for (const { until, resolve } of waiting) if (count >= until) resolve()
      if (outcome === undefined) throw new Error("one pass too many")
      return outcome
    },
    count: () => count,
    begun: (until: number) =>
      new Promise<void>((resolve) => {
        waiting.push({ until, resolve })
        if (count >= until) resolve()
      }),
  }
}

/** Lets everything run that can run without a timer. */
async function idle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}
