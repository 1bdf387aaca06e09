/**
 * Runs a handler for one event inside a savepoint that is rolled back, and tells which rows it wrote and which events
 * it recorded. Nothing of it stays: the transaction around it never commits, and the sequences that a handler may draw
 * from are replaced in it beforehand.
 */

import type { HandledEvent, TransactionalHandler } from "#actors/handlers/handler.ts"
import { describeFailure } from "#actors/runs/failure-text.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { causedBy } from "#events/caused-by.ts"
import { type EventContext, setEventContext } from "#events/outbox.ts"

export interface Captured {
  readonly outcome: "done" | "skipped" | "failed"
  /** Why it skipped or failed. */
  readonly reason: string
  readonly rows: readonly WrittenRow[]
  /** Deleted rows by table, as numbers. */
  readonly deleted: Readonly<Record<string, number>>
  readonly events: readonly { readonly type: string; readonly data: object }[]
  /** A large table was searched by facility only, and some of its rows were not found. */
  readonly incomplete: boolean
}

export interface WrittenRow {
  readonly table: string
  readonly row: Readonly<Record<string, unknown>>
}

/** A table without the facility's column, or with rows of others, is searched whole up to this size. */
const searchedWhole = 200_000

/** The first statements of the transaction. Answers its snapshot: rows with a later xmin are its own. */
export async function beginShadow(tx: Tx): Promise<string> {
  await tx`set transaction isolation level repeatable read`
  const [snapshot] = await tx<[{ xmax: string }]>`
    select pg_snapshot_xmax(pg_current_snapshot())::xid::text as xmax`
  await tx`select set_config('lock_timeout', '1s', true)`
  return snapshot.xmax
}

/**
 * An alter sequence writes a new file for the sequence, which the rollback removes. So both versions draw the same
 * numbers, and none is used up. Other sessions wait for theirs meanwhile, a few milliseconds. The sequences of the
 * pipeline are left alone: handlers do not draw from them.
 */
async function replaceSequences(tx: Tx): Promise<void> {
  const sequences = await tx<{ name: string; step: number }[]>`
    select format('%I.%I', schemaname, sequencename) as name, increment_by::integer as step from pg_sequences
    where schemaname <> 'pgboss' and schemaname !~ '^pg_'
      and not (schemaname = 'slotbase' and sequencename = any (${pipelineSequences}))
      and pg_has_role(sequenceowner, 'usage') order by 1`
  for (const { name, step } of sequences) await tx.unsafe(`alter sequence ${name} increment by ${step}`)
}

const pipelineSequences = ["lease_seq", "outbox_seq", "processes_id_seq", "handlers_id_seq"]

export async function captureRun(
  outer: Tx,
  handler: TransactionalHandler,
  event: HandledEvent,
  { xmax, environment }: { readonly xmax: string; readonly environment: EventContext["environment"] },
): Promise<Captured> {
  const before = await written(outer)
  let captured: Captured | undefined
  await outer
    .savepoint(async (tx) => {
      await replaceSequences(tx)
      const kept = setEventContext(tx, causedBy(event, environment))
      const [outcome] =
        "handleAll" in handler ? ((await handler.handleAll(tx, [event])) ?? []) : [await handler.handle(tx, event)]
      const { rows, deleted, incomplete } = await changesOf(tx, event.facility_id, xmax, before)
      captured = {
        outcome: outcome === undefined ? "done" : "skipped",
        reason: outcome?.skipped ?? "",
        ...{ rows, deleted, incomplete },
        events: kept.events.map(({ type, data }) => ({ type, data })),
      }
      throw new RolledBack()
    })
    .catch((error: unknown) => {
      if (error instanceof RolledBack) return
      const reason = describeFailure(error).message
      captured = { outcome: "failed", reason, rows: [], deleted: {}, events: [], incomplete: false }
    })
  if (captured === undefined) throw new Error("captureRun: the savepoint ended without a result")
  return captured
}

class RolledBack extends Error {}

interface Counts {
  readonly schema: string
  readonly table: string
  readonly size: number
  readonly has_facility: boolean
  readonly written: number
  readonly deleted: number
}

/** How many rows of each table this transaction has written until now, with what was rolled back. */
async function written(tx: Queryable): Promise<ReadonlyMap<string, Counts>> {
  const rows = await tx<(Counts & { id: string })[]>`
    select s.relid::text as id, s.schemaname as schema, s.relname as table, greatest(c.reltuples, 0)::float8 as size,
           exists (select from pg_attribute a where a.attrelid = s.relid and a.attname = 'facility_id') as has_facility,
           (s.n_tup_ins + s.n_tup_upd)::integer as written, s.n_tup_del::integer as deleted
    from pg_stat_xact_user_tables s join pg_class c on c.oid = s.relid
    where s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0 order by 2, 3`
  return new Map(rows.map((row) => [row.id, row]))
}

async function changesOf(tx: Tx, facilityId: string, xmax: string, before: ReadonlyMap<string, Counts>) {
  const rows: WrittenRow[] = []
  const deleted: Record<string, number> = {}
  let incomplete = false
  for (const [id, now] of await written(tx)) {
    const name = `${now.schema}.${now.table}`
    const count = now.written - (before.get(id)?.written ?? 0)
    const gone = now.deleted - (before.get(id)?.deleted ?? 0)
    if (gone > 0) deleted[name] = gone
    if (count === 0) continue
    const table = tx(name)
    const own = tx`age(t.xmin) <= age(${xmax}::text::xid)`
    let found = now.has_facility
      ? await tx<
          { row: WrittenRow["row"] }[]
        >`select to_jsonb(t) as row from ${table} t where t.facility_id = ${facilityId} and ${own}`
      : []
    // A row that was written twice is one row, so a second search may find no more.
    if (found.length < count && now.size <= searchedWhole)
      found = await tx<{ row: WrittenRow["row"] }[]>`select to_jsonb(t) as row from ${table} t where ${own}`
    else if (found.length < count) incomplete = true
    rows.push(...found.map(({ row }) => ({ table: name, row })))
  }
  return { rows, deleted, incomplete }
}
