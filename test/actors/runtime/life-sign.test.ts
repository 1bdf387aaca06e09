// Life signs: a process that is stopped or killed loses its work to another within five seconds, and when it is
// continued it changes nothing.

import { afterAll, beforeAll, expect, jest, test } from "bun:test"
import { join } from "node:path"
import { startLifeSign } from "#actors/runtime/life-sign.ts"
import type { Db } from "#base/database/db.ts"
import { dispatchAll, recordMany, runsOf, subscribe } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let db: Db

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  await db`create table handled (position bigint not null, pid integer not null)`
  // A row that every run updates: a process that is stopped holds its lock.
  await db`create table figures as select 0 as handled`
  await db`create table gate (pid integer primary key)`
  await subscribe(db, "AnalyticsHandler", "booking.confirmed")
})

afterAll(() => database.drop())

test("a process counts as live for two seconds, renews its life sign twice a second, and ends it at its stop", async () => {
  const sign = await startLifeSign(db, "actors", "1.2.3")
  const row = async () => {
    const [found] = await db<[{ role: string; version: string; pid: number; left: number }]>`
      select role, version, pid, extract(epoch from alive_until - clock_timestamp())::real as left
      from slotbase.processes where id = ${sign.owner()}`
    return found
  }
  expect(await row()).toMatchObject({ role: "actors", version: "1.2.3", pid: process.pid })
  await eventually(async () => expect((await row()).left).toBeGreaterThan(1.6))
  await db`update slotbase.processes set alive_until = clock_timestamp() where id = ${sign.owner()}`
  await eventually(async () => expect((await row()).left).toBeGreaterThan(1.6))
  await sign.stop()
  expect((await row()).left).toBeLessThanOrEqual(0)
})

test("a process that had expired joins anew with its next sign, and keeps that instant", async () => {
  const sign = await startLifeSign(db, "actors", "1.2.3")
  const joined = async () => {
    const [found] = await db<[{ lease: number; at: Date; until: Date }]>`
      select joined_lease as lease, joined_at as at, alive_until as until from slotbase.processes where id = ${sign.owner()}`
    return found
  }
  const first = await joined()
  const renewed = await eventually(async () => {
    const next = await joined()
    expect(next.until.getTime()).toBeGreaterThan(first.until.getTime())
    return next
  })
  expect([renewed.lease, renewed.at]).toEqual([first.lease, first.at])
  await db`update slotbase.processes set alive_until = clock_timestamp() where id = ${sign.owner()}`
  const again = await eventually(async () => {
    const next = await joined()
    expect(next.lease).toBeGreaterThan(first.lease)
    return next
  })
  expect(again.at.getTime()).toBeGreaterThan(first.at.getTime())
  await sign.stop()
})

test("four signs fit into the time for which a process is believed", async () => {
  const written: { readonly statement: string; readonly values: readonly unknown[] }[] = []
  const quick = (async (strings: TemplateStringsArray, ...values: unknown[]) => {
    written.push({ statement: strings.join("?").trim().split(" ")[0] as string, values })
    return Object.assign([{ id: 7 }], { count: 1 })
  }) as unknown as Db
  jest.useFakeTimers()
  try {
    const sign = await startLifeSign(quick, "actors", "1.2.3")
    for (let beats = 0; beats < 4; beats++) {
      expect(written).toHaveLength(1 + beats)
      jest.advanceTimersByTime(499)
      expect(written).toHaveLength(1 + beats)
      jest.advanceTimersByTime(1)
      await sent()
    }
    await sign.stop()
  } finally {
    jest.useRealTimers()
  }
  expect(written.map(({ statement }) => statement)).toEqual([
    "insert",
    "update",
    "update",
    "update",
    "update",
    "update",
  ])
  expect(written.slice(0, 5).map(({ values }) => values.includes(2_000))).toEqual([true, true, true, true, true])
})

/** Resolves when all work that waits for no timer is done. */
const sent = async () => {
  for (let turn = 0; turn < 10; turn++) await undefined
}

test("a process whose row is gone registers again, under a new name", async () => {
  const sign = await startLifeSign(db, "actors", "1.2.3")
  const before = sign.owner()
  await db`delete from slotbase.processes where id = ${before}`
  await eventually(() => expect(sign.owner()).toBeGreaterThan(before))
  await sign.stop()
})

test("the runs of a stopped process are handled by another; continued, the process changes nothing", async () => {
  const first = await start()
  await db`insert into gate values (${first.pid})`
  await recordMany(db, 10)
  await dispatchAll(db)
  await first.says("handling")
  first.kill("SIGSTOP")
  const second = await start()
  await eventually(async () => expect(await successes()).toBe(10))
  await db`delete from gate`
  first.kill("SIGCONT")

  // It goes on, finds that its tokens are void, and then handles its part of the new events.
  await recordMany(db, 10)
  await dispatchAll(db)
  await eventually(async () => expect(await successes()).toBe(20))
  await first.end()
  await second.end()
  const rows = await db<{ position: number; pid: number }[]>`select position, pid from handled order by position`
  expect(rows.map((row) => row.position)).toEqual(Array.from({ length: 20 }, (_, nth) => nth + 1))
  expect(new Set(rows.slice(0, 10).map((row) => row.pid))).toEqual(new Set([second.pid]))
  expect([...(await db`select handled from figures`)] as object[]).toEqual([{ handled: 20 }])
  expect((await runsOf(db, "AnalyticsHandler")).map((run) => run.attempts)).toEqual(Array(20).fill(1))
}, 30_000)

async function successes(): Promise<number> {
  return (await runsOf(db, "AnalyticsHandler")).filter((run) => run.status === "success").length
}

/** The harness's process with one handler; resolves when it has registered. */
async function start() {
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, "../../harness/pipeline/run-one-handler.ts"), database.url],
    {
      env: { ...process.env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    },
  )
  let output = ""
  void (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of child.stdout) output += decoder.decode(chunk, { stream: true })
  })()
  const says = (text: string) => eventually(() => expect(output).toContain(text))
  await says("owner")
  return {
    pid: child.pid,
    says,
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    end: async () => {
      child.kill("SIGTERM")
      await child.exited
    },
  }
}
