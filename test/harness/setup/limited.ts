// A database with a user of its own, who is no superuser: only for such a user PostgreSQL keeps limits of connections.

import { emptyDatabase, type TestDatabase, testDatabase } from "./database.ts"

export interface LimitedDatabase {
  readonly database: TestDatabase
  /** The connection string of the user. */
  readonly url: string
  readonly role: string
  /** `alter role … connection limit`; -1: none. */
  readonly limitRole: (connections: number) => Promise<void>
  /** `alter database … connection limit`; -1: none. */
  readonly limitDatabase: (connections: number) => Promise<void>
  readonly drop: () => Promise<void>
}

/** Empty and owned by the user; or with the schema, of which the user may read and write everything. */
export async function limitedDatabase(kind: "empty" | "migrated"): Promise<LimitedDatabase> {
  const database = kind === "empty" ? await emptyDatabase() : await testDatabase()
  const address = new URL(database.url)
  const name = address.pathname.slice(1)
  const role = `${name}_user`
  const { db } = database
  await db.unsafe(`create role "${role}" login password 'limited'`)
  if (kind === "empty") await db.unsafe(`alter database "${name}" owner to "${role}"`)
  else
    await db.unsafe(`grant usage on schema slotbase to "${role}";
      grant all on all tables in schema slotbase to "${role}"`)
  address.username = role
  address.password = "limited"
  return {
    database,
    url: address.href,
    role,
    limitRole: async (connections) => void (await db.unsafe(`alter role "${role}" connection limit ${connections}`)),
    limitDatabase: async (connections) =>
      void (await db.unsafe(`alter database "${name}" connection limit ${connections}`)),
    drop: async () => {
      await db.unsafe(`alter database "${name}" owner to current_user; drop owned by "${role}"`)
      await db.unsafe(`drop role "${role}"`).catch(() => {})
      await database.drop()
    },
  }
}
