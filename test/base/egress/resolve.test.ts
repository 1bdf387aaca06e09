// Which answers to names are cached, and for how long.

import { expect, test } from "bun:test"
import { keeping } from "#base/egress/resolve.ts"

/** A resolver that gives these answers in turn; null: the resolver cannot be reached. */
function answering(...answers: (readonly string[] | null)[]) {
  let asked = 0
  return {
    ask: async () => {
      const answer = answers[asked++] ?? null
      if (answer === null) throw new Error("ENOTFOUND")
      return answer
    },
    asked: () => asked,
  }
}
const hour = 3_600_000

test("a name is resolved once, also for callers that ask while the answer is in flight", async () => {
  const { ask, asked } = answering(["192.0.2.1"])
  const resolve = keeping(ask)
  expect(await Promise.all([resolve("a"), resolve("a")])).toEqual([["192.0.2.1"], ["192.0.2.1"]])
  expect(await resolve("a")).toEqual(["192.0.2.1"])
  expect(asked()).toBe(1)
})

test("a name that was not found is not resolved again at once", async () => {
  const { ask, asked } = answering(null, ["192.0.2.1"])
  const resolve = keeping(ask)
  expect([await resolve("a"), await resolve("a")]).toEqual([[], []])
  expect(asked()).toBe(1)
})

test("an answer that is too old is resolved again", async () => {
  const { ask } = answering(null, ["192.0.2.1"], ["192.0.2.2"])
  const resolve = keeping(ask, { foundMs: 0, notFoundMs: 0, lastMs: hour })
  expect([await resolve("a"), await resolve("a"), await resolve("a")]).toEqual([[], ["192.0.2.1"], ["192.0.2.2"]])
})

test("while no resolver can be reached the last answer is used, unless it is too old", async () => {
  const { ask } = answering(["192.0.2.1"], null, null, ["192.0.2.2"])
  const resolve = keeping(ask, { foundMs: 0, notFoundMs: 0, lastMs: hour })
  expect([await resolve("a"), await resolve("a"), await resolve("a"), await resolve("a")]).toEqual([
    ["192.0.2.1"],
    ["192.0.2.1"],
    ["192.0.2.1"],
    ["192.0.2.2"],
  ])
  const strict = keeping(answering(["192.0.2.1"], null).ask, { foundMs: 0, notFoundMs: 0, lastMs: 0 })
  expect([await strict("a"), await strict("a")]).toEqual([["192.0.2.1"], []])
})
