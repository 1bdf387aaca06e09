/**
 * A turn: the one statement that dispatches what waits, and claims the deliveries that this process can send at once
 * (slotbase.turn). It answers with everything that is needed to send them. So a request leaves after one round trip.
 * Deliveries that have ended are settled in the same statement, after the rest of it.
 */
import { type EventText, rememberTexts } from "#actors/runtime/event-memory.ts"
import type { OfferedWebhook, Turn, TurnedDelivery, TurnOffer } from "#actors/runtime/turns.ts"
import { plainArray } from "#base/database/array-literal.ts"
import type { Db } from "#base/database/db.ts"
import { hintOrigin } from "#base/hints.ts"

interface TurnRow {
  readonly dispatched: number
  readonly top: number | null
  readonly waits_for_check: boolean
  readonly unclaimed: boolean
  readonly epoch: string | null
  readonly ids: readonly string[] | null
  readonly events: string | null
  readonly deliveries: string | null
  readonly settled?: string | null
}

/** @param batch events of one transaction at most. */
export async function takeTurn(db: Db, batch: number, offer: TurnOffer): Promise<Turn> {
  const of = (value: (webhook: OfferedWebhook) => number | string) => plainArray(offer.webhooks.map(value))
  const { ends } = offer
  const [row] = await db<[TurnRow]>`
    ${ends ? db`with turned as materialized (` : db``}
    select dispatched, top, waits_for_check, unclaimed, epoch, ids, events, deliveries
    from slotbase.turn(${batch}, ${offer.owner},
      ${of(({ id }) => id)}::text::uuid[], ${of(({ version }) => version)}::text::integer[], ${of(({ after }) => after)}::text::bigint[],
      ${of(({ ahead }) => ahead)}::text::integer[], ${of(({ cap }) => cap)}::text::integer[], ${of(({ busy }) => busy)}::text::integer[],
      ${offer.most}, ${hintOrigin})
    ${ends ? db`), ${ends(db)} select turned.*, settled.leases as settled from turned cross join settled` : db``}`
  const events = JSON.parse(`[${row.events ?? ""}]`) as readonly EventText[]
  rememberTexts(db, events)
  return {
    dispatched: row.dispatched,
    top: row.top ?? 0,
    waitsForCheck: row.waits_for_check,
    unclaimed: row.unclaimed,
    epoch: row.epoch,
    events: new Map(events.map((event) => [event.id, event])),
    eventIds: row.ids ?? [],
    deliveries: JSON.parse(`[${row.deliveries ?? ""}]`) as readonly TurnedDelivery[],
    settled: row.settled ? row.settled.split(",").map(Number) : [],
  }
}
