// pg-boss on postgres.js, through its documented interface for other drivers. Its own driver, `pg`, is several times
// slower here. Workers that are `transactional` need the transactions below.

import type { ConstructorOptions } from "pg-boss"
import postgres from "postgres"

type Driver = NonNullable<ConstructorOptions["db"]>
type Sql = postgres.Sql | postgres.TransactionSql

/** pg-boss passes JSON as text. */
const jsonText = {
  to: 114,
  from: [114, 3802],
  serialize: (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value)),
  parse: (text: string) => JSON.parse(text) as unknown,
}

export const connectBoss = (url: string, connections: number): postgres.Sql =>
  postgres(url, { max: connections, onnotice: () => {}, types: { json: jsonText } }) as unknown as postgres.Sql

/** Runs the statements of pg-boss on this connection or in this transaction. */
export const statementsOn = (sql: Sql): Driver => ({
  async executeSql(text, values) {
    const script =
      values === undefined || values.length === 0 ? /^\s*begin;([\s\S]*)commit;?\s*$/i.exec(text)?.[1] : undefined
    const result =
      script !== undefined && "begin" in sql
        ? await sql.begin((tx) => tx.unsafe(script))
        : await sql.unsafe(text, values as never, { prepare: values !== undefined && values.length > 0 })
    return { rows: (result as unknown as unknown[]).flat() as never[] }
  },
})

/** A driver that can open transactions; pg-boss hands a transaction's statements to a handler. */
export function bossDriver(sql: postgres.Sql): Driver {
  return {
    ...statementsOn(sql),
    async listen(channel, onNotification, onReconnect) {
      const listening = await sql.listen(channel, onNotification, onReconnect)
      return { close: () => listening.unlisten() }
    },
    beginTransaction: () =>
      new Promise((resolve, reject) => {
        const settled = Promise.withResolvers<void>()
        const done = sql.begin((tx) => {
          resolve({
            db: statementsOn(tx),
            commit: () => {
              settled.resolve()
              return done
            },
            rollback: async () => {
              settled.reject(new Error("rolled back"))
              await done.catch(() => {})
            },
          })
          return settled.promise
        }) as Promise<void>
        done.catch(reject)
      }),
  }
}
