// Shared by the tests of late_events: an empty pipeline, the view, and sessions that can block.

import type { Db, Queryable } from "#base/database/db.ts"

export interface Late {
  event_id: string
  type: string
  position: number | null
  kind: string
  handler: string | null
  webhook_id: string | null
  blocker: string
  detail: string
  until: Date | null
  process: number | null
  pid: number | null
}

/** A pipeline without any event, with the settings of a fresh migration. */
export async function emptyPipeline(db: Db): Promise<void> {
  await db`
    truncate slotbase.events, slotbase.outbox, slotbase.event_positions, slotbase.handlers, slotbase.handler_queue,
      slotbase.handler_claims, slotbase.handler_cursors, slotbase.handler_batches, slotbase.webhooks, slotbase.webhook_versions, slotbase.webhook_sequences,
      slotbase.delivery_queue, slotbase.webhook_breakers, slotbase.webhook_pace, slotbase.processes`
  await db`update slotbase.outbox_floor set floor = 0, candidate_seq = 0, candidate_xid = '0', noted_at = '-infinity'`
  await db`update slotbase.clock set shift = '0'`
  await db`update slotbase.settings set late_after = '10 seconds', keep_events = '12 months'`
}

export const lateEvents = async (db: Db): Promise<Late[]> => [
  ...(await db<Late[]>`select * from slotbase.late_events order by position, event_id`),
]

/** Moves the clock of the database forward. */
export const moveOn = (db: Db, by = "1 minute") => db`update slotbase.clock set shift = shift + ${by}::text::interval`

/** Matches the end of a detail. @param sessions the source of a regular expression. */
export const lockOf = (sessions: string) => new RegExp(`; SlotBase waits for locks of: ${sessions}$`)

export const pidOf = async (on: Queryable): Promise<number> =>
  (await on<[{ pid: number }]>`select pg_backend_pid() as pid`)[0].pid
