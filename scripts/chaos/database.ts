// The campaign's own PostgreSQL, with its durability on. It can be restarted and crashed. Each process logs in under
// its own name, so that the server's views name the process of each backend.

import { chmod, mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import postgres from "postgres"
import { connect, type Db } from "#base/database/db.ts"
import { type Embedded, startEmbedded } from "#base/database/embedded/start.ts"
import { migrate } from "#base/database/migrate.ts"

export interface Database {
  readonly url: string
  /** The campaign's connection; it reconnects by itself after a restart. */
  readonly db: Db
  /** A separate connection, for transactions and locks that stay open. The caller begins and ends them, and ends it. */
  readonly session: () => postgres.Sql
  /** The connection string for the process of this name; its user is created. */
  readonly urlOf: (name: string) => Promise<string>
  /** Stops PostgreSQL and starts it again. Fast: connections are cut, then a checkpoint. Immediate: as in a crash. */
  readonly restart: (mode: "fast" | "immediate") => Promise<void>
  readonly stop: () => Promise<void>
}

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
  let server: Embedded = await startEmbedded({ dataDir, settings })
  const { url } = server
  await migrate(url)
  const db = connect(url, { applicationName: "chaos", queryDeadlineMs: deadlineMs, transactionDeadlineMs: deadlineMs })
  await db`update slotbase.clock set movable = true`
  const [row] = await db<[{ folder: string }]>`select current_setting('data_directory') as folder`

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
    async restart(mode) {
      if (mode === "immediate") {
        const pid = Number((await readFile(join(row.folder, "postmaster.pid"), "utf8")).split("\n")[0])
        process.kill(pid, "SIGQUIT")
        while (isAlive(pid)) await Bun.sleep(5)
      }
      await server.stop()
      server = await startEmbedded({ dataDir, settings })
      if (server.url !== url) throw new Error(`PostgreSQL came back at ${server.url}, and was at ${url}`)
    },
    async stop() {
      await db.end()
      await server.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
