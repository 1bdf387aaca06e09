/**
 * Opens the database of this program: the one of DATABASE_URL, or the embedded PostgreSQL, started or already running.
 */
import postgres from "postgres"
import { BadConfig, type Config } from "#base/config.ts"
import { embeddedUrl, startEmbedded } from "./embedded/start.ts"
import { type WatchOptions, watchEmbedded } from "./embedded/watch.ts"

export interface OpenDatabase {
  readonly url: string
  readonly embedded: boolean
  /** Starts the embedded server again whenever it ends. Nobody but its operator can do so for another database. */
  readonly watch: (options: WatchOptions) => void
  /** Stops the embedded server if this process started it. */
  readonly stop: () => Promise<void>
}

/** For the server. The embedded PostgreSQL is started and belongs to this process. */
export async function openDatabase(config: Config, log: (line: string) => void): Promise<OpenDatabase> {
  if (config.databaseUrl) return given(config.databaseUrl)
  const embedded = await startEmbedded({ dataDir: config.dataDir, log })
  let unwatch = async () => {}
  return {
    url: embedded.url,
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
  if (config.databaseUrl) return given(config.databaseUrl)
  const url = await embeddedUrl(config.dataDir)
  if (url && (await answers(url)) === undefined) return { url, embedded: true, ...notOurs }
  return openDatabase(config, () => {})
}

async function given(url: string): Promise<OpenDatabase> {
  const problem = await answers(url)
  if (problem) {
    const address = URL.parse(url)
    const name = address?.pathname.slice(1) || "of DATABASE_URL"
    const where = address ? ` on ${address.host}` : ""
    throw new BadConfig(
      `The database ${name}${where} ${problem}. Start it, or correct DATABASE_URL; without DATABASE_URL an embedded one is used.`,
    )
  }
  return { url, embedded: false, ...notOurs }
}

const notOurs = { watch: () => {}, stop: async () => {} }

const connectTimeoutSeconds = 5

/** The problem, as the end of a sentence; undefined when the database answers. */
async function answers(url: string): Promise<string | undefined> {
  const sql = client(url)
  try {
    await sql`select 1`
    return undefined
  } catch (error) {
    if (error instanceof postgres.PostgresError) return `refuses the connection (${error.message})`
    return `does not answer (${(error as { code?: string }).code ?? (error as Error).message})`
  } finally {
    await sql.end({ timeout: 1 })
  }
}

/**
 * The driver takes several hosts, which URL does not. So the driver is asked to parse the text.
 * The driver's own error would show the password.
 */
function client(url: string): postgres.Sql {
  try {
    return postgres(url, { max: 1, connect_timeout: connectTimeoutSeconds, onnotice: () => {} })
  } catch {
    throw new BadConfig(
      "DATABASE_URL cannot be read: write it like postgres://user:password@host:5432/slotbase, with every special character of the password percent-encoded.",
    )
  }
}
