// The actors of a process side by side: hints wake them.

import { afterEach, expect, jest, test } from "bun:test"
import type { Actor } from "#actors/runtime/actor.ts"
import { runActors } from "#actors/runtime/tree.ts"
import { sendHint } from "#base/hints.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let tree: ReturnType<typeof runActors> | undefined
afterEach(async () => {
  await tree?.stop()
  tree = undefined
})

/** Far longer than the test: each pass after the first one comes from a hint. */
const pollEveryMs = 3_600_000

test("a hint wakes each actor that asked for it, at once or after the time in which it gathers", async () => {
  const passes = { prompt: 0, gathering: 0, other: 0 }
  const actor = (name: keyof typeof passes, given: Partial<Actor>): Actor => ({
    name,
    description: "counts",
    cron: "* * * * *",
    deadlineMs: 1_000,
    pollEveryMs,
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
      actor("other", { wokenBy: ["jobs"] }),
    ],
    () => {},
  )
  await eventually(() => expect(passes).toEqual({ prompt: 1, gathering: 1, other: 1 }))
  sendHint("log")
  await eventually(() => expect(passes).toEqual({ prompt: 2, gathering: 2, other: 1 }))
  // Its time to gather is over, so the next hint starts one anew.
  sendHint("log")
  await eventually(() => expect(passes).toEqual({ prompt: 3, gathering: 3, other: 1 }))
})

test("the hints of the time in which an actor gathers are one pass", async () => {
  let passes = 0
  const actor: Actor = {
    name: "gathering",
    description: "counts",
    cron: "* * * * *",
    deadlineMs: 1_000,
    pollEveryMs,
    wokenBy: ["log"],
    gatherMs: 20,
    pass: async () => ({ more: false, did: { passes: ++passes } }),
  }
  tree = runActors([actor], () => {})
  await eventually(() => expect(passes).toBe(1))
  jest.useFakeTimers()
  try {
    for (let hints = 0; hints < 100; hints++) sendHint("log")
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

test("a paced actor is woken at once by a hint that comes alone, and by the hints of its time once at the end", async () => {
  let passes = 0
  const actor: Actor = {
    name: "paced",
    description: "counts",
    cron: "* * * * *",
    deadlineMs: 1_000,
    pollEveryMs,
    wokenBy: ["outbox"],
    paceMs: 4,
    pass: async () => ({ more: false, did: { passes: ++passes } }),
  }
  tree = runActors([actor], () => {})
  await eventually(() => expect(passes).toBe(1))
  jest.useFakeTimers()
  try {
    sendHint("outbox")
    expect(jest.getTimerCount()).toBe(1)
    for (let hints = 0; hints < 100; hints++) sendHint("outbox")
    jest.advanceTimersByTime(4)
    expect(jest.getTimerCount()).toBe(1)
    jest.advanceTimersByTime(4)
    expect(jest.getTimerCount()).toBe(0)
  } finally {
    jest.useRealTimers()
  }
  await eventually(() => expect(passes).toBeGreaterThan(1))
  expect(passes).toBeLessThan(4)
})
