/**
 * The scheduled job housekeeping: partitions made well ahead, and rows that have served their time removed: sessions and
 * answers to Idempotency-Keys past their end, processes that died long ago.
 */
import type { App } from "../../src/app.ts"
import type { Actor } from "../actor.ts"

/** Rows per statement and table, so that no pass holds locks for long. */
const batch = 10_000

export const housekeeping = ({ db }: App): Actor => ({
  name: "housekeeping",
  description: "Make partitions ahead, remove what has expired",
  cron: "17 * * * *",
  deadlineMs: 60_000,
  pass: async () => {
    await db`select slotbase.ensure_partitions()`
    const removed = await Promise.all([
      db`delete from slotbase.sessions where token_hash in (
           select token_hash from slotbase.sessions where expires_at < (select slotbase.now()) limit ${batch})`,
      db`delete from slotbase.idempotency_keys where (caller_id, method, path, key) in (
           select caller_id, method, path, key from slotbase.idempotency_keys
           where created_at < (select slotbase.now() - interval '24 hours') limit ${batch})`,
      db`delete from slotbase.processes p where p.alive_until < clock_timestamp() - interval '1 day'
           and not exists (select from slotbase.handler_queue q where q.owner = p.id)
           and not exists (select from slotbase.delivery_queue q where q.owner = p.id)`,
    ])
    return { more: removed.some((result) => result.count === batch) }
  },
})
