// The cost of one connection for the database: its WAL, and the dead rows that it made. Other sessions of the server do
// not count: PostgreSQL 18 counts WAL per backend, and the tables belong to the test.

import type { Db } from "#base/database/db.ts"

export interface OwnCost {
  /** Written by this connection alone. */
  readonly walBytes: number
  /** Full-page images among them: zero on the tests' server, which has them off. */
  readonly pageImages: number
  /** By table, with partitions under their parent's name; only written tables. */
  readonly tables: Readonly<Record<string, Written>>
}

export interface Written {
  readonly inserted: number
  readonly updated: number
  readonly hotUpdated: number
  readonly deleted: number
}

/** Runs the work and returns its cost. @param db with a single connection. */
export async function ownCost(db: Db, work: () => Promise<unknown>): Promise<OwnCost> {
  const before = await read(db)
  await work()
  const after = await read(db)
  const tables: Record<string, Written> = {}
  for (const [name, now] of after.tables) {
    const was = before.tables.get(name) ?? { inserted: 0, updated: 0, hotUpdated: 0, deleted: 0 }
    const written = {
      inserted: now.inserted - was.inserted,
      updated: now.updated - was.updated,
      hotUpdated: now.hotUpdated - was.hotUpdated,
      deleted: now.deleted - was.deleted,
    }
    if (written.inserted + written.updated + written.deleted > 0) tables[name] = written
  }
  return { walBytes: after.walBytes - before.walBytes, pageImages: after.pageImages - before.pageImages, tables }
}

async function read(db: Db) {
  // A backend reports its counts when it becomes idle, and at most once a second unless it is forced.
  await db`select pg_stat_force_next_flush()`
  const [wal] = await db<[{ bytes: number; images: number }]>`
    select wal_bytes::bigint as bytes, wal_fpi as images from pg_stat_get_backend_wal(pg_backend_pid())`
  const rows = await db<(Written & { name: string })[]>`
    select coalesce(pg_partition_root(relid)::regclass, relid::regclass)::text as name, sum(n_tup_ins)::bigint as inserted,
           sum(n_tup_upd)::bigint as updated, sum(n_tup_hot_upd)::bigint as "hotUpdated", sum(n_tup_del)::bigint as deleted
    from pg_stat_user_tables where schemaname = 'slotbase' group by 1`
  return {
    walBytes: wal.bytes,
    pageImages: wal.images,
    tables: new Map(rows.map(({ name, ...written }) => [name.replace(/^slotbase\./, ""), written])),
  }
}
