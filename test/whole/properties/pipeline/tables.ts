// The tables' rows for the events above a position, read in one statement, so that all rows belong to one moment.

import type { Db } from "#base/database/db.ts"

export interface RunRow {
  readonly handler: string
  readonly position: number
  readonly event_id: string
  readonly status: "pending" | "running" | "retrying" | "success" | "skipped" | "dead_letter"
  readonly attempts: number
  readonly errors: readonly ErrorRow[] | null
}

export interface ErrorRow {
  readonly error: { readonly message: string; readonly code: string }
}

export interface DeliveryRow {
  readonly webhook_id: string
  readonly position: number
  readonly event_id: string
  readonly delivery_id: string
  readonly sequence: number
  readonly status: "queued" | "delivered" | "failed"
  readonly attempts: number
  readonly errors: readonly ErrorRow[] | null
}

export interface AttemptRow {
  readonly id: string
  readonly delivery_id: string
  readonly attempt: number
  readonly outcome: "started" | "delivered" | "failed" | "unknown"
  readonly response_status: number | null
}

export interface LetterRow {
  readonly id: string
  readonly event_id: string
  readonly handler: string | null
  readonly webhook_id: string | null
  readonly delivery_id: string | null
  readonly resolution: string | null
  readonly errors: readonly ErrorRow[]
  readonly event: { readonly id: string; readonly data?: unknown }
}

export interface Tables {
  readonly log: readonly { readonly position: number; readonly event_id: string }[]
  readonly outbox: readonly string[]
  readonly runs: readonly RunRow[]
  readonly deliveries: readonly DeliveryRow[]
  readonly attempts: readonly AttemptRow[]
  readonly letters: readonly LetterRow[]
  readonly effects: readonly { readonly handler: string; readonly position: number }[]
  readonly unbalanced: readonly number[]
}

export async function readTables(db: Db, base: number, facilities: readonly string[]): Promise<Tables> {
  const [row] = await db<[Tables]>`
    with log as materialized (
      select position, event_id from slotbase.event_positions where position > ${base}
    )
    select
      (select coalesce(json_agg(l order by position), '[]') from log l) as log,
      (select coalesce(json_agg(event_id order by seq), '[]') from slotbase.outbox
       where facility_id = any (${facilities as string[]})) as outbox,
      (select coalesce(json_agg(r), '[]') from (
         select handler, position, event_id, status, attempts, errors from slotbase.handler_runs
         where position > ${base}) r) as runs,
      (select coalesce(json_agg(d), '[]') from (
         select webhook_id, position, event_id, delivery_id, sequence, 'queued' as status, attempts, errors
         from slotbase.delivery_queue where position > ${base}
         union all
         select webhook_id, position, event_id, delivery_id, sequence, status, attempts, errors
         from slotbase.delivery_history where position > ${base}) d) as deliveries,
      (select coalesce(json_agg(a order by attempt), '[]') from (
         select id, delivery_id, attempt, outcome, response_status from slotbase.webhook_attempts
         where event_id = any (array(select event_id from log))) a) as attempts,
      (select coalesce(json_agg(l order by event_id, coalesce(handler, webhook_id::text)), '[]') from (
         select id, event_id, handler, webhook_id, delivery_id, resolution, errors, event from slotbase.dead_letters
         where facility_id = any (${facilities as string[]}) and (position > ${base} or handler = 'dispatcher')) l) as letters,
      (select coalesce(json_agg(e), '[]') from (select handler, position from effects where position > ${base}) e) as effects,
      (select coalesce(json_agg(position), '[]') from slotbase.event_ledger_whole
       where position > ${base} and not balanced) as unbalanced`
  return row
}
