// One generation of connections to PostgreSQL, and the deadlines of everything in flight on it. A pool is never
// repaired. When a call gets no answer, `db.ts` opens the next pool. The old pool ends as soon as its last call has
// settled, or that call's own deadline has passed.
import type postgres from "postgres"
import { type Call, Deadline } from "#base/deadline.ts"
import { openDriver, type PatchedSql } from "./driver.ts"
import { isConnectionRefused, QueryTimedOut } from "./errors.ts"
import { givenConnections, type Sharer } from "./given-connections.ts"

export interface ConnectOptions {
  /** Connections at most; 10 by default. */
  max?: number
  /** Shown in `pg_stat_activity`. */
  applicationName: string
  /** Milliseconds until a query's caller is freed; 10,000 by default. */
  queryDeadlineMs?: number
  /** Milliseconds until a transaction's caller is freed, waiting for a connection included; 15,000 by default. */
  transactionDeadlineMs?: number
  /** A string given for a json parameter is already JSON text, as pg-boss gives it; false by default. */
  jsonText?: boolean
  /** The address for LISTEN, when a pooler stands before the other connections; the pool's own by default. */
  listenUrl?: string
  /** Called after a pool has been replaced. */
  onSwap?: (reason: string) => void
}

/** A transaction or savepoint, as its queries see it. */
export interface PoolScope {
  /** The reason why the scope takes no more statements. */
  refuses(): Error | undefined
  /** A query's outcome is unknown, and with it the transaction's. */
  fail(error: Error): void
}

export class Pool {
  readonly sql: PatchedSql
  readonly #sharer: Sharer
  readonly #queries: Deadline
  readonly #transactions: Deadline
  readonly #onTimeout: (pool: Pool, error: QueryTimedOut) => void
  readonly #onReadOnly: (pool: Pool) => void
  readonly #openedAt = performance.now()
  readonly #ended = Promise.withResolvers<void>()
  #ending = false
  #retired = false
  #answers = 0

  constructor(
    url: string,
    options: ConnectOptions,
    onTimeout: (pool: Pool, error: QueryTimedOut) => void,
    onReadOnly: (pool: Pool) => void = () => {},
  ) {
    this.#queries = new Deadline(options.queryDeadlineMs ?? QUERY_DEADLINE_MS)
    this.#transactions = new Deadline(options.transactionDeadlineMs ?? TRANSACTION_DEADLINE_MS)
    this.#onTimeout = onTimeout
    this.#onReadOnly = onReadOnly
    const { sql, sharer } = openShared(url, options)
    this.sql = sql
    this.#sharer = sharer
  }

  /** Puts a query under the deadline when it is executed. A fragment of another query is never executed. */
  guard<Value>(value: Value, scope?: PoolScope): Value {
    if (!isQuery(value)) return value
    const send = value.handler
    value.handler = (query) => {
      const refused = scope?.refuses() ?? (query.cursorFn ? new Error(NO_CURSORS) : undefined)
      if (refused) return query.reject(refused)
      const { resolve, reject } = query
      const answers = this.#answers
      const call = { expire: () => this.#expired(query, reject, answers, scope) }
      query.resolve = (result) => {
        this.#answers += 1
        this.#settle(this.#queries, call)
        resolve(result)
      }
      query.reject = (error) => {
        this.#settle(this.#queries, call)
        if (isReadOnly(error) && performance.now() - this.#openedAt > READ_ONLY_LIFE_MS) this.#onReadOnly(this)
        reject(error)
      }
      this.#queries.start(call)
      send(query)
    }
    return value
  }

  /** Puts a transaction under its deadline. The returned function settles it. */
  watchTransaction(sent: () => boolean, fail: (error: Error) => void): () => void {
    const answers = this.#answers
    const call = { expire: () => fail(this.#timedOut("transaction", this.#transactions, sent(), answers)) }
    this.#transactions.start(call)
    return () => this.#settle(this.#transactions, call)
  }

  /** Takes no new calls any more. Ends, and resolves, when the calls in flight have settled. */
  retire(): Promise<void> {
    this.#retired = true
    this.#endWhenIdle()
    return this.#ended.promise
  }

  /** Ends the connections. Calls in flight have at most this time. */
  end(timeoutMs: number): Promise<void> {
    if (!this.#ending) this.#ended.resolve(this.sql.end({ timeout: timeoutMs / 1000 }))
    this.#ending = true
    return this.#ended.promise
  }

  #expired(query: Query, reject: (error: Error) => void, answers: number, scope: PoolScope | undefined): void {
    const error = this.#timedOut("query", this.#queries, query.state !== null, answers)
    reject(error)
    if (!error.sent) query.canceller?.(query).catch(() => {})
    scope?.fail(error)
    if (this.#retired) this.#endWhenIdle()
  }

  /**
   * Replaces the pool first, so that the caller's next call finds a new one.
   * A call that only waited for its turn does not replace the pool if other calls were answered meanwhile.
   * `answers` is their count when the call began. No new pool would be given what this one is refused.
   */
  #timedOut(what: "query" | "transaction", deadline: Deadline, sent: boolean, answers: number): QueryTimedOut {
    const error = new QueryTimedOut(what, deadline.afterMs, sent)
    const stuck = this.#answers === answers && !givenConnections.isShort(this.#sharer)
    if (sent || stuck) this.#onTimeout(this, error)
    return error
  }

  #settle(deadline: Deadline, call: Call): void {
    deadline.settle(call)
    if (this.#retired) this.#endWhenIdle()
  }

  #endWhenIdle(): void {
    if (this.#queries.size + this.#transactions.size === 0) void this.end(0)
  }
}

/** Opens the driver with the settings of every connection of this program. */
export function openPool(url: string, options: ConnectOptions): postgres.Sql {
  return openShared(url, options).sql
}

function openShared(url: string, options: ConnectOptions): { sql: PatchedSql; sharer: Sharer } {
  const max = options.max ?? 10
  const sharer: Sharer = {
    name: options.applicationName,
    wants: max,
    alive: () => sql.alive(),
    shed: () => void sql.shed(),
  }
  const queryMs = options.queryDeadlineMs ?? QUERY_DEADLINE_MS
  const transactionMs = options.transactionDeadlineMs ?? TRANSACTION_DEADLINE_MS
  const sql = openDriver(url, {
    max,
    // Work that a connection was refused waits for another one, within its deadline.
    onrefused: (error, alive, underWay) => {
      const waits = isConnectionRefused(error, alive)
      if (waits) givenConnections.refused(sharer, alive, underWay)
      return waits
    },
    ongiven: (alive) => givenConnections.given(sharer, alive),
    // Below the deadline, to tell a server that cannot be reached from one that does not answer.
    connect_timeout: Math.max(1, Math.floor(queryMs / 2000)),
    backoff: (attempt) => Math.min(0.05 * 2 ** attempt, LONGEST_BACKOFF_SECONDS),
    onnotice: () => {},
    // The server's own limits end work whose caller has gone. They are start-up parameters, which PgBouncer refuses
    // or ignores. A `set` after connecting would leak to other clients there. So behind PgBouncer `alter role … set`
    // sets them (pooler.ts says so).
    connection: {
      application_name: options.applicationName,
      statement_timeout: Math.min(queryMs + SERVER_MARGIN_MS, LONGEST_SERVER_MS),
      idle_in_transaction_session_timeout: Math.min(transactionMs + SERVER_MARGIN_MS, LONGEST_SERVER_MS),
      // The queues are nearly always empty. A plan made and kept at that time would scan the whole backlog of a rush,
      // claim by claim. (jit: before PostgreSQL 18 the penalty on sequential scans alone would trigger it.)
      enable_seqscan: "off",
      jit: "off",
    },
    types: options.jsonText ? { int8, json: jsonText } : { int8 },
  })
  const end = sql.end
  givenConnections.join(sharer)
  return {
    sharer,
    sql: Object.assign(sql, {
      end: (given?: { timeout?: number }) => {
        givenConnections.leave(sharer)
        return end(given)
      },
    }),
  }
}

/**
 * A session may stay read-only although its database takes writes again. The setting of a database holds for new
 * sessions. After a failover, only new connections reach the server that takes writes.
 */
const isReadOnly = (error: Error) => "code" in error && error.code === "25006"
/** While the database is read-only, a pool is replaced no more often than this. */
const READ_ONLY_LIFE_MS = 1_000
/** A cursor settles once a page. A deadline cannot follow that. */
const NO_CURSORS = "cursors are not supported: page by key"
const QUERY_DEADLINE_MS = 10_000
const TRANSACTION_DEADLINE_MS = 15_000
const SERVER_MARGIN_MS = 1_000
const LONGEST_SERVER_MS = 2 ** 31 - 1
/** Work resumes within seconds of PostgreSQL's return; the driver's own limit is 20 s. */
const LONGEST_BACKOFF_SECONDS = 1

/**
 * `bigint` as a JavaScript number. Counts and positions stay far below 2^53; an error is better than a wrong number.
 */
const int8 = {
  to: 20,
  from: [20],
  serialize: (value: number | bigint | string) => String(value),
  parse: (text: string) => {
    const value = Number(text)
    if (!Number.isSafeInteger(value)) throw new RangeError(`the bigint ${text} is beyond 2^53`)
    return value
  },
}

const jsonText = {
  to: 114,
  from: [114, 3802],
  serialize: (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value)),
  parse: (text: string) => JSON.parse(text) as unknown,
}

/** The part of the driver's query that a deadline needs (src/query.js of the pinned, patched version). */
interface Query {
  /** Called once, when the query is executed; never for a fragment. */
  handler(query: Query): void
  resolve(result: unknown): void
  reject(error: Error): void
  /** Null until a connection has taken the query. */
  state: unknown
  /** Takes a waiting query out of the pool's queue. */
  canceller: ((query: Query) => Promise<unknown>) | null
  cursorFn?: unknown
}

function isQuery(value: unknown): value is Query {
  return value instanceof Promise && "handler" in value
}
