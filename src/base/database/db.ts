// The program's connection to PostgreSQL. Every query and every transaction has a deadline; when one passes, its caller is
// freed at once (the outcome is unknown) and all new calls go to a fresh pool, because a frozen backend would otherwise
// keep its connection for ever. The driver is postgres.js with the patch in `patches/`, which keeps a transaction whole
// when its connection is lost (`test/database/lost-connection.test.ts`).
import type postgres from "postgres"
import { type ConnectOptions, openPool, Pool } from "./pool.ts"
import { statements } from "./statements.ts"
import { beginTransaction, type Tx } from "./transaction.ts"

export interface Db extends postgres.ISql {
  /** Runs the function in a transaction; a throw is the rollback. */
  begin<T>(fn: (tx: Tx) => Promise<T>): Promise<T>
  /** Sends a notification at once, outside of any transaction. */
  notify(channel: string, payload: string): postgres.PendingRequest
  /** Listens on a connection of its own, which no swap touches and which comes back by itself (`onlisten` runs again). */
  listen(channel: string, onNotify: (payload: string) => void, onListen?: () => void): postgres.ListenRequest
  /** Sends all new calls to a fresh pool; calls in flight on the old one keep their own deadlines. */
  swap(reason: string): void
  /** Ends every connection, after at most `timeoutMs` (5,000 by default) for what is in flight. */
  end(options?: { timeoutMs?: number }): Promise<void>
}

/** Anything that can read: inside a transaction or outside of one. */
export type Queryable = Db | Tx

/** Connects lazily: the first query opens the first connection. */
export function connect(url: string, options: ConnectOptions): Db {
  let pool = newPool()
  let listener: postgres.Sql | undefined
  let ended = false
  const pools = new Set([pool])

  function newPool(): Pool {
    return new Pool(url, options, (from, error) => from === pool && swap(error.message))
  }

  function swap(reason: string): void {
    if (ended) return
    const old = pool
    pool = newPool()
    pools.add(pool)
    old.retire().then(() => pools.delete(old))
    options.onSwap?.(reason)
  }

  async function end({ timeoutMs = END_TIMEOUT_MS } = {}): Promise<void> {
    ended = true
    await Promise.all([...pools].map((each) => each.end(timeoutMs)).concat(listener?.end({ timeout: 0 }) ?? []))
  }

  const guarded = statements(
    () => pool.sql,
    (value) => pool.guard(value),
  )
  return Object.assign(guarded, {
    begin: <T>(fn: (tx: Tx) => Promise<T>) => beginTransaction(pool, fn),
    // It need not survive a crash, so its commit does not wait for the disk, and whoever listens hears it sooner.
    notify: (channel: string, payload: string) => guarded`
      select set_config('synchronous_commit', 'off', true), pg_notify(${channel}, ${payload})`,
    listen: (channel: string, onNotify: (payload: string) => void, onListen?: () => void) => {
      listener ??= openPool(url, { ...options, max: 1, applicationName: `${options.applicationName} listen` })
      return listener.listen(channel, onNotify, onListen)
    },
    swap,
    end,
  }) as unknown as Db
}

const END_TIMEOUT_MS = 5_000
