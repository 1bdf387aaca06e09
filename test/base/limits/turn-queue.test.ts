// Turns: how many jobs run at once, in which order the waiting follow, and which are refused.

import { expect, test } from "bun:test"
import { TooMany } from "#base/errors.ts"
import { TurnQueue } from "#base/limits/turn-queue.ts"

const job = () => Promise.withResolvers<string>()
const roomy = { running: 2, runningOfOne: 2, waiting: 100, waitingOfOne: 100 }

/** Starts a job of each client, and answers the jobs with the order in which they began. */
function start(queue: TurnQueue, clients: readonly string[]) {
  const began: string[] = []
  const jobs = clients.map((client, n) => {
    const { promise, resolve } = job()
    const done = queue.run(client, () => {
      began.push(`${client}${n}`)
      return promise
    })
    return { done, end: () => resolve("done") }
  })
  return { began, jobs }
}

test("a fixed number run at once, and those of one client follow in the order of their arrival", async () => {
  const { began, jobs } = start(new TurnQueue(roomy), ["a", "a", "a", "a", "a"])
  expect(began).toEqual(["a0", "a1"])
  jobs[1]?.end()
  await jobs[1]?.done
  expect(began).toEqual(["a0", "a1", "a2"])
  for (const { end } of jobs) end()
  expect(await Promise.all(jobs.map(({ done }) => done))).toEqual(["done", "done", "done", "done", "done"])
  expect(began).toEqual(["a0", "a1", "a2", "a3", "a4"])
})

test("clients take turns, however much work one of them brings", async () => {
  const { began, jobs } = start(new TurnQueue({ ...roomy, running: 1 }), ["a", "a", "a", "a", "b", "c", "b"])
  for (const { end, done } of [0, 1, 4, 5, 2, 6, 3].map((n) => jobs[n] as (typeof jobs)[number])) {
    end()
    await done
  }
  expect(began).toEqual(["a0", "a1", "b4", "c5", "a2", "b6", "a3"])
})

test("a client at its share of the running work leaves the rest to others, who wait for nothing", async () => {
  const { began, jobs } = start(new TurnQueue({ ...roomy, runningOfOne: 1 }), ["a", "a", "b"])
  expect(began).toEqual(["a0", "b2"])
  for (const { end } of jobs) end()
  await Promise.all(jobs.map(({ done }) => done))
  expect(began).toEqual(["a0", "b2", "a1"])
})

test("work that fails passes its place on", async () => {
  const queue = new TurnQueue({ ...roomy, running: 1 })
  const failed = queue.run("a", () => Promise.reject(new Error("no")))
  const next = queue.run("a", async () => "yes")
  expect(failed).rejects.toThrow("no")
  expect(await next).toBe("yes")
  expect(await queue.run("a", async () => "again")).toBe("again")
})

test("a client is refused at its own share of the places, and others still get one", async () => {
  const queue = new TurnQueue({ running: 1, runningOfOne: 1, waiting: 10, waitingOfOne: 1 })
  const { jobs } = start(queue, ["a", "a"])
  expect(queue.run("a", async () => "no")).rejects.toBeInstanceOf(TooMany)
  const other = queue.run("b", async () => "yes")
  for (const { end } of jobs) end()
  expect(await other).toBe("yes")
  expect(await queue.run("a", async () => "later")).toBe("later")
})

test("when all places are taken, the client with the most gives up its latest one", async () => {
  const queue = new TurnQueue({ running: 1, runningOfOne: 1, waiting: 3, waitingOfOne: 3 })
  const { began, jobs } = start(queue, ["a", "a", "a", "a", "b"])
  expect(jobs[3]?.done).rejects.toBeInstanceOf(TooMany)
  const late = queue.run("c", async () => "c")
  expect(jobs[2]?.done).rejects.toBeInstanceOf(TooMany)
  // Each of the three has one place now, and a newcomer can take none.
  expect(queue.run("d", async () => "d")).rejects.toBeInstanceOf(TooMany)
  for (const { end } of jobs) end()
  expect(await late).toBe("c")
  expect(began).toEqual(["a0", "a1", "b4"])
})
