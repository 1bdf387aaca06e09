// A transaction: a command writes through nothing else. It carries the work that must happen with its commit.
// It keeps every statement inside, or refuses the statement. It is never reported as committed unless the server said
// COMMIT.
import type postgres from "postgres"
import { reached } from "#base/crash-points.ts"
import { TransactionOver } from "./errors.ts"
import type { Pool, PoolScope } from "./pool.ts"
import { statements } from "./statements.ts"

export interface Tx extends postgres.ISql {
  /** Runs the function in a savepoint. A throw rolls back only the work of the function. */
  savepoint<T>(fn: (tx: Tx) => Promise<T>): Promise<T>
  /**
   * Runs after a successful commit, and never otherwise. Nothing waits for the function, and it cannot fail the commit.
   */
  afterCommit(fn: () => void): void
  /**
   * Runs when the transaction's function has returned.
   * - Returned queries are sent together with COMMIT, in one round trip. Their failure fails the transaction.
   * - Any other promise is awaited before COMMIT.
   */
  beforeCommit(fn: (tx: Tx) => Promise<unknown> | readonly Promise<unknown>[]): void
  /** A `notify` inside a transaction makes its commit take a cluster-wide lock: notify after the commit. */
  notify: never
}

/** Runs the function in a transaction on this pool; a throw is the rollback. */
export function beginTransaction<T>(pool: Pool, fn: (tx: Tx) => Promise<T>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const scope = new TransactionScope(pool, fail)
  const settle = pool.watchTransaction(() => begun, fail)
  let begun = false

  function fail(error: Error) {
    scope.close(error)
    settle()
    reject(error)
  }

  async function run(sql: postgres.TransactionSql): Promise<T> {
    try {
      begun = true
      scope.check()
      const tx = transaction(sql, scope)
      const result = await fn(tx)
      if (scope.before.length > 0) await flush(tx, scope)
      reached("before-commit")
      scope.check()
      return result
    } finally {
      scope.close(new TransactionOver())
    }
  }

  function committed(result: T) {
    settle()
    for (const callback of scope.after) attempt(callback)
    resolve(result)
  }

  ;(pool.sql.begin(run) as Promise<T>).then(committed, fail)
  return promise
}

class TransactionScope implements PoolScope {
  readonly before: ((tx: Tx) => Promise<unknown> | readonly Promise<unknown>[])[] = []
  readonly after: (() => void)[] = []
  #over: Error | undefined

  constructor(
    readonly pool: Pool,
    readonly fail: (error: Error) => void,
    /** The transaction or savepoint around this savepoint. */
    readonly outer?: TransactionScope,
  ) {}

  refuses(): Error | undefined {
    return this.#over ?? this.outer?.refuses()
  }

  check(): void {
    const over = this.refuses()
    if (over) throw over
  }

  /** No statement is sent any more; the first reason is kept. */
  close(reason: Error): void {
    this.#over ??= reason
  }
}

function transaction(sql: postgres.TransactionSql, scope: TransactionScope): Tx {
  return Object.assign(
    statements(
      () => sql,
      (value) => scope.pool.guard(value, scope),
    ),
    {
      savepoint: <T>(fn: (tx: Tx) => Promise<T>) => savepoint(sql, scope, fn),
      afterCommit: (fn: () => void) => void scope.after.push(fn),
      beforeCommit: (fn: TransactionScope["before"][number]) => void scope.before.push(fn),
    },
  ) as unknown as Tx
}

/** Registrations made inside a savepoint belong to the transaction once the savepoint has succeeded. */
async function savepoint<T>(
  sql: postgres.TransactionSql,
  outer: TransactionScope,
  fn: (tx: Tx) => Promise<T>,
): Promise<T> {
  outer.check()
  const inner = new TransactionScope(outer.pool, outer.fail, outer)
  const result = (await sql.savepoint(async (sql) => {
    try {
      return await fn(transaction(sql, inner))
    } finally {
      inner.close(new TransactionOver())
    }
  })) as T
  outer.before.push(...inner.before)
  outer.after.push(...inner.after)
  return result
}

/** Starts the queries that travel with COMMIT, without waiting for their answers. */
async function flush(tx: Tx, scope: TransactionScope): Promise<void> {
  for (let fn = scope.before.shift(); fn; fn = scope.before.shift()) {
    const work = fn(tx)
    for (const each of Array.isArray(work) ? work : [work]) {
      // The driver collects the failures of a transaction's queries and rejects the transaction with the first one.
      if ("handler" in each) each.then(undefined, () => {})
      else await each
    }
  }
  // A query reaches its connection one turn of the microtask queue after it was started.
  await undefined
}

function attempt(callback: () => void): void {
  try {
    callback()
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : String(error))
  }
}
