// Hints: immediate inside the process, coalesced between processes, and never needed.

import { afterAll, beforeAll, expect, jest, test } from "bun:test"
import { join } from "node:path"
import type { Db } from "#base/database/db.ts"
import { connectHints, onHint, sendHint } from "#base/hints.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let db: Db

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
})

afterAll(() => database.drop())

test("a hint reaches every listener at once, until the listener stops", () => {
  const heard: string[] = []
  const stops = [onHint("outbox", () => heard.push("a")), onHint("outbox", () => heard.push("b"))]
  const other = onHint("log", () => heard.push("log"))
  sendHint("outbox")
  expect(heard).toEqual(["a", "b"])
  stops[0]?.()
  sendHint("outbox")
  expect(heard).toEqual(["a", "b", "b"])
  stops[1]?.()
  other()
  sendHint("outbox")
  expect(heard).toHaveLength(3)
})

test("a hint reaches another process, many hints are coalesced into few, and its own process gets each one once", async () => {
  const other = Bun.spawn(
    [process.execPath, join(import.meta.dir, "../harness/pipeline/hear-hints.ts"), database.url],
    {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    },
  )
  let output = ""
  void (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of other.stdout) output += decoder.decode(chunk, { stream: true })
  })()
  const lines = (text: string) => output.split("\n").filter((line) => line === text).length
  await eventually(() => expect(lines("listening")).toBe(1), { withinMs: 10_000 })

  let here = 0
  const stopHearing = onHint("outbox", () => here++)
  const disconnect = await connectHints(db)
  const atConnection = here
  for (let times = 0; times < 1_000; times++) sendHint("outbox")
  sendHint("log")
  // One at once, and one after the pause for the other 999.
  await eventually(() => expect([lines("outbox"), lines("log")]).toEqual([2, 1]))
  expect(here - atConnection).toBe(1_000)

  // And from the other process to this one.
  other.kill("SIGUSR2")
  await eventually(() => expect(here - atConnection).toBe(1_001))
  stopHearing()
  await disconnect()
  other.kill("SIGTERM")
  expect(await other.exited).toBe(0)
})

test("between processes a hint is sent at once, and then at most once in four milliseconds", async () => {
  const sent: string[] = []
  const disconnect = await connectHints(wireTo(sent))
  jest.useFakeTimers()
  try {
    for (let times = 0; times < 100; times++) sendHint("outbox")
    expect(sent).toEqual(["outbox"])
    jest.advanceTimersByTime(3)
    sendHint("outbox")
    sendHint("log")
    expect(sent).toEqual(["outbox", "log"])
    jest.advanceTimersByTime(1)
    expect(sent).toEqual(["outbox", "log", "outbox"])
    // No hint came after the second one, so there is no third.
    jest.advanceTimersByTime(10_000)
    expect(sent).toEqual(["outbox", "log", "outbox"])
    sendHint("outbox")
    expect(sent).toEqual(["outbox", "log", "outbox", "outbox"])
  } finally {
    jest.useRealTimers()
    await disconnect()
  }
})

test("a new listener is called once, for hints that were raised before", async () => {
  let looks = 0
  const stop = onHint("subscriptions", () => looks++)
  const disconnect = await connectHints(db)
  await eventually(() => expect(looks).toBe(1))
  stop()
  await disconnect()
})

/** A database that only writes down which hints it is asked to tell the other processes. */
const wireTo = (told: string[]) =>
  ({
    listen: async () => ({ unlisten: async () => {} }),
    notify: async (_channel: string, payload: string) => void told.push(payload.split(" ")[1] as string),
  }) as unknown as Db
