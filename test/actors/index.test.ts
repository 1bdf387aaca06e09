// The actors of a process side by side: what hints do to them.

import { afterEach, expect, jest, test } from "bun:test"
import { runActors } from "#actors/index.ts"
import type { Actor } from "#actors/runtime/actor.ts"
import { raise } from "#base/hints.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let tree: ReturnType<typeof runActors> | undefined
afterEach(async () => {
  await tree?.stop()
  tree = undefined
})

/** Far beyond the test: what is found, a hint has found. */
const everyMs = 3_600_000

test("a hint wakes each actor that asked for it, at once or after the time in which it gathers", async () => {
  const passes = { prompt: 0, gathering: 0, deaf: 0 }
  const actor = (name: keyof typeof passes, given: Partial<Actor>): Actor => ({
    name,
    description: "counts",
    cron: "* * * * *",
    deadlineMs: 1_000,
    everyMs,
    pass: async () => {
      passes[name]++
      return { more: false }
    },
    ...given,
  })
  tree = runActors(
    [
      actor("prompt", { wokenBy: ["log"] }),
      actor("gathering", { wokenBy: ["log"], gatherMs: 20 }),
      actor("deaf", { wokenBy: ["jobs"] }),
    ],
    () => {},
  )
  await eventually(() => expect(passes).toEqual({ prompt: 1, gathering: 1, deaf: 1 }))
  raise("log")
  await eventually(() => expect(passes).toEqual({ prompt: 2, gathering: 2, deaf: 1 }))
  // Its time to gather is over, so the next hint starts one anew.
  raise("log")
  await eventually(() => expect(passes).toEqual({ prompt: 3, gathering: 3, deaf: 1 }))
})

test("the hints of the time in which an actor gathers are one pass", async () => {
  let passes = 0
  const actor: Actor = {
    name: "gathering",
    description: "counts",
    cron: "* * * * *",
    deadlineMs: 1_000,
    everyMs,
    wokenBy: ["log"],
    gatherMs: 20,
    pass: async () => ({ more: false, did: { passes: ++passes } }),
  }
  tree = runActors([actor], () => {})
  await eventually(() => expect(passes).toBe(1))
  jest.useFakeTimers()
  try {
    for (let hints = 0; hints < 100; hints++) raise("log")
    expect(jest.getTimerCount()).toBe(1)
    jest.advanceTimersByTime(19)
    expect(jest.getTimerCount()).toBe(1)
    jest.advanceTimersByTime(1)
    expect(jest.getTimerCount()).toBe(0)
  } finally {
    jest.useRealTimers()
  }
  await eventually(() => expect(passes).toBe(2))
})
