// The campaign's own PostgreSQL, with its durability on. It can be ended in several ways, and the program's watcher
// starts it again. Each process logs in under its own name. So the server's views name the process of each backend.

import { chmod, chown, mkdir, mkdtemp, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import postgres from "postgres"
import { connect, type Db } from "#base/database/db.ts"
import { startEmbedded } from "#base/database/embedded/start.ts"
import { watchEmbedded } from "#base/database/embedded/watch.ts"
import { migrate } from "#base/database/migrate.ts"
import { smallVolume } from "#test/harness/setup/small-volume.ts"

export interface Database {
  readonly url: string
  /** The campaign's connection; it reconnects by itself after a restart. */
  readonly db: Db
  /** A separate connection, for transactions and locks that stay open. The caller begins and ends them, and ends it. */
  readonly session: () => postgres.Sql
  /** The connection string for the process of this name; its user is created. */
  readonly urlOf: (name: string) => Promise<string>
  /**
   * Ends PostgreSQL; resolves when its watcher has started it again. Fast: connections are cut, then a checkpoint.
   * Immediate: as in a crash. Killed: the backends notice by themselves. Stopped: the watcher continues the process.
   */
  readonly restart: (mode: keyof typeof signals) => Promise<void>
  /** Moves a table to a small volume of its own; undefined where this user may not mount one. */
  readonly onSmallVolume: (table: string) => Promise<SmallPlace | undefined>
  readonly stop: () => Promise<void>
}

/** The place of a table that can be filled up. */
export interface SmallPlace {
  readonly fill: () => void
  readonly makeRoom: () => Promise<void>
  /** Moves the table back. */
  readonly leave: () => Promise<void>
}

const signals = { fast: "SIGINT", immediate: "SIGQUIT", killed: "SIGKILL", stopped: "SIGSTOP" } as const
const backWithinMs = 60_000
/** A few thousand bookings take less. */
const volumeMegabytes = 16

const settings = {
  // For nine processes of the long form with a pool of twenty each, and the campaign itself.
  max_connections: "300",
  // The order of commits is checked against the order of positions.
  track_commit_timestamp: "on",
}
const password = "campaign"
/** Long, because the checks read whole tables. */
const deadlineMs = 120_000

export async function startDatabase(): Promise<Database> {
  const dataDir = await mkdtemp(join(tmpdir(), "slotbase-chaos-"))
  // When this runs as root, PostgreSQL runs as another user, and that user must be able to enter.
  await chmod(dataDir, 0o711)
  const server = await startEmbedded({ dataDir, settings })
  const { url } = server
  let lost: Error | undefined
  const unwatch = watchEmbedded(server, {
    onLost: (reason) => {
      lost = reason
    },
  })
  await migrate(url)
  const db = connect(url, { applicationName: "chaos", queryDeadlineMs: deadlineMs, transactionDeadlineMs: deadlineMs })
  await db`update slotbase.clock set movable = true`

  /** When PostgreSQL was started, by itself; changes with each start. */
  const startedAt = async () => {
    const [row] = await db<[{ at: string }]>`select pg_postmaster_start_time()::text as at`
    return row.at
  }

  async function endAndWait(signal: NodeJS.Signals): Promise<void> {
    const [before, running] = [await startedAt(), await server.running()]
    if (running === undefined) throw new Error("PostgreSQL does not run")
    process.kill(running.pid, signal)
    const deadline = performance.now() + backWithinMs
    const isBack = async () => {
      if (signal !== "SIGSTOP") return (await startedAt()) !== before
      // The old connections work; a new one needs the postmaster.
      const probe = postgres(url, { max: 1, onnotice: () => {}, connect_timeout: 5 })
      return probe`select 1`.then(() => true).finally(() => probe.end({ timeout: 0 }))
    }
    while (!(await isBack().catch(() => false))) {
      if (lost !== undefined || performance.now() > deadline)
        throw lost ?? new Error(`PostgreSQL is not back after ${backWithinMs} ms`)
      await Bun.sleep(5)
    }
  }

  return {
    url,
    db,
    session: () =>
      postgres(url, { max: 1, onnotice: () => {}, idle_timeout: 0, connection: { application_name: "chaos" } }),
    async urlOf(name) {
      await db.unsafe(`create role "${name}" superuser login password '${password}'`)
      const address = new URL(url)
      address.username = name
      address.password = password
      return address.href
    },
    restart: (mode) => endAndWait(signals[mode]),
    async onSmallVolume(table) {
      const volume = await smallVolume(volumeMegabytes)
      if (volume === undefined) return undefined
      const place = join(volume.path, "tablespace")
      const owner = await stat(server.cluster)
      await mkdir(place, { mode: 0o700 })
      await chown(place, owner.uid, owner.gid)
      await db.unsafe(`create tablespace slotbase_small location '${place}'`)
      await db.unsafe(`alter table ${table} set tablespace slotbase_small`)
      return {
        fill: volume.fill,
        makeRoom: volume.makeRoom,
        async leave() {
          await db.unsafe(`alter table ${table} set tablespace pg_default`)
          await db.unsafe("drop tablespace slotbase_small")
          await volume.remove()
        },
      }
    },
    async stop() {
      await db.end()
      await unwatch()
      await server.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
