// Which tables and indexes the write-ahead log of a stretch belongs to, per event. With SLOTBASE_BENCH_STATEMENTS=on
// the measurement of the steady state prints it, from PostgreSQL's own pg_walinspect.

import type postgres from "postgres"
import { round } from "#scripts/statistics.ts"

const printed = 20

/** The end of the write-ahead log; undefined unless asked for. */
export async function endOfWal(sql: postgres.Sql): Promise<string | undefined> {
  if (process.env.SLOTBASE_BENCH_STATEMENTS !== "on") return undefined
  await sql`create extension if not exists pg_walinspect`
  const [row] = await sql<{ end: string }[]>`select pg_current_wal_lsn()::text as end`
  return row?.end
}

/** Lines of text, the largest first. The partitions of a table and their indexes count together. */
export async function walRecords(sql: postgres.Sql, since: string | undefined, events: number): Promise<string[]> {
  if (since === undefined) return []
  const rows = await sql<{ relation: string; records: number; bytes: number }[]>`
    with ended as materialized (select pg_current_wal_lsn() as lsn),
    first_blocks as (
      select start_lsn, relfilenode from ended, pg_get_wal_block_info(${since}::pg_lsn, lsn, false) where block_id = 0
    )
    select coalesce(regexp_replace(c.relname, '(_p?[0-9]{4}_[0-9]{2}|_default).*', ''), 'commits and the rest')
             || case when c.relkind in ('i', 'I') then ' (index)' else '' end as relation,
           count(*)::float8 as records, sum(w.record_length)::float8 as bytes
    from ended, pg_get_wal_records_info(${since}::pg_lsn, lsn) w
    left join first_blocks b using (start_lsn)
    left join pg_class c on c.relfilenode = b.relfilenode
    group by 1 order by bytes desc limit ${printed}`
  return rows.map(({ relation, records, bytes }) => {
    const [often, size] = [records, bytes].map((amount) => String(round(amount / events)).padStart(8))
    return `${often} records ${size} bytes of WAL  ${relation}`
  })
}
