/**
 * Whether a pooler, such as PgBouncer, stands before the database, and what it pools. Found by asking: PostgreSQL names
 * its own process at the start of a connection, and a pooler names another. Two connections that share a process show
 * that each transaction may meet another one.
 */
import type postgres from "postgres"
import { withParameter } from "./connection-string.ts"
import { openOnce } from "./open-once.ts"

/** What a client keeps: the server itself, one server connection per session, or one per transaction. */
export type Pooling = "none" | "session" | "transaction" | "statement"

/** Other clients may take the connection that would have been shared. */
const rounds = 8
/** A pool of sessions that is used up lets the second connection wait. */
const waitMs = 1_500

/** Throws what the first connection throws. */
export async function poolingOf(url: string): Promise<Pooling> {
  // Start-up parameters, and statements with names, might already be refused.
  const careful = withParameter(url, "pgbouncer", "transaction")
  const [one, other] = [openOnce(careful, "slotbase pooler"), openOnce(careful, "slotbase pooler")]
  try {
    const own = await pidOf(one)
    if (own.pid === own.named) return "none"
    for (let round = 0; round < rounds; round++) {
      const shared = await within(waitMs, sharesProcess(one, other))
      if (shared === undefined) return "session"
      if (shared) return "transaction"
    }
    return "session"
  } catch (error) {
    if (/statement pooling mode/.test((error as Error).message)) return "statement"
    throw error
  } finally {
    await Promise.all([one.end({ timeout: 0 }), other.end({ timeout: 0 })])
  }
}

/** While the other connection is inside a transaction, it keeps its process; a session keeps its own all the time. */
async function sharesProcess(one: postgres.Sql, other: postgres.Sql): Promise<boolean> {
  const before = (await pidOf(one)).pid
  return other.begin(async (tx) => {
    const theirs = (await pidOf(tx)).pid
    return theirs === before || (await pidOf(one)).pid !== before
  })
}

/** The process that answers, and the one that was named at the start of the connection. */
async function pidOf(sql: postgres.ISql): Promise<{ pid: number; named: number | null }> {
  const rows = await sql<[{ pid: number }]>`select pg_backend_pid() as pid`
  return { pid: rows[0].pid, named: rows.state.pid }
}

/** Undefined after this time. */
async function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => late.resolve(undefined), ms)
  work.catch(() => {})
  return Promise.race([work, late.promise]).finally(() => clearTimeout(timer))
}

/** The settings that connections bring along where no pooler stands between; pool.ts says what each is for. */
const settings = {
  statement_timeout: "11s",
  idle_in_transaction_session_timeout: "16s",
  enable_seqscan: "off",
  jit: "off",
} as const

/** The statements that give the role what the pooler does not pass on; undefined when it has all of it. */
export async function missingSettings(url: string): Promise<string | undefined> {
  const sql = openOnce(url, "slotbase pooler")
  try {
    const rows = await sql<{ name: string; setting: string; role: string }[]>`
      select name, setting, quote_ident(current_user) as role from pg_settings where name = any (${Object.keys(settings)})`
    const lacks = rows.filter(({ name, setting }) => (name.endsWith("timeout") ? setting === "0" : setting !== "off"))
    if (lacks.length === 0) return undefined
    return lacks
      .map(({ name, role }) => `alter role ${role} set ${name} = '${settings[name as keyof typeof settings]}'`)
      .sort()
      .join("; ")
  } finally {
    await sql.end({ timeout: 1 })
  }
}
