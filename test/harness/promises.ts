// The promises, as SQL: what must hold on any database once its work is done, whatever was killed when.

import { expect } from "bun:test"
import type { Db } from "../../src/database/db.ts"
import { eventually } from "./eventually.ts"

/** Waits until nothing is left to dispatch, handle or deliver. */
export const settled = (db: Db, withinMs: number) =>
  eventually(
    async () => {
      const [left] = await db<{ outbox: number; runs: number; deliveries: number }[]>`
        select (select count(*) from slotbase.outbox) as outbox,
               (select count(*) from slotbase.handler_queue) as runs,
               (select count(*) from slotbase.delivery_queue) as deliveries`
      expect(left).toEqual({ outbox: 0, runs: 0, deliveries: 0 })
    },
    { withinMs },
  )

/** P1, P2, P7 and the ledger: no booking without its event and no event without its booking, all work there once, dense positions. */
export async function expectPromisesKept(db: Db): Promise<void> {
  const [found] = await db<Record<string, number>[]>`
    select
      (select count(*) from slotbase.bookings b where b.status = 'confirmed' and not exists (
         select from slotbase.events e where e.type = 'booking.confirmed' and e.aggregate_id = b.id::text)) as bookings_without_event,
      (select count(*) from slotbase.events e where e.type = 'booking.confirmed' and not exists (
         select from slotbase.bookings b where b.id::text = e.aggregate_id)) as events_without_booking,
      (select count(*) from (select aggregate_id from slotbase.events where type = 'booking.confirmed'
         group by aggregate_id having count(*) > 1) twice) as bookings_announced_twice,
      (select count(*) from slotbase.events e where not exists (
         select from slotbase.event_positions p where p.event_id = e.id)) as events_without_position,
      (select coalesce(max(position), 0) - count(*) from slotbase.event_positions) as holes_in_positions,
      (select count(*) from slotbase.event_ledger where not balanced) as unbalanced_events,
      (select count(*) from slotbase.occupancies a join slotbase.occupancies b
         on a.resource_id = b.resource_id and a.booking_id < b.booking_id and a.during && b.during) as overlaps,
      (select count(*) from (select from slotbase.delivery_history where replay = 0
         group by webhook_id having max(sequence) <> count(*)) gaps) as webhooks_with_gaps,
      (select count(*) from slotbase.dead_letters where resolved_at is null) as dead_letters`
  expect(found).toEqual({
    bookings_without_event: 0,
    events_without_booking: 0,
    bookings_announced_twice: 0,
    events_without_position: 0,
    holes_in_positions: 0,
    unbalanced_events: 0,
    overlaps: 0,
    webhooks_with_gaps: 0,
    dead_letters: 0,
  })
}
