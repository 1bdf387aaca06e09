// Turns: how many jobs run at once, how many wait, and which are refused.

import { expect, test } from "bun:test"
import { TooMany } from "#base/errors.ts"
import { TurnLimiter } from "#base/turn-limiter.ts"

const job = () => Promise.withResolvers<string>()

test("a fixed number run at once, and the others follow in the order of their arrival", async () => {
  const turns = new TurnLimiter({ running: 2, waiting: 10, ofOneClient: 10 })
  const started: number[] = []
  const jobs = Array.from({ length: 5 }, job)
  const results = jobs.map(({ promise }, n) =>
    turns.run("a", () => {
      started.push(n)
      return promise
    }),
  )
  expect(started).toEqual([0, 1])
  jobs[1]?.resolve("one")
  expect(await results[1]).toBe("one")
  expect(started).toEqual([0, 1, 2])
  for (const { resolve } of jobs) resolve("done")
  expect(await Promise.all(results)).toEqual(["done", "one", "done", "done", "done"])
  expect(started).toEqual([0, 1, 2, 3, 4])
})

test("work that fails passes its place on", async () => {
  const turns = new TurnLimiter({ running: 1, waiting: 10, ofOneClient: 10 })
  const failed = turns.run("a", () => Promise.reject(new Error("no")))
  const next = turns.run("a", async () => "yes")
  expect(failed).rejects.toThrow("no")
  expect(await next).toBe("yes")
  expect(await turns.run("a", async () => "again")).toBe("again")
})

test("a client is refused at its own limit, and every client when the queue is full", async () => {
  const turns = new TurnLimiter({ running: 1, waiting: 3, ofOneClient: 2 })
  const { promise, resolve } = job()
  const work = () => promise
  const taken = [turns.run("greedy", work), turns.run("greedy", work)]
  expect(turns.run("greedy", work)).rejects.toBeInstanceOf(TooMany)
  taken.push(turns.run("modest", work), turns.run("modest", work))
  expect(turns.run("late", work)).rejects.toBeInstanceOf(TooMany)
  resolve("done")
  expect(await Promise.all(taken)).toEqual(["done", "done", "done", "done"])
  expect(await turns.run("greedy", work)).toBe("done")
})
