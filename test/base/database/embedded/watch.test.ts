// The watcher of the embedded PostgreSQL: real deaths of a real server in a data directory of its own. What was
// committed before a death is there after it.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test"
import { mkdtemp, readFile, rename, rm } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import postgres from "postgres"
import { type Embedded, embeddedUrl, startEmbedded } from "#base/database/embedded/start.ts"
import type { EmbeddedUnavailable } from "#base/database/embedded/unavailable.ts"
import { databasePart, watchEmbedded } from "#base/database/embedded/watch.ts"
import { parts } from "#base/parts.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

const settings = { fsync: "off" }
/** Shorter than usual, so that the tests take seconds. */
const times = { askEveryMs: 300, answerWithinMs: 500, delaysMs: [0, 50, 50] }
const wellWithinMs = 10_000
let dataDir: string
let server: Embedded
let sql: postgres.Sql
let unwatch: () => Promise<void>
let lost: EmbeddedUnavailable[]
let rows = 0

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "slotbase-watch-"))
  await Bun.spawn(["chmod", "755", dataDir]).exited
})
afterAll(() => rm(dataDir, { recursive: true, force: true }))

beforeEach(async () => {
  server = await startEmbedded({ dataDir, settings })
  sql = postgres(server.url, { max: 1, onnotice: () => {}, backoff: () => 0.05 })
  await sql`create table if not exists kept (nr integer)`
  lost = []
  unwatch = watchEmbedded(server, { onLost: (reason) => lost.push(reason), times })
})
afterEach(async () => {
  await unwatch()
  await sql.end({ timeout: 0 })
  await server.stop()
})

test("a server that is killed, stopped or crashed runs again at the same address, with all that was committed", async () => {
  const deaths: NodeJS.Signals[] = ["SIGKILL", "SIGINT", "SIGQUIT"]
  for (const [nth, signal] of deaths.entries()) {
    await sql`insert into kept values (${++rows})`
    const pid = await postmaster()
    process.kill(pid, signal)
    await eventually(async () => expect(await postmaster()).not.toBe(pid), { withinMs: wellWithinMs })
    await wellAgain(nth + 1)
    expect(await count()).toBe(rows)
  }
  expect(lost).toEqual([])
}, 40_000)

test("a server with a session that waits, told to end when the sessions have ended, ends and runs again", async () => {
  const pid = await postmaster()
  process.kill(pid, "SIGTERM")
  await eventually(async () => expect(await postmaster()).not.toBe(pid), { withinMs: 15_000 })
  await wellAgain(1)
}, 30_000)

test("a server that waits for its sessions already when the watch begins ends as well, and runs again", async () => {
  await unwatch()
  const pid = await postmaster()
  process.kill(pid, "SIGTERM")
  const file = join(dataDir, "postgres", "postmaster.pid")
  await eventually(async () => expect(await readFile(file, "utf8")).toContain("stopping"))
  unwatch = watchEmbedded(server, { onLost: (reason) => lost.push(reason), times })
  await eventually(async () => expect(await postmaster()).not.toBe(pid), { withinMs: wellWithinMs })
  await wellAgain(1)
}, 30_000)

test("a server that is stopped is continued, and is not restarted", async () => {
  const pid = await postmaster()
  process.kill(pid, "SIGSTOP")
  await eventually(async () => expect(await stateOf(pid)).toBe("T"))
  await eventually(async () => expect(await stateOf(pid)).not.toBe("T"), { withinMs: wellWithinMs })
  await eventually(() => expect(parts.get(databasePart)).toMatchObject({ state: "well", restarts: 0 }))
  expect(await postmaster()).toBe(pid)
  expect(await count()).toBe(rows)
}, 30_000)

test("a backend that is stopped when its postmaster is killed does not keep the server from starting", async () => {
  const [backend] = await sql<[{ pid: number }]>`select pg_backend_pid() as pid`
  process.kill(backend.pid, "SIGSTOP")
  const pid = await postmaster()
  process.kill(pid, "SIGKILL")
  await eventually(async () => expect(await stateOf(backend.pid)).toBe(undefined), { withinMs: wellWithinMs })
  await wellAgain(1)
  expect(await count()).toBe(rows)
}, 30_000)

test("a backend that is killed, as by a system out of memory, is no death of the server", async () => {
  const [backend] = await sql<[{ pid: number }]>`select pg_backend_pid() as pid`
  const pid = await postmaster()
  process.kill(backend.pid, "SIGKILL")
  await eventually(async () => expect(await count()).toBe(rows), { withinMs: wellWithinMs })
  expect(await postmaster()).toBe(pid)
  expect(parts.get(databasePart)?.restarts).toBe(0)
}, 30_000)

test("a watch that ends while the server is started leaves no server behind", async () => {
  process.kill(await postmaster(), "SIGKILL")
  await eventually(() => expect(parts.get(databasePart)?.state).toBe("ill"))
  await unwatch()
  await server.stop()
  expect(await embeddedUrl(dataDir)).toBeUndefined()
  expect(lost).toEqual([])
}, 30_000)

test("files that are gone are no reason to make a new database: the watcher gives up at once", async () => {
  const cluster = join(dataDir, "postgres")
  await rename(cluster, `${cluster}.away`)
  try {
    await eventually(() => expect(lost).toHaveLength(1), { withinMs: wellWithinMs })
    expect(lost[0]).toMatchObject({
      reason: "gone",
      message: `The files of the embedded database in ${cluster} are gone; bring them back from a backup, or start with another SLOTBASE_DATA_DIR.`,
    })
    expect(parts.get(databasePart)).toMatchObject({
      state: "ill",
      reason: "The embedded PostgreSQL cannot be started again.",
    })
  } finally {
    await rename(`${cluster}.away`, cluster)
  }
}, 30_000)

test("a port that another program has taken is tried a few times, and then given up", async () => {
  const occupant = createServer()
  const pid = await postmaster()
  process.kill(pid, "SIGSTOP")
  process.kill(pid, "SIGKILL")
  const { port } = new URL(server.url)
  await eventually(
    () =>
      new Promise<void>((resolve, reject) => {
        occupant.once("error", reject)
        occupant.listen({ port: Number(port), host: "127.0.0.1", exclusive: true }, resolve)
      }),
  )
  try {
    await eventually(() => expect(lost).toHaveLength(1), { withinMs: wellWithinMs })
    expect(lost[0]?.reason).toBe("port_taken")
  } finally {
    await new Promise((resolve) => occupant.close(resolve))
  }
}, 90_000)

async function postmaster(): Promise<number> {
  const text = await readFile(join(dataDir, "postgres", "postmaster.pid"), "utf8").catch(() => "0")
  return Number(text.split("\n")[0])
}

/** The letter of the process's state; undefined when there is no such process, or only its zombie. */
async function stateOf(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "")
  const state = /\) (\S)/.exec(text)?.[1]
  return state === "Z" ? undefined : state
}

const wellAgain = (restarts: number) =>
  eventually(() => expect(parts.get(databasePart)).toEqual({ part: databasePart, state: "well", restarts }), {
    withinMs: wellWithinMs,
  })

/** Repeats the question while the server comes back. */
const count = () =>
  eventually(async () => {
    const [row] = await sql<[{ count: number }]>`select count(*)::integer as count from kept`
    return row.count
  })
