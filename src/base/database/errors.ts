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
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return false
  return LOST.has(error.code) || /^08...$/.test(error.code)
}

const LOST = new Set([
  // postgres.js (src/errors.js)
  ...["CONNECTION_CLOSED", "CONNECTION_DESTROYED", "CONNECTION_ENDED", "CONNECT_TIMEOUT"],
  // the socket
  ...["ECONNREFUSED", "ECONNRESET", "ECONNABORTED", "EPIPE", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND"],
  // PostgreSQL: shut down by an administrator, after a crash, starting up; idle for too long inside a transaction
  ...["57P01", "57P02", "57P03", "25P03", "25P04"],
])
