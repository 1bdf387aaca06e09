// A PostgreSQL 18 of SlotBase's own, for a machine without one. Its binaries come from the npm package; it listens on
// the loopback only, and its files are in the data directory. The server runs in its own session: Ctrl-C in the
// terminal reaches SlotBase and not the database. The caller stops it last. A server left behind by a killed process is
// adopted. Two processes never start one on the same data directory.

import { chmod, chown, mkdir, mkdtemp, readdir, realpath, rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { openOnce } from "#base/database/open-once.ts"
import { findBinaries } from "./binaries.ts"
import { createCluster, writeSettings } from "./cluster.ts"
import { lockDataDir } from "./lock.ts"
import { chooseOsUser, mayEnter, type OsUser, ownerOf } from "./os-user.ts"
import { choosePort } from "./port.ts"
import { launchPostmaster, type Postmaster, runningPostmaster, sendSignal, stopPostmaster } from "./postmaster.ts"
import { type Remembered, readRemembered, remember } from "./remembered.ts"
import { EmbeddedUnavailable } from "./unavailable.ts"

export interface EmbeddedOptions {
  /** The folder that holds everything of this database; made when it does not exist. */
  dataDir: string
  /** Fails when this port is taken. Without it the port of the last start is used again, or a free one is chosen. */
  port?: number
  /** `postgresql.conf` settings on top of the defaults in embedded/cluster.ts. */
  settings?: Record<string, string>
  /** Receives one sentence for each thing that a person may want to know. */
  log?: (line: string) => void
}

export interface Embedded {
  /** Connection string of the database `slotbase`, password included. */
  url: string
  /** True when the server was already running, left behind by a killed process. */
  adopted: boolean
  /** The folder of the cluster. */
  cluster: string
  /** The process of the server as it was found or started. */
  started: Postmaster
  /** The process of the server that runs now; undefined when none runs. Waits for a server that is starting. */
  running(): Promise<Postmaster | undefined>
  /**
   * Starts an ended server again, on the same port and with the same settings, or takes one that somebody else started.
   * Never makes a new cluster. Fails with `EmbeddedUnavailable`.
   */
  revive(): Promise<Postmaster>
  /** Ends the server (fast shutdown) and waits until it is gone; a second call does nothing. */
  stop(): Promise<void>
}

/**
 * Starts or adopts the server of `dataDir`, and resolves when the server answers.
 * Fails with `EmbeddedUnavailable`; its message is one sentence that says what to do.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const log = options.log ?? (() => {})
  const dataDir = await makeDataDir(options.dataDir)
  const unlock = lockDataDir(dataDir)
  try {
    const earlier = await readRemembered(dataDir)
    const osUser = await chooseOsUser(join(earlier?.folder ?? dataDir, "postgres"), log)
    const remembered = earlier ?? (await firstMemory(dataDir, osUser, log))
    const cluster = join(remembered.folder ?? dataDir, "postgres")
    await refuseForeignCluster(cluster)

    let postmaster = await runningPostmaster(cluster)
    const adopted = postmaster !== undefined
    // An adopted server may have been stopped with SIGSTOP, and would not answer.
    if (postmaster !== undefined) sendSignal(postmaster.pid, "SIGCONT")
    postmaster ??= await start(dataDir, cluster, remembered, osUser, options)

    const { port } = postmaster
    const url = urlOf(port, remembered.password)
    await ensureDatabase(url)
    let stopping: Promise<void> | undefined
    // Reads the process id again: a DBA may have restarted the server, and another program may have got the old id.
    const stopCurrent = async () => {
      const current = await runningPostmaster(cluster)
      if (current) await stopPostmaster(current, cluster)
    }
    const stop = () => {
      stopping ??= stopCurrent().finally(unlock)
      return stopping
    }
    const revive = async () => {
      if ((await ownerOf(join(cluster, "PG_VERSION"))) === undefined) throw gone(cluster)
      const again =
        (await runningPostmaster(cluster)) ??
        (await launchPostmaster({
          ...{ cluster, osUser, binaries: await findBinaries(osUser) },
          logFile: join(dataDir, "postgres.log"),
        }))
      if (again.port !== port) throw moved(again.port, port)
      return again
    }
    return { url, adopted, cluster, started: postmaster, running: () => runningPostmaster(cluster), revive, stop }
  } catch (error) {
    unlock()
    throw error
  }
}

const gone = (cluster: string) =>
  new EmbeddedUnavailable(
    "gone",
    `The files of the embedded database in ${cluster} are gone; bring them back from a backup, or start with another SLOTBASE_DATA_DIR.`,
  )

const moved = (now: number, before: number) =>
  new EmbeddedUnavailable(
    "failed",
    `The embedded database was started on port ${now}, and SlotBase uses port ${before}; start SlotBase anew.`,
  )

/** The connection string of the server that now runs on `dataDir`; undefined when none runs. */
export async function embeddedUrl(dataDir: string): Promise<string | undefined> {
  const folder = await realpath(dataDir).catch(() => undefined)
  const remembered = folder === undefined ? undefined : await readRemembered(folder)
  if (folder === undefined || remembered === undefined) return undefined
  const postmaster = await runningPostmaster(join(remembered.folder ?? folder, "postgres"))
  return postmaster === undefined ? undefined : urlOf(postmaster.port, remembered.password)
}

async function makeDataDir(dataDir: string): Promise<string> {
  try {
    await mkdir(dataDir, { recursive: true })
    return await realpath(dataDir)
  } catch (cause) {
    throw new EmbeddedUnavailable(
      "unreachable",
      `The data directory ${dataDir} cannot be made or entered; set SLOTBASE_DATA_DIR to a folder of your own.`,
      { cause },
    )
  }
}

async function firstMemory(dataDir: string, osUser: OsUser | undefined, log: (line: string) => void) {
  const remembered: Remembered = { password: crypto.randomUUID().replaceAll("-", "") }
  if (osUser !== undefined && !(await mayEnter(osUser, dataDir))) {
    remembered.folder = await folderElsewhere(dataDir)
    log(`The user ${osUser.name} may not enter ${dataDir}, so the database's files are in ${remembered.folder}.`)
  }
  await remember(dataDir, remembered)
  return remembered
}

/**
 * The server's user cannot enter a folder below a 0700 folder such as /root. `postgres.json` in the data directory
 * remembers the other folder.
 */
async function folderElsewhere(dataDir: string): Promise<string> {
  const parent = "/var/lib/slotbase"
  try {
    await mkdir(parent, { recursive: true, mode: 0o755 })
    const folder = await mkdtemp(join(parent, "database-"))
    await chmod(folder, 0o711)
    await writeFile(join(folder, "belongs-to"), `${dataDir}\n`)
    return folder
  } catch (cause) {
    throw new EmbeddedUnavailable(
      "unreachable",
      `PostgreSQL's user may not enter ${dataDir} and ${parent} is not writable. Set SLOTBASE_DATA_DIR to a folder that every user may enter, or DATABASE_URL to an existing server.`,
      { cause },
    )
  }
}

/** A cluster made as root belongs to another user. PostgreSQL would refuse the cluster with less helpful words. */
async function refuseForeignCluster(cluster: string): Promise<void> {
  const uid = process.getuid?.()
  const owner = await ownerOf(cluster)
  if (uid === undefined || uid === 0 || owner === undefined || owner === uid) return
  throw new EmbeddedUnavailable(
    "unreachable",
    `The database in ${cluster} belongs to another user; start SlotBase as the user that made it, or set SLOTBASE_DATA_DIR to a folder of your own.`,
  )
}

async function start(
  dataDir: string,
  cluster: string,
  remembered: Remembered,
  osUser: OsUser | undefined,
  options: EmbeddedOptions,
): Promise<Postmaster> {
  const binaries = await findBinaries(osUser)
  if ((await ownerOf(cluster)) === undefined) await initialise(cluster, remembered, binaries, osUser, options)

  const portAttempts = 5
  let earlierPort = remembered.port
  for (let attempt = 1; ; attempt++) {
    const port = await choosePort(options.port, remembered.port)
    // Not written anew at each start: a start on a full disk must come as far as PostgreSQL's own reason.
    if (port !== earlierPort) await remember(dataDir, { ...remembered, port })
    earlierPort = port
    await writeSettings(cluster, { port: String(port), ...options.settings })
    try {
      return await launchPostmaster({ cluster, binaries, osUser, logFile: join(dataDir, "postgres.log") })
    } catch (error) {
      // Another program may have taken the port between the choice and the bind.
      const portLost = error instanceof EmbeddedUnavailable && error.reason === "port_taken"
      if (!portLost || options.port !== undefined || attempt === portAttempts) throw error
    }
  }
}

/**
 * Makes the cluster beside its final name and renames it when complete. A kill in the middle of initdb leaves no half
 * cluster.
 */
async function initialise(
  cluster: string,
  remembered: Remembered,
  binaries: string,
  osUser: OsUser | undefined,
  options: EmbeddedOptions,
): Promise<void> {
  const parent = join(cluster, "..")
  for (const name of await readdir(parent)) {
    if (name.startsWith("postgres.new-")) await rm(join(parent, name), { recursive: true, force: true })
  }
  const unfinished = await mkdtemp(join(parent, "postgres.new-"))
  if (osUser !== undefined) await chown(unfinished, osUser.uid, osUser.gid)
  const durable = options.settings?.fsync !== "off"
  await createCluster({ cluster: unfinished, binaries, osUser, password: remembered.password, durable })
  await rename(unfinished, cluster)
}

function urlOf(port: number, password: string): string {
  return `postgres://slotbase:${password}@127.0.0.1:${port}/slotbase`
}

async function ensureDatabase(url: string): Promise<void> {
  const maintenance = new URL(url)
  maintenance.pathname = "/postgres"
  const sql = openOnce(maintenance.href, "slotbase start")
  try {
    const [found] = await sql`select 1 from pg_database where datname = 'slotbase'`
    if (found === undefined) await sql`create database slotbase`
  } catch (cause) {
    throw new EmbeddedUnavailable(
      "failed",
      `The embedded PostgreSQL on port ${maintenance.port} does not let SlotBase in; see postgres.log in the data directory.`,
      { cause },
    )
  } finally {
    await sql.end({ timeout: 5 })
  }
}
