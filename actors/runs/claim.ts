/**
 * Claiming runs: a batch under one fencing token, in a statement of its own. The scan starts above a floor, because rows
 * that were deleted but not yet vacuumed (a backup, an open query) would otherwise be walked again and again; positions
 * become visible in order, so the floor is exact, and what returns below it is found by the sweep.
 * The queue is empty nearly always, and a plan made then takes it for empty: rows are named by arrays, never joined, so
 * that the index serves whatever the planner believes (a claim took 85 ms in a burst after a quiet hour, now 3 ms).
 */
import type { Db } from "../../src/database/db.ts"
import type { HandledEvent } from "../handlers/handler.ts"

export interface Run extends HandledEvent {
  /** Failed attempts so far. */
  readonly attempts: number
  /** Claimed by itself, because its batch was lost with its process. */
  readonly alone: boolean
}

export interface Claim {
  readonly handler: string
  readonly lease: number
  readonly runs: readonly Run[]
  /** No run that nobody has claimed yet stands at or below it. */
  readonly upTo: number
}

export interface Range {
  /** Exclusive. */
  readonly after: number
  /** Inclusive. */
  readonly upTo: number
}

/** Claims what nobody has: waiting runs, and retries that are due. A run that must stay alone is not among them. */
export async function claimFree(db: Db, handler: string, owner: number, range: Range, limit: number): Promise<Claim> {
  // The head of the log is read in the snapshot of the claim: the runs of every position up to it are visible there.
  const rows = await db<(Claimed & { head: number })[]>`
    with token as materialized (
      select nextval('slotbase.lease_seq') as lease
    ), free as materialized (
      select position from slotbase.handler_queue
      where handler = ${handler} and position > ${range.after} and position <= ${range.upTo}
        and lease is null and not alone and (ready_at is null or ready_at <= (select slotbase.now()))
      order by position limit ${limit}
      for update skip locked
    ), claimed as (
      update slotbase.handler_queue q set lease = (select lease from token), owner = ${owner}
      where q.handler = ${handler} and q.position = any (array(select position from free))
      returning q.position, q.event_id, q.facility_id, q.attempts, q.alone, q.lease
    )
    select h.head, c.position, c.attempts, c.alone, c.lease, c.event_id as id, c.facility_id, e.type, e.version, e.timestamp,
           e.occurred_at, e.source, e.correlation_id, e.causation_id, e.user_id, e.organization_id, e.aggregate_id,
           e.resource_id, e.data, e.metadata
    from (select coalesce(max(position), 0) as head from slotbase.event_positions) h
    left join (claimed c left join slotbase.events e on e.id = c.event_id and e.facility_id = c.facility_id) on true
    order by c.position`
  const runs = rows.filter(({ position }) => position !== null)
  const reached = (runs.length < limit ? rows[0]?.head : runs.at(-1)?.position) ?? range.after
  return { handler, lease: runs[0]?.lease ?? 0, runs, upTo: Math.max(range.after, Math.min(range.upTo, reached)) }
}

type Claimed = Run & { readonly lease: number }

/**
 * Claims one run whose process is gone, alone: if it is lost a second time, that was this event's own doing, and only then
 * it counts as an attempt. Its batch of innocent neighbours burns nothing. The caller has nothing else claimed: what
 * stands under its own name is a claim whose answer it never received, and nothing was lost.
 */
export async function claimOrphan(
  db: Db,
  handler: string,
  owner: number,
  upTo: number,
  maxRetries: number,
): Promise<Claim> {
  const runs = await db<Claimed[]>`
    with orphan as materialized (
      select position, coalesce(q.owner <> ${owner}, false) as lost from slotbase.handler_queue q
      where handler = ${handler} and position <= ${upTo}
        and case when lease is null then alone else q.owner = ${owner}
              or not exists (select from slotbase.processes p where p.id = q.owner and p.alive_until > clock_timestamp()) end
      order by position limit 1
      for update skip locked
    ), found as materialized (
      select o.position, o.lost, (select p.type from slotbase.event_positions p where p.position = o.position) from orphan o
    ), claimed as (
      update slotbase.handler_queue q
      set lease    = nextval('slotbase.lease_seq'),
          owner    = ${owner},
          alone    = q.alone or o.lost,
          lost     = q.lost + o.lost::integer,
          attempts = q.attempts + (q.alone and o.lost)::integer,
          errors   = case when q.alone and o.lost then coalesce(q.errors, '[]') || jsonb_build_object(
                       'eventId', q.event_id, 'eventType', o.type, 'handlerName', q.handler,
                       'error', jsonb_build_object('message', ${lostMessage}::text, 'code', 'unknown_outcome'),
                       'attemptCount', q.attempts + 1, 'maxRetries', ${maxRetries}::integer,
                       'status', case when q.attempts >= ${maxRetries}::integer then 'dead_letter' else 'retrying' end)
                     else q.errors end
      from found o
      where q.handler = ${handler} and q.position = (select position from orphan) and o.position = q.position
      returning q.position, q.event_id, q.facility_id, q.attempts, q.alone, q.lease
    )
    select c.position, c.attempts, c.alone, c.lease, c.event_id as id, c.facility_id, e.type, e.version, e.timestamp,
           e.occurred_at, e.source, e.correlation_id, e.causation_id, e.user_id, e.organization_id, e.aggregate_id,
           e.resource_id, e.data, e.metadata
    from claimed c
    left join slotbase.events e on e.id = c.event_id and e.facility_id = c.facility_id`
  return { handler, lease: runs[0]?.lease ?? 0, runs, upTo }
}

/** What stands in the errors of a run that was lost with its process. */
export const lostMessage = "the process died while it handled this event alone; the outcome is unknown"

/** Gives back what was claimed and not settled; nothing counts as an attempt. */
export const giveBack = (db: Db, { handler, lease, runs }: Claim) => db`
  update slotbase.handler_queue set lease = null, owner = null
  where handler = ${handler} and position = any (${runs.map((run) => run.position)}::bigint[]) and lease = ${lease}`
