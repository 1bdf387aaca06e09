// The embedded PostgreSQL, in a data directory with spaces and a long path. It must survive the loss of its owner, its
// postmaster or its port.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import postgres from "postgres"
import { findBinaries } from "#base/database/embedded/binaries.ts"
import { chooseOsUser } from "#base/database/embedded/os-user.ts"
import { launchPostmaster, runningPostmaster } from "#base/database/embedded/postmaster.ts"
import { embeddedUrl, startEmbedded } from "#base/database/embedded/start.ts"
import { EmbeddedUnavailable } from "#base/database/embedded/unavailable.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

// These databases need not survive a power cut.
const settings = { fsync: "off" }
let folder: string
let dataDir: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slotbase embedded "))
  // When the tests run as root, the server runs as another user, which must be able to enter.
  await Bun.spawn(["chmod", "755", folder]).exited
  dataDir = join(folder, "a path longer than the 107 bytes of a unix socket ".repeat(3).trim())
})

afterAll(() => rm(folder, { recursive: true, force: true }))

test("starts from nothing, can be found by its address while it runs, and keeps its data", async () => {
  expect(await embeddedUrl(dataDir)).toBeUndefined()
  const first = await startEmbedded({ dataDir, settings })
  expect(first.adopted).toBe(false)
  expect(await embeddedUrl(dataDir)).toBe(first.url)
  await query(first.url, "create table kept as select 42 as answer")
  await first.stop()
  expect(await embeddedUrl(dataDir)).toBeUndefined()

  const second = await startEmbedded({ dataDir, settings })
  try {
    expect(second.url).toBe(first.url)
    expect(await query(second.url, "select answer from kept")).toEqual([{ answer: 42 }])
  } finally {
    await second.stop()
  }
}, 30_000)

test("listens on the loopback only, asks for the password, and has no socket", async () => {
  const server = await startEmbedded({ dataDir, settings })
  try {
    const [shown] = await query(
      server.url,
      `select current_setting('listen_addresses') as addresses, current_setting('unix_socket_directories') as sockets,
              current_setting('max_connections') as connections, current_setting('server_version_num')::int / 10000 as version`,
    )
    expect(shown).toEqual({ addresses: "127.0.0.1", sockets: "", connections: "100", version: 18 })
    const wrong = new URL(server.url)
    wrong.password = "wrong"
    await expect(query(wrong.href, "select 1")).rejects.toThrow('password authentication failed for user "slotbase"')
    expect((await stat(join(dataDir, "postgres.json"))).mode & 0o777).toBe(0o600)
  } finally {
    await server.stop()
  }
}, 30_000)

test("a second start on the same data directory is refused in one sentence", async () => {
  const server = await startEmbedded({ dataDir, settings })
  try {
    const refusal = await startEmbedded({ dataDir }).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(EmbeddedUnavailable)
    expect(refusal).toMatchObject({
      reason: "already_running",
      message: `Another SlotBase is already running on ${dataDir}; stop it, or set SLOTBASE_DATA_DIR to another folder.`,
    })
  } finally {
    await server.stop()
  }
}, 30_000)

test("Ctrl-C in the owner's terminal does not reach the server, and after a kill -9 of the owner it is adopted", async () => {
  const owner = Bun.spawn([process.execPath, join(import.meta.dir, "embedded-owner.ts"), dataDir], {
    detached: true,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  })
  const url = await firstLine(owner.stdout)
  const pid = await postmasterPid()
  process.kill(-owner.pid, "SIGINT")
  process.kill(-owner.pid, "SIGKILL")
  await owner.exited

  expect(await query(url, "select 1 as up")).toEqual([{ up: 1 }])
  const adopted = await startEmbedded({ dataDir, settings })
  try {
    expect(adopted).toMatchObject({ url, adopted: true })
    expect(await postmasterPid()).toBe(pid)
  } finally {
    await adopted.stop()
  }
  expect(await embeddedUrl(dataDir)).toBeUndefined()
}, 30_000)

test("a server that was killed is started again, also when another program has its process id by now", async () => {
  const killed = await startEmbedded({ dataDir, settings })
  const pid = await postmasterPid()
  process.kill(pid, "SIGKILL")
  await eventually(async () => expect(await embeddedUrl(dataDir)).toBeUndefined())
  await killed.stop()

  const pidFile = join(dataDir, "postgres", "postmaster.pid")
  const lines = (await readFile(pidFile, "utf8")).split("\n")
  await writeFile(pidFile, [process.pid, ...lines.slice(1)].join("\n"))
  const again = await startEmbedded({ dataDir, settings })
  try {
    expect(again.adopted).toBe(false)
    expect(await query(again.url, "select answer from kept")).toEqual([{ answer: 42 }])
  } finally {
    await again.stop()
  }
}, 30_000)

test("a server that was restarted meanwhile is stopped as well", async () => {
  const server = await startEmbedded({ dataDir, settings })
  const cluster = join(dataDir, "postgres")
  const first = await runningPostmaster(cluster)
  process.kill(first?.pid ?? Number.NaN, "SIGINT")
  await eventually(async () => expect(await embeddedUrl(dataDir)).toBeUndefined(), { withinMs: 10_000 })
  const osUser = await chooseOsUser(cluster, () => {})
  await launchPostmaster({
    cluster,
    osUser,
    binaries: await findBinaries(osUser),
    logFile: join(dataDir, "postgres.log"),
  })
  await server.stop()
  expect(await embeddedUrl(dataDir)).toBeUndefined()
}, 30_000)

test("a configured port that is taken is refused, and a remembered one that is taken is replaced", async () => {
  const before = await startEmbedded({ dataDir, settings })
  await before.stop()
  const port = Number(new URL(before.url).port)
  const occupant = createServer()
  await new Promise<void>((resolve) => occupant.listen({ port, host: "127.0.0.1" }, resolve))
  try {
    const refusal = await startEmbedded({ dataDir, settings, port }).catch((error: unknown) => error)
    expect(refusal).toMatchObject({
      reason: "port_taken",
      message: `Port ${port}, wanted for the database, is taken; choose another one.`,
    })
    const moved = await startEmbedded({ dataDir, settings })
    expect(Number(new URL(moved.url).port)).not.toBe(port)
    await moved.stop()
  } finally {
    await new Promise((resolve) => occupant.close(resolve))
  }
}, 30_000)

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  try {
    return [...(await sql.unsafe(text))]
  } finally {
    await sql.end({ timeout: 1 })
  }
}

async function postmasterPid(): Promise<number> {
  return Number((await readFile(join(dataDir, "postgres", "postmaster.pid"), "utf8")).split("\n")[0])
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = ""
  for await (const chunk of stream) {
    text += new TextDecoder().decode(chunk)
    const end = text.indexOf("\n")
    if (end >= 0) return text.slice(0, end)
  }
  throw new Error(`the owner ended after ${text}`)
}

test("a server that ended before it had written its process id is started again", async () => {
  const server = await startEmbedded({ dataDir, settings })
  await server.stop()
  await writeFile(join(server.cluster, "postmaster.pid"), "")
  const again = await startEmbedded({ dataDir, settings })
  await again.stop()
}, 30_000)

test("a log that cannot be written is refused in one sentence", async () => {
  const server = await startEmbedded({ dataDir, settings })
  await server.stop()
  const log = join(dataDir, "postgres.log")
  await rm(log)
  await mkdir(log)
  try {
    const refusal = await startEmbedded({ dataDir, settings }).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(EmbeddedUnavailable)
    expect((refusal as Error).message).toContain("cannot be written")
  } finally {
    await rm(log, { recursive: true })
  }
}, 30_000)
