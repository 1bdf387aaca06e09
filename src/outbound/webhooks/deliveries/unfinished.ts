/**
 * What a deletion of a webhook discards: its unfinished deliveries. They are counted up to a limit. Those that a
 * dispatch makes at the same time come on top: to count them, a deletion would have to hold up every club's events.
 */
import * as Schema from "effect/Schema"
import type { Queryable } from "#base/database/db.ts"
import { NotFound } from "#base/errors.ts"

/** Counted in some milliseconds. */
const mostCounted = 100_000

export const Discarded = Schema.Struct({
  unfinishedDeliveries: Schema.Int.annotate({
    description: `they would end as failed, each with a dead letter that counts as ignored; at most ${mostCounted} are counted`,
  }),
  counted: Schema.Literals(["all", "in part"]),
  oldestEventAt: Schema.optionalKey(Schema.String),
})
export type Discarded = typeof Discarded.Type

export async function discardedBy(db: Queryable, facilityId: string, webhookId: string): Promise<Discarded> {
  const [row] = await db<{ count: number; oldest: Date | null }[]>`
    select (select count(*) from (select from slotbase.delivery_queue
                                  where webhook_id = w.id and facility_id = ${facilityId} limit ${mostCounted + 1}) q),
           (select slotbase.time_of(event_id) from slotbase.delivery_queue
            where webhook_id = w.id and facility_id = ${facilityId} order by position limit 1) as oldest
    from slotbase.webhooks w where w.id = ${webhookId} and w.facility_id = ${facilityId} and w.deleted_at is null`
  if (!row) throw new NotFound("webhook", webhookId)
  return {
    unfinishedDeliveries: Math.min(row.count, mostCounted),
    counted: row.count > mostCounted ? "in part" : "all",
    ...(row.oldest && { oldestEventAt: row.oldest.toISOString() }),
  }
}
