// The laws of webhook delivery, for a moment at which all work is done. What the answers said, what the receiver has
// and what the tables hold agree, whatever was killed before.

import type { Queryable } from "#base/database/db.ts"
import { clientOf } from "#test/harness/api/client.ts"
import type { Broken } from "#test/harness/promises/broken-promises.ts"
import { lasting, type Noted } from "./act.ts"
import type { Integrators } from "./integrators.ts"
import { compact } from "./ranges.ts"
import type { InOrder } from "./receiver.ts"

type Rows = readonly Record<string, unknown>[]

export async function brokenLaws(
  { desk, receiver }: Integrators,
  servers: readonly string[],
): Promise<readonly Broken[]> {
  const {
    database: { db },
    noted,
    customers,
    ids,
  } = desk
  const questions: [promise: string, what: string, rows: Rows | PromiseLike<Rows>][] = [
    ["P2", "a deletion that discarded more than it had counted", discardedUncounted(db)],
    ["P2", "a webhook whose last number is not that of its deliveries", wrongLastNumbers(db)],
    ["P2", "a deletion, resend or replay that was answered and does not exist", notDone(db, noted)],
    ["P2", "an event that a completed replay has not sent", replaysWithGaps(db)],
    ["P3", "a replay that says otherwise than its deliveries", wrongProgress(db)],
    ["P3", "something that nobody asked to be sent again", unasked(db, noted)],
    ["P3", "a stage of a failing endpoint that was told twice", toldTwice(db)],
    ["P5", "a webhook whose receiver is gone and that is not off", notEnded(db, noted)],
    ["P7", "an ordered webhook that overtook itself", overtaken(receiver.takeFirst("ordered"))],
  ]
  for (const name of lasting) {
    const path = () => `${customers.at}/webhooks/${ids[name]}/continuity?have=${compact(receiver.numbersOf(name))}`
    questions.push(["P2", `numbers that the receiver "${name}" lacks or that nobody gave`, incomplete(servers, path)])
  }
  const broken: Broken[] = []
  for (const [promise, what, asked] of questions) {
    const rows = await asked
    if (rows.length > 0) broken.push({ promise, what, count: rows.length, rows: rows.slice(0, 5) })
  }
  return broken
}

/** Positions that arrived first after a later one of the same aggregate. */
export function overtaken(arrivals: readonly InOrder[]): Rows {
  const latest = new Map<string, number>()
  return arrivals.filter(({ position, aggregate }) => {
    const before = latest.get(aggregate) ?? 0
    latest.set(aggregate, Math.max(before, position))
    return position < before
  }) as unknown as Rows
}

/**
 * Empty when the continuity call says that every number is there. The newest may be on its way, of an event that a job
 * has just recorded: the receiver has a few seconds to get it.
 */
async function incomplete(servers: readonly string[], path: () => string): Promise<Rows> {
  for (const until = performance.now() + onItsWayMs; ; await Bun.sleep(askAgainMs)) {
    const { status, body } = await clientOf(servers[0] ?? "").get(path())
    const isComplete = status === 200 && body.missingCount === 0 && body.unknown === undefined
    if (isComplete && body.contiguousUpTo === body.lastSequence) return []
    if (performance.now() > until) return [{ status, ...body }]
  }
}
const onItsWayMs = 10_000
const askAgainMs = 250

/**
 * A deletion counts in its transaction, and its audit row or its subscription keeps the number. It does not see what a
 * dispatch makes meanwhile. No transaction takes ten seconds.
 */
export const discardedUncounted = (db: Queryable) => db`
  with ended as (
    select d.webhook_id, count(*) as discarded
    from slotbase.dead_letters d
    join slotbase.webhooks w on w.id = d.webhook_id
    join slotbase.event_positions p on p.position = d.position
    where d.errors -> -1 -> 'error' ->> 'code' = 'webhook_deleted'
      and p.dispatched_at < coalesce(w.deleted_at, 'infinity') - interval '10 s'
    group by d.webhook_id
  )
  select e.webhook_id, e.discarded, s.discarded as of_subscription, (a.before ->> 'unfinishedDeliveries')::bigint as audited
  from ended e
  left join slotbase.hook_subscriptions s on s.webhook_id = e.webhook_id
  left join slotbase.audit_log a on a.subject_id = e.webhook_id::text and a.action = 'webhook.deleted'
  where e.discarded > coalesce(s.discarded, (a.before ->> 'unfinishedDeliveries')::bigint, 0)`

/** A job may record an event while all else is done. What waits in the queue has its number, and is not settled yet. */
export const wrongLastNumbers = (db: Queryable) => db`
  select s.webhook_id, s.last_sequence, coalesce(h.last, 0) as last, coalesce(h.count, 0) as count
  from slotbase.webhook_sequences s
  left join (select webhook_id, max(sequence) as last, count(*) as count from slotbase.delivery_history
             where replay = 0 group by webhook_id) h on h.webhook_id = s.webhook_id
  where (s.last_sequence, s.last_sequence) is distinct from (coalesce(h.last, 0), coalesce(h.count, 0))
    and not exists (select from slotbase.delivery_queue q where q.webhook_id = s.webhook_id and q.replay = 0)`

export const notDone = (db: Queryable, { resends, replays, deleted }: Noted) => db`
  select 'resend' as what, id::text,
         (select jsonb_agg(jsonb_build_array(h.webhook_id, h.position, h.replay)) from slotbase.delivery_history h
          where h.event_id = (select a.event_id from slotbase.attempt_history a where a.delivery_id = n.id limit 1)) as beside
  from unnest(${[...resends]}::uuid[]) as n (id)
  where not exists (select from slotbase.delivery_history h where h.delivery_id = n.id and h.replay between 1 and 9999)
  union all
  select 'replay', id::text, null from unnest(${[...replays]}::uuid[]) as n (id)
  where not exists (select from slotbase.replays r where r.id = n.id and r.ended_at is not null)
  union all
  select 'deletion', id::text, null from unnest(${[...deleted]}::uuid[]) as n (id)
  where not exists (select from slotbase.webhooks w where w.id = n.id and w.deleted_at is not null)`

/** Requests are repeated under one key. So a second replay of the same request is one that nobody asked for. */
export const unasked = (db: Queryable, { resends, replays }: Noted) => db`
  select 'resend' as what, delivery_id::text as id from slotbase.delivery_history
  where replay between 1 and 9999 and delivery_id <> all (${[...resends]}::uuid[])
  union all
  select 'replay', id::text from slotbase.replays
  where kind = 'events' and id <> all (${[...replays]}::uuid[])`

/** A first delivery that had ended before the replay began is in its range. */
export const replaysWithGaps = (db: Queryable) => db`
  select r.id, h.event_id, h.position from slotbase.replays r
  join slotbase.delivery_history h on h.webhook_id = r.webhook_id and h.replay = 0 and h.position <= r.end_position
    and h.settled_at < r.created_at and h.event_id >= slotbase.id_at(r.since) and h.event_id < slotbase.id_at(r.until)
  where r.kind = 'events' and r.status = 'completed'
    and not exists (select from slotbase.delivery_history s
                    where s.webhook_id = r.webhook_id and s.event_id = h.event_id and s.replay = r.number)`

export const wrongProgress = (db: Queryable) => db`
  select r.id, r.status, r.queued, r.delivered, r.failed, s.delivered as has_delivered, s.failed as has_failed
  from slotbase.replays r
  cross join lateral (
    select count(*) filter (where h.status = 'delivered') as delivered, count(*) filter (where h.status = 'failed') as failed
    from slotbase.delivery_history h where h.webhook_id = r.webhook_id and h.replay = r.number) s
  where r.kind = 'events' and r.status = 'completed'
    and (r.queued <> s.delivered + s.failed or r.delivered is distinct from s.delivered)`

export const toldTwice = (db: Queryable) => db`
  select e.data ->> 'webhookId' as webhook_id, e.data ->> 'failingSince' as since, e.data ->> 'stage' as stage, count(*)
  from slotbase.events e
  where e.type = 'webhook.failing'
    and not exists (select from slotbase.events o where o.type = 'webhook.disabled' and o.data ->> 'webhookId' = e.data ->> 'webhookId')
  group by 1, 2, 3 having count(*) > 1`

/** Only when a request has come since the receiver was gone. */
export const notEnded = (db: Queryable, { gone }: Noted) => db`
  select w.id from slotbase.webhooks w join slotbase.hook_subscriptions s on s.webhook_id = w.id
  where w.id = any (${[...gone]}::uuid[]) and (w.deleted_at is null) <> (s.gone_at is null)
  union all
  select a.webhook_id from slotbase.attempt_history a
  where a.webhook_id = any (${[...gone]}::uuid[]) and a.response_status = 410
    and not exists (select from slotbase.hook_subscriptions s where s.webhook_id = a.webhook_id and s.gone_at is not null)`
