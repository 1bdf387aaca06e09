/**
 * Opens the database of this program: the one of DATABASE_URL, or the embedded PostgreSQL, started or already running.
 */
import postgres from "postgres"
import { BadConfig, type Config } from "#base/config.ts"
import { databasePlace, parseConnectionString, withParameter } from "./connection-string.ts"
import { embeddedUrl, startEmbedded } from "./embedded/start.ts"
import { type WatchOptions, watchEmbedded } from "./embedded/watch.ts"
import { isConnectionRefused } from "./errors.ts"
import { openOnce } from "./open-once.ts"
import { missingSettings, type Pooling, poolingOf } from "./pooler.ts"

export interface OpenDatabase {
  /** For statements and transactions. Behind a pooler it says so in its parameter `pgbouncer`. */
  readonly url: string
  /** Where a session lasts: for LISTEN, and for work outside of transactions. */
  readonly sessionUrl: string
  readonly pooling: Pooling
  /** One sentence about what the pooler withholds. */
  readonly advice?: string
  readonly embedded: boolean
  /** Starts the embedded server again whenever it ends. Nobody but its operator can do so for another database. */
  readonly watch: (options: WatchOptions) => void
  /** Stops the embedded server if this process started it. */
  readonly stop: () => Promise<void>
}

/** For the server. The embedded PostgreSQL is started and belongs to this process. */
export async function openDatabase(config: Config, log: (line: string) => void): Promise<OpenDatabase> {
  if (config.databaseUrl) return given(config.databaseUrl, config.listenUrl)
  const embedded = await startEmbedded({ dataDir: config.dataDir, log })
  let unwatch = async () => {}
  return {
    url: embedded.url,
    sessionUrl: embedded.url,
    pooling: "none",
    embedded: true,
    watch: (options) => {
      unwatch = watchEmbedded(embedded, options)
    },
    stop: async () => {
      await unwatch()
      await embedded.stop()
    },
  }
}

/** For the command line. Uses the embedded PostgreSQL that is running, or starts one until the command ends. */
export async function reachDatabase(config: Config): Promise<OpenDatabase> {
  if (config.databaseUrl) return given(config.databaseUrl, config.listenUrl)
  const url = await embeddedUrl(config.dataDir)
  if (url && (await answers(url)) === undefined)
    return { url, sessionUrl: url, pooling: "none", embedded: true, ...notOurs }
  return openDatabase(config, () => {})
}

async function given(url: string, listenUrl: string | undefined): Promise<OpenDatabase> {
  await mustAnswer(
    url,
    "DATABASE_URL",
    "Start it, or correct DATABASE_URL; without DATABASE_URL an embedded one is used.",
  )
  const stated = parseConnectionString(url).parameters.get("pgbouncer")
  const pooling: Pooling = stated === undefined ? await poolingOf(url) : stated === "session" ? stated : "transaction"
  if (pooling === "statement")
    throw new BadConfig(
      "PgBouncer pools statements, and SlotBase needs transactions: set its pool_mode to transaction.",
    )
  if (pooling === "transaction" && listenUrl === undefined)
    throw new BadConfig(
      "PgBouncer pools transactions, and notifications do not pass it: set SLOTBASE_LISTEN_URL to the address of PostgreSQL itself.",
    )
  if (listenUrl !== undefined) await mustBeSameServer(url, listenUrl)
  const sessionUrl = listenUrl ?? url
  if (pooling === "none") return { url, sessionUrl, pooling, embedded: false, ...notOurs }
  const pooled = withParameter(url, "pgbouncer", pooling)
  const missing = await missingSettings(pooled)
  const advice = missing && `PgBouncer passes no settings on, so the role must have them: ${missing}.`
  const lasting = listenUrl ?? pooled
  return { url: pooled, sessionUrl: lasting, pooling, ...(advice && { advice }), embedded: false, ...notOurs }
}

/** The database must answer; otherwise one sentence says where it was sought, and what to do. */
async function mustAnswer(url: string, variable: string, remedy: string): Promise<void> {
  const place = databasePlace(parseConnectionString(url, variable))
  const problem = await answers(url)
  if (problem) throw new BadConfig(`The database ${place} ${problem}. ${remedy}`)
}

async function mustBeSameServer(url: string, listenUrl: string): Promise<void> {
  await mustAnswer(listenUrl, "SLOTBASE_LISTEN_URL", "Correct SLOTBASE_LISTEN_URL.")
  const pooling = await poolingOf(listenUrl)
  if (pooling === "transaction" || pooling === "statement")
    throw new BadConfig(
      "SLOTBASE_LISTEN_URL leads to a pooler, which keeps notifications back: set it to the address of PostgreSQL itself.",
    )
  const [one, other] = await Promise.all([identityOf(url), identityOf(listenUrl)])
  if (one !== other)
    throw new BadConfig("SLOTBASE_LISTEN_URL leads to another database than DATABASE_URL: correct one of the two.")
}

/** The database, and the start of its server. */
async function identityOf(url: string): Promise<string> {
  const sql = openOnce(withParameter(url, "pgbouncer", "transaction"), "slotbase start")
  try {
    const [row] = await sql<[{ identity: string }]>`
      select current_database() || ' ' || oid || ' ' || extract(epoch from pg_postmaster_start_time()) as identity
      from pg_database where datname = current_database()`
    return row.identity
  } finally {
    await sql.end({ timeout: 1 })
  }
}

const notOurs = { watch: () => {}, stop: async () => {} }

/** The problem, as the end of a sentence; undefined when the database answers. */
async function answers(url: string): Promise<string | undefined> {
  const sql = openOnce(withParameter(url, "pgbouncer", "transaction"), "slotbase start")
  try {
    await sql`select 1`
    return undefined
  } catch (error) {
    if (isConnectionRefused(error, 0))
      return `has no connection for one more session (${(error as Error).message}); a process needs ${leastConnections} at least`
    if (error instanceof postgres.PostgresError) return `refuses the connection (${error.message})`
    const { code = "", message } = error as { code?: string; message: string }
    return `does not answer (${sayings[code] ?? (code || message)})`
  } finally {
    await sql.end({ timeout: 1 })
  }
}

/**
 * Connections of a process with actors: for requests, for LISTEN, for the actors' work, for the life sign, for pg-boss,
 * and for the hourly retention.
 */
export const leastConnections = 6

const sayings: Readonly<Record<string, string>> = {
  SSL_REFUSED: "it offers no TLS, which sslmode asks for",
  CHANNEL_BINDING_REFUSED: "it does not bind the password to TLS, which channel_binding asks for",
  CONNECTION_DESTROYED: "no host is of the kind that target_session_attrs asks for",
}
