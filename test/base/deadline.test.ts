// The deadline alone: which calls expire, which do not, and in which order.

import { expect, test } from "bun:test"
import { type Call, Deadline } from "#base/deadline.ts"

test("a call that does not finish expires once, not before its time", async () => {
  const deadline = new Deadline(40)
  const startedAt = performance.now()
  await new Promise<void>((expire) => deadline.start({ expire }))
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(39)
  expect(deadline.size).toBe(0)
})

test("calls expire in the order in which they started, and finished calls never", async () => {
  const deadline = new Deadline(20)
  const expired: string[] = []
  const call = (name: string): Call => ({ expire: () => expired.push(name) })
  const finished = call("finished")
  deadline.start(call("first"))
  deadline.start(finished)
  deadline.start(call("second"))
  deadline.settle(finished)
  await new Promise<void>((expire) => deadline.start({ expire }))
  expect(expired).toEqual(["first", "second"])
})

test("an idle deadline starts again", async () => {
  const deadline = new Deadline(10)
  await new Promise<void>((expire) => deadline.start({ expire }))
  await new Promise<void>((expire) => deadline.start({ expire }))
  expect(deadline.size).toBe(0)
})
