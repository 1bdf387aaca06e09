// The facilities and webhooks of this benchmark, made by the program's own commands. The backlog of the sick receivers
// is real: dispatched events whose deliveries wait, because the webhook is switched off.

import type { Caller } from "#access/caller.ts"
import type { Db } from "#base/database/db.ts"
import { newId, rootUserId } from "#base/ids.ts"
import { secretBox } from "#base/secrets.ts"
import { type EventContext, record, transact } from "#events/outbox.ts"
import { changeWebhook, createWebhook } from "#outbound/webhooks/webhooks.ts"
import { sample } from "#test/harness/pipeline/pipeline.ts"

const context: EventContext = { environment: "development", correlationId: newId() }
const secrets = secretBox(new Uint8Array(32))
const caller: Caller = {
  userId: rootUserId,
  kind: "system",
  name: "bench",
  email: null,
  grants: [],
  tokenExpiresAt: null,
}
const dispatchBatch = 5_000
const recordBatch = 1_000

export interface Webhook {
  readonly facilityId: string
  readonly id: string
}

export async function makeFacility(db: Db): Promise<string> {
  const id = newId()
  await db`
    insert into slotbase.facilities (id, name, timezone, currency, owner_id)
    values (${id}, 'Bench', 'Europe/Berlin', 'EUR', ${rootUserId})`
  return id
}

export async function makeWebhook(db: Db, facilityId: string, url: string, isActive = true): Promise<Webhook> {
  const { result } = await transact(db, context, (tx) =>
    createWebhook(tx, secrets, caller, facilityId, {
      name: "bench",
      url,
      authType: "signature",
      events: ["booking.confirmed"],
      isActive,
    }),
  )
  return { facilityId, id: result.id }
}

export async function switchAll(db: Db, webhooks: readonly Webhook[], isActive: boolean): Promise<void> {
  await Promise.all(
    webhooks.map(({ facilityId, id }) =>
      transact(db, context, (tx) => changeWebhook(tx, secrets, facilityId, id, { isActive })),
    ),
  )
}

/** Deliveries in the queue, and how many of them a process has claimed. */
export async function queueOf(db: Db, webhooks: readonly Webhook[]): Promise<{ waiting: number; leased: number }> {
  const [row] = await db<[{ waiting: number; leased: number }]>`
    select count(*) as waiting, count(lease) as leased from slotbase.delivery_queue
    where webhook_id = any (${webhooks.map(({ id }) => id)}::uuid[])`
  return row
}

/** Whether the breaker of each webhook is open. */
export async function areGivenUp(db: Db, webhooks: readonly Webhook[]): Promise<boolean> {
  const [row] = await db<[{ open: number }]>`
    select count(distinct webhook_id) as open from slotbase.webhook_breakers
    where webhook_id = any (${webhooks.map(({ id }) => id)}::uuid[])`
  return row.open === webhooks.length
}

/** Records the event of one booking, as a command does; answers its id. */
export async function recordEvent(db: Db, facilityId: string): Promise<string> {
  const { eventIds } = await transact(db, context, async (tx) => record(tx, aBooking(facilityId)))
  return eventIds[0] ?? ""
}

/** Records events of the facility, and waits until they are dispatched, by this process or by running actors. */
export async function makeBacklog(db: Db, facilityId: string, events: number): Promise<void> {
  for (let left = events; left > 0; left -= recordBatch) {
    await transact(db, context, async (tx) => {
      for (let n = Math.min(left, recordBatch); n > 0; n--) record(tx, aBooking(facilityId))
    })
  }
  for (;;) {
    await db`select from slotbase.dispatch(${dispatchBatch})`
    const [outbox] = await db<[{ empty: boolean }]>`select not exists (select from slotbase.outbox) as empty`
    if (outbox.empty) return
  }
}

const aBooking = (facilityId: string) => sample("booking.confirmed", { bookingId: newId() }, facilityId)
