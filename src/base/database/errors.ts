// The failures between the program and PostgreSQL, as states that a caller can branch on.

/**
 * No answer within the deadline.
 * - Sent: the outcome is unknown. The statement may still run, the transaction may have committed, and the pool was
 *   given up.
 * - Not sent: the statement waited for a connection until the deadline.
 */
export class QueryTimedOut extends Error {
  readonly _tag = "QueryTimedOut"

  constructor(
    readonly what: "query" | "transaction",
    readonly afterMs: number,
    readonly sent: boolean,
  ) {
    const outcome = sent ? "its outcome is unknown" : "it was not sent, because no connection was free"
    super(`no answer to the ${what} within ${afterMs} ms; ${outcome}`)
    this.name = "QueryTimedOut"
  }
}

/** A statement was sent through a transaction that had already committed, rolled back or been given up. */
export class TransactionOver extends Error {
  readonly _tag = "TransactionOver"

  constructor() {
    super("the transaction is over: a statement was sent after its function had returned")
    this.name = "TransactionOver"
  }
}

/** Whether the connection was lost or could not be made. During a commit, the outcome of the transaction is unknown. */
export function isConnectionLost(error: unknown): boolean {
  const code = codeOf(error)
  return LOST.has(code) || /^08...$/.test(code)
}

/**
 * It is known that nothing ran: the connection was never made, or the statement waited for one until its deadline. The
 * patched driver marks what fails before a connection is ready (`unsent`).
 */
export function isUnsent(error: unknown): boolean {
  if (isTimedOut(error)) return !(error as QueryTimedOut).sent
  if (typeof error !== "object" || error === null) return false
  return ("unsent" in error && error.unsent === true) || isRefusedByPooler(error)
}

/**
 * One more connection is refused, and the others go on. So its work can wait for one of them.
 * @param alive connections that the pool has.
 */
export function isConnectionRefused(error: unknown, alive: number): boolean {
  const code = codeOf(error)
  // A pooler accepts a connection and then lets it wait. A server at its limit may also take long to refuse.
  return code === "53300" || isRefusedByPooler(error) || (code === "CONNECT_TIMEOUT" && alive > 0)
}

/** PgBouncer has one code for all that it refuses, and ends each of these texts with the name of a setting. */
const refusedByPooler = /max_\w*client_conn|query_wait_timeout|server_login_retry|too many connections/

const isRefusedByPooler = (error: unknown) =>
  codeOf(error) === "08P01" && refusedByPooler.test(String((error as Error).message))

/** pg-boss tells of its errors in plain objects, with the code but without the class. */
function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : ""
}

const LOST = new Set([
  // postgres.js (src/errors.js)
  ...["CONNECTION_CLOSED", "CONNECTION_DESTROYED", "CONNECTION_ENDED", "CONNECT_TIMEOUT"],
  // the socket
  ...["ECONNREFUSED", "ECONNRESET", "ECONNABORTED", "EPIPE", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND"],
  // PostgreSQL: shut down by an administrator, after a crash, starting up, idle for too long; idle for too long inside
  // a transaction
  ...["57P01", "57P02", "57P03", "57P05", "25P03", "25P04"],
])

/** Why the database, or the disk below it, cannot do its work now. The request is at no fault. */
export type DatabaseTrouble =
  | "database_unavailable"
  | "database_busy"
  | "database_overloaded"
  | "database_read_only"
  | "storage_full"
  | "storage_failed"

interface Trouble {
  /** One sentence, for /readyz, the log and the caller. */
  readonly says: string
  /** PostgreSQL has refused the statement itself, so nothing of its transaction is kept. */
  readonly refused: boolean
  /** The trouble holds for every write until somebody or something mends it. */
  readonly lasting: boolean
}

export const troubles: Readonly<Record<DatabaseTrouble, Trouble>> = {
  database_unavailable: { says: "The database does not answer.", refused: false, lasting: false },
  database_busy: { says: "No connection to the database was free in time.", refused: true, lasting: false },
  database_overloaded: { says: "The database is out of memory or connections.", refused: true, lasting: false },
  database_read_only: { says: "The database is read-only.", refused: true, lasting: true },
  storage_full: { says: "The disk of the database is full.", refused: true, lasting: true },
  storage_failed: { says: "The disk of the database fails.", refused: true, lasting: true },
}

/** Undefined for any failure that is not the database's own. */
export function troubleOf(error: unknown): DatabaseTrouble | undefined {
  if (isTimedOut(error)) return isUnsent(error) ? "database_busy" : "database_unavailable"
  if (isRefusedByPooler(error)) return "database_overloaded"
  if (isConnectionLost(error)) return "database_unavailable"
  const code = codeOf(error)
  const known = sqlStates[code]
  if (known !== undefined) return known
  if (/^58...$/.test(code)) return "storage_failed"
  // A read-only file system has no code of its own: to PostgreSQL it is a lack of rights.
  if (code === "42501" && /Read-only file system/.test((error as Error).message)) return "database_read_only"
  // The connection was refused for a reason of its own, such as a password that is no longer right.
  return isUnsent(error) ? "database_unavailable" : undefined
}

const isTimedOut = (error: unknown): boolean =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "QueryTimedOut"

/** https://www.postgresql.org/docs/18/errcodes-appendix.html */
const sqlStates: Readonly<Record<string, DatabaseTrouble>> = {
  "53100": "storage_full",
  "53200": "database_overloaded",
  "53300": "database_overloaded",
  "53400": "database_overloaded",
  "25006": "database_read_only",
  // A statement ended by a time limit; a deadlock; a serialization failure; a lock that was not to be had.
  ...{ "57014": "database_unavailable", "40P01": "database_unavailable" },
  ...{ "40001": "database_unavailable", "55P03": "database_unavailable" },
}
