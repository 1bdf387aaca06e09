/**
 * Messages that could not be sent for now. They are tried again for five days, as RFC 5321 (4.5.4.1) asks: after a
 * second at first, then after as long as they have waited already, and at most after four hours. Then the message is
 * "failed" and its run a dead letter. Reprocessing that one begins anew.
 * Writes: notifications.
 */
import type { Queryable } from "#base/database/db.ts"
import type { MailFailed } from "./channels/email/smtp-failure.ts"
import type { Intent } from "./intents.ts"
import { oneLine } from "./render.ts"

/** Each repetition of a send with an unknown outcome may make a mail arrive once more. */
const unknownAtMost = 5

/**
 * Records a failed send. One with an unknown outcome stays "sending".
 * @param random between 0 and 1
 */
export async function defer(db: Queryable, intent: Intent, failure: MailFailed, random = Math.random()): Promise<void> {
  const known = failure.outcome === "not_sent"
  await db`
    update slotbase.notifications n
    set status = case when d.over then 'failed' when ${known}::boolean then 'deferred' else 'sending' end,
        reason = ${oneLine(failure.message)}, deferred_since = d.since,
        next_try_at = case when not d.over then d.now + greatest(d.least_wait, least(interval '4 hours', d.now - d.since))
                                                       * (0.8 + 0.4 * ${random}::float8) end
    from (
      select t.now, coalesce(k.deferred_since, t.now) as since, k.id, k.facility_id,
             case when ${known}::boolean then interval '1 second' else interval '1 minute' end as least_wait,
             t.now - coalesce(k.deferred_since, t.now) >= case when ${failure.permanent}::boolean then interval '1 minute' else interval '5 days' end
               or (not ${known}::boolean and k.unknown_outcomes >= ${unknownAtMost}) as over
      from (select slotbase.now() as now) t cross join slotbase.notifications k
      where k.id = ${intent.id} and k.facility_id = ${intent.facility_id}
    ) d
    where n.id = d.id and n.facility_id = d.facility_id and n.status = 'sending'`
}

/** Mail is held: these messages wait for the end of the hold, spread over some seconds. No send was begun. */
export async function deferHeld(
  db: Queryable,
  intents: readonly Intent[],
  { heldMs, answer }: { readonly heldMs: number; readonly answer: string },
): Promise<void> {
  if (intents.length === 0) return
  await db`
    update slotbase.notifications n
    set status = case when d.over then 'failed' when n.status = 'sending' then 'sending' else 'deferred' end,
        reason = ${oneLine(`mail is held: ${answer}`)}, deferred_since = d.since,
        next_try_at = case when not d.over then d.now + ${heldMs}::float8 * interval '1 ms' + random() * interval '10 seconds' end
    from (
      select k.id, k.facility_id, t.now, coalesce(k.deferred_since, t.now) as since,
             t.now - coalesce(k.deferred_since, t.now) >= interval '5 days' as over
      from (select slotbase.now() as now) t cross join slotbase.notifications k
      where k.id = any (${intents.map(({ id }) => id)}::uuid[]) and k.facility_id = ${intents[0]?.facility_id ?? ""}
    ) d
    where n.id = d.id and n.facility_id = d.facility_id and n.status in ('pending', 'sending', 'deferred')`
}

/** Begins the failed messages of an event anew, when somebody has reprocessed its dead letter. Answers how many. */
export async function reopenFailed(
  db: Queryable,
  event: { readonly id: string; readonly facility_id: string },
  handler: string,
): Promise<number> {
  const { count } = await db`
    update slotbase.notifications n
    set status = 'pending', deferred_since = null, next_try_at = null, unknown_outcomes = 0
    where n.event_id = ${event.id} and n.facility_id = ${event.facility_id} and n.status = 'failed'
      and exists (select from slotbase.dead_letters d
                  where d.event_id = n.event_id and d.facility_id = n.facility_id and d.handler = ${handler}
                    and d.resolution = 'reprocessed')`
  return count
}
