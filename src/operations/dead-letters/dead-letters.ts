/**
 * Dead letters (the spec's DeadLetterEntry): work that exhausted its retries, and the decisions of people about it.
 * Reprocessing puts the run or the delivery back into its queue, at its old position, in the transaction that marks the
 * entry. If the work fails again, the same entry is open again. The settling of runs and deliveries inserts the
 * entries.
 * Writes: dead_letters (resolution), handler_queue and handler_history (a run that is put back).
 */

import type { Caller } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound, WrongState } from "#base/errors.ts"
import { sendHint } from "#base/hints.ts"
import { noteChange } from "#events/audit.ts"
import type { DomainEvent } from "#events/envelope.ts"
import { requeueDelivery } from "#outbound/webhooks/deliveries/deliveries.ts"
import { actionOf } from "./action.ts"

/** The spec's EventProcessingError. */
export interface EventProcessingError {
  readonly eventId: string
  readonly eventType: string
  readonly handlerName: string
  readonly error: { readonly message: string; readonly code: string; readonly stack?: string }
  readonly attemptCount: number
  readonly maxRetries: number
  readonly nextRetryAt?: string
  readonly status: "retrying" | "failed" | "dead_letter"
}

export type Resolution = "reprocessed" | "ignored" | "manual"

/** The spec's DeadLetterEntry, with its handler or webhook. */
export interface DeadLetterEntry {
  readonly id: string
  readonly eventId: string
  readonly handler?: string
  readonly webhookId?: string
  readonly deliveryId?: string
  readonly event: DomainEvent
  readonly errors: readonly EventProcessingError[]
  /** What to do about it; left out once it is resolved. */
  readonly action?: string
  readonly createdAt: string
  readonly lastAttemptAt: string
  readonly resolvedAt?: string
  readonly resolvedBy?: string
  readonly resolution?: Resolution
}

export interface DeadLetterQuery {
  /** Undefined: the entries of all facilities, and those without a facility. */
  readonly facilityId?: string | undefined
  readonly resolved?: boolean | undefined
  readonly handler?: string | undefined
  readonly webhookId?: string | undefined
  /** The code of the last error. */
  readonly cause?: string | undefined
  /** The `next` of the page before. */
  readonly after?: string | undefined
  readonly limit: number
}

/** The entries in the order of their events. An id carries its event's time, so the id is also the cursor. */
export async function listDeadLetters(
  db: Queryable,
  { facilityId, resolved, handler, webhookId, cause, after, limit }: DeadLetterQuery,
): Promise<{ data: DeadLetterEntry[]; next: string | null }> {
  const rows = await db<DeadLetterRow[]>`
    select * from slotbase.dead_letters
    where true
      ${facilityId === undefined ? db`` : db`and facility_id = ${facilityId}`}
      ${resolved === undefined ? db`` : resolved ? db`and resolved_at is not null` : db`and resolved_at is null`}
      ${handler === undefined ? db`` : db`and handler = ${handler}`}
      ${webhookId === undefined ? db`` : db`and webhook_id = ${webhookId}`}
      ${cause === undefined ? db`` : db`and errors -> -1 -> 'error' ->> 'code' = ${cause}`}
      ${after === undefined ? db`` : db`and id > ${after}`}
    order by id limit ${limit + 1}`
  const page = rows.slice(0, limit)
  return { data: page.map(toEntry), next: rows.length > limit ? (page.at(-1)?.id ?? null) : null }
}

/**
 * Puts the work back into its queue. Throws WrongState when the entry is already resolved, or when the handler, webhook
 * or event is gone.
 */
export async function reprocess(tx: Tx, caller: Caller, id: string, facilityId?: string): Promise<DeadLetterEntry> {
  const entry = await lockOpen(tx, id, facilityId)
  if (entry.handler !== null) await requeueRun(tx, entry, entry.handler)
  else if (!(await requeueDelivery(tx, entry.facility_id, entry.delivery_id ?? "", entry.event_id)))
    throw new WrongState("delivery_gone", "The delivery is gone: its webhook or its event is no longer kept.")
  tx.afterCommit(() => sendHint("log"))
  return resolve(tx, caller, entry, "reprocessed")
}

/** Marks the entry as needing nothing. */
export async function ignore(tx: Tx, caller: Caller, id: string, facilityId?: string): Promise<DeadLetterEntry> {
  return resolve(tx, caller, await lockOpen(tx, id, facilityId), "ignored")
}

/** Marks the entry as resolved by hand. */
export async function resolveByHand(tx: Tx, caller: Caller, id: string, facilityId?: string): Promise<DeadLetterEntry> {
  return resolve(tx, caller, await lockOpen(tx, id, facilityId), "manual")
}

// Locked, so that two people who decide at once do not both requeue the work.
async function lockOpen(tx: Tx, id: string, facilityId: string | undefined): Promise<DeadLetterRow> {
  const [row] = await tx<DeadLetterRow[]>`
    select * from slotbase.dead_letters
    where id = ${id} ${facilityId === undefined ? tx`` : tx`and facility_id = ${facilityId}`}
    for update`
  if (!row) throw new NotFound("dead letter", id)
  if (row.resolved_at !== null)
    throw new WrongState("dead_letter_resolved", `The dead letter was resolved already: ${row.resolution}.`)
  return row
}

async function resolve(tx: Tx, caller: Caller, { id, facility_id }: DeadLetterRow, resolution: Resolution) {
  const [row] = await tx<[DeadLetterRow]>`
    update slotbase.dead_letters
    set resolved_at = slotbase.now(), resolved_by = ${caller.userId}, resolution = ${resolution}
    where id = ${id} and facility_id = ${facility_id}
    returning *`
  noteChange(tx, { facilityId: facility_id, after: { handler: row.handler, webhookId: row.webhook_id, resolution } })
  return toEntry(row)
}

// The run's position is below the low-water mark of the claims of fresh runs. Claims find it as a due retry.
async function requeueRun(tx: Tx, entry: DeadLetterRow, handler: string): Promise<void> {
  const [event] = await tx<{ subscribed: boolean }[]>`
    select exists (select from slotbase.handlers h
                   where h.handler = ${handler} and h.event_type = e.type and not h.ended) as subscribed
    from slotbase.events e where e.id = ${entry.event_id} and e.facility_id = ${entry.facility_id}`
  if (!event) throw new WrongState("event_gone", "The event is older than what is kept; it can be resolved by hand.")
  if (!event.subscribed) throw new WrongState("handler_gone", `There is no handler ${handler} for this event any more.`)
  const moved = await tx`
    with gone as (
      delete from slotbase.handler_history
      where event_id = ${entry.event_id} and facility_id = ${entry.facility_id} and handler = ${handler}
        and status = 'dead_letter'
      returning handler, position, facility_id, event_id
    )
    insert into slotbase.handler_queue (handler, position, facility_id, event_id, ready_at)
    select handler, position, facility_id, event_id, slotbase.now() from gone`
  if (moved.count !== 1) throw new WrongState("run_not_dead", `The run of ${handler} is no longer a dead letter.`)
}

interface DeadLetterRow {
  readonly id: string
  readonly facility_id: string
  readonly event_id: string
  readonly handler: string | null
  readonly webhook_id: string | null
  readonly delivery_id: string | null
  readonly event: DomainEvent
  readonly errors: readonly EventProcessingError[]
  readonly created_at: Date
  readonly last_attempt_at: Date
  readonly resolved_at: Date | null
  readonly resolved_by: string | null
  readonly resolution: Resolution | null
}

const toEntry = (row: DeadLetterRow): DeadLetterEntry => ({
  id: row.id,
  eventId: row.event_id,
  ...(row.handler !== null && { handler: row.handler }),
  ...(row.webhook_id !== null && { webhookId: row.webhook_id }),
  ...(row.delivery_id !== null && { deliveryId: row.delivery_id }),
  event: row.event,
  errors: row.errors,
  ...(row.resolved_at === null && {
    action: actionOf({ handler: row.handler ?? undefined, code: row.errors.at(-1)?.error.code ?? "" }),
  }),
  createdAt: row.created_at.toISOString(),
  lastAttemptAt: row.last_attempt_at.toISOString(),
  ...(row.resolved_at !== null && { resolvedAt: row.resolved_at.toISOString() }),
  ...(row.resolved_by !== null && { resolvedBy: row.resolved_by }),
  ...(row.resolution !== null && { resolution: row.resolution }),
})
