// The program's connection to PostgreSQL. Every query and every transaction has a deadline.
// When a deadline passes, the caller is freed at once (the outcome is unknown) and all new calls go to a fresh pool. A
// frozen backend would otherwise keep its connection for ever.
// The driver is postgres.js with the patch in `patches/`. The patch keeps a transaction whole when its connection is
// lost (`test/base/database/lost-connection.test.ts`).
import type postgres from "postgres"
import { type ConnectOptions, openPool, Pool } from "./pool.ts"
import { statements } from "./statements.ts"
import { beginTransaction, type Tx } from "./transaction.ts"

export interface Db extends postgres.ISql {
  /** Runs the function in a transaction; a throw is the rollback. */
  begin<T>(fn: (tx: Tx) => Promise<T>): Promise<T>
  /** Sends a notification at once, outside of any transaction. */
  notify(channel: string, payload: string): postgres.PendingRequest
  /** Listens on its own connection. No swap touches it, and it reconnects by itself (`onListen` runs again). */
  listen(channel: string, onNotify: (payload: string) => void, onListen?: () => void): postgres.ListenRequest
  /** Gives up the connection that listens; `listen` opens another one. */
  endListening(): Promise<void>
  /** Sends all new calls to a fresh pool; calls in flight on the old one keep their own deadlines. */
  swap(reason: string): void
  /** Ends every connection. Calls in flight have at most `timeoutMs` (5,000 by default). */
  end(options?: { timeoutMs?: number }): Promise<void>
}

/** Anything that can read, inside or outside a transaction. */
export type Queryable = Db | Tx

/** Connects lazily: the first query opens the first connection. */
export function connect(url: string, options: ConnectOptions): Db {
  let pool = newPool()
  let listener: postgres.Sql | undefined
  let ended = false
  const pools = new Set([pool])

  function newPool(): Pool {
    return new Pool(
      url,
      options,
      (from, error) => from === pool && swap(error.message),
      (from) => from === pool && replacePool(),
    )
  }

  function swap(reason: string): void {
    if (ended) return
    replacePool()
    options.onSwap?.(reason)
  }

  function replacePool(): void {
    if (ended) return
    const old = pool
    pool = newPool()
    pools.add(pool)
    old.retire().then(() => pools.delete(old))
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
    // A notification need not survive a crash. Its commit does not wait for the disk, so listeners receive it sooner.
    notify: (channel: string, payload: string) => guarded`
      select set_config('synchronous_commit', 'off', true), pg_notify(${channel}, ${payload})`,
    listen: (channel: string, onNotify: (payload: string) => void, onListen?: () => void) => {
      listener ??= openPool(options.listenUrl ?? url, {
        ...options,
        max: 1,
        applicationName: `${options.applicationName} listen`,
      })
      return listener.listen(channel, onNotify, onListen)
    },
    endListening: async () => {
      const given = listener
      listener = undefined
      await given?.end({ timeout: 0 })
    },
    swap,
    end,
  }) as unknown as Db
}

const END_TIMEOUT_MS = 5_000
