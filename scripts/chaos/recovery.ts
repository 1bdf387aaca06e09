// Measures recovery: how long work that a fault interrupted takes until it is done elsewhere.

import type { Db } from "#base/database/db.ts"
import { givesUpAfterMs, killedWithinMs } from "./fault.ts"
import type { World } from "./world.ts"

const askEveryMs = 20
/** Work that is due for a shorter time counts as being done, not as waiting. */
const dueForMs = 250

/** A process that has died, been stopped or ended. */
export interface Dead {
  readonly pid: number
  /** When, on the monotonic timer, milliseconds. */
  readonly at: number
}

/**
 * Milliseconds until the work that ended processes held is done elsewhere, or waits for a later retry.
 * - The time of each process counts from its own death; the longest is answered.
 * - Work is done when it is settled. A new claim is not enough.
 * - Every event recorded before this call must be dispatched too; that time counts from `since`.
 * - Work that only stood in a queue does not count: the speed of a backlog says nothing about recovery.
 * @param inHand work held before the deaths, for processes that may have given it back since; default: the work they
 * hold now.
 */
export async function takenOver(world: World, since: number, dead: readonly Dead[], inHand?: Held): Promise<number> {
  const { db } = world.database
  const held = inHand ?? (await answer(since, () => heldBy(world, dead)))
  const pids = dead.map(({ pid }) => pid)
  const waiting = new Map(dead.map(({ pid, at }) => [pid, { at, last: "" }]))
  const [first = 0] = [...dead].sort((a, b) => a.at - b.at).map(({ pid }) => pid)
  let longestMs = 0
  const allMs = await until(world, since, async () => {
    const left = await undoneOf(db, held, pids, first)
    for (const [pid, { at, last }] of waiting) {
      const undone = left.find((row) => row.pid === pid)?.undone
      waiting.set(pid, { at, last: undone ?? last })
      if (undone !== undefined) continue
      const tookMs = Math.round(performance.now() - at)
      if (tookMs > killedWithinMs)
        world.progress(`  the work of ${pid} was done after ${tookMs} ms; what came last: ${last}`)
      longestMs = Math.max(longestMs, tookMs)
      waiting.delete(pid)
    }
    return left.length > 0 ? left.map(({ pid, undone }) => `of ${pid} ${undone}`).join("; ") : undefined
  })
  return Math.max(allMs, longestMs)
}

/** Work that these processes have claimed, and work that other processes abandoned and that is not done yet. */
export async function heldBy(
  { database: { db }, receivers }: World,
  processes: readonly { readonly pid: number }[],
): Promise<Held> {
  const pids = processes.map(({ pid }) => pid)
  return {
    runs: await runsOf(db, pids),
    deliveries: await deliveriesOf(db, pids, receivers.healthyUrl),
    messages: await messagesOf(db, pids),
  }
}

/**
 * Milliseconds from `since` until all work of the events recorded before this call is done, or waits for a later retry.
 */
export function caughtUp(world: World, since: number): Promise<number> {
  let upTo: number | undefined
  return until(world, since, async () => {
    const [left] = await waitingOf(world.database.db, world.receivers.healthyUrl, upTo)
    upTo ??= left.head
    return left.runs !== null || left.messages > 0 || left.deliveries > 0
      ? `runs of ${left.runs ?? "no handler"}, ${left.messages} messages, ${left.deliveries} deliveries`
      : undefined
  })
}

/** @param leftOf names the work that is left when every event recorded before this call is dispatched. */
async function until(world: World, since: number, leftOf: () => Promise<string | undefined>): Promise<number> {
  const { db } = world.database
  const drawn = await answer(since, async () => {
    const [row] = await db<[{ seq: number }]>`
      select coalesce(pg_sequence_last_value('slotbase.outbox_seq'), 0) as seq`
    return row.seq
  })
  const workLeft = async () => {
    const [row] = await db<[{ events: number }]>`select count(*) as events from slotbase.outbox where seq <= ${drawn}`
    return row.events > 0 ? `${row.events} events` : leftOf()
  }
  let last = ""
  while (performance.now() - since < givesUpAfterMs) {
    const left = await workLeft().catch((error: Error) => `the database answers: ${error.message}`)
    if (left === undefined) break
    last = left
    await Bun.sleep(askEveryMs)
  }
  const tookMs = Math.min(givesUpAfterMs, Math.round(performance.now() - since))
  if (tookMs > killedWithinMs) world.progress(`  recovered after ${tookMs} ms; what came last: ${last}`)
  return tookMs
}

/** Repeats the question until the database answers. */
async function answer<T>(since: number, question: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await question()
    } catch (cause) {
      if (performance.now() - since > givesUpAfterMs)
        throw new Error("the database does not answer any more", { cause })
      await Bun.sleep(askEveryMs)
    }
  }
}

interface Held {
  readonly runs: readonly { readonly handler: string; readonly position: number; readonly pid: number | null }[]
  readonly deliveries: readonly {
    readonly webhook_id: string
    readonly position: number
    readonly replay: number
    /** null: the delivery was already taken from an ended process, and no other process has claimed it. */
    readonly pid: number | null
  }[]
  readonly messages: readonly { readonly id: string; readonly pid: number }[]
}

const runsOf = (db: Db, pids: readonly number[]) => db<Held["runs"][number][]>`
  select c.handler, p.position, d.pid
  from slotbase.handler_claims c cross join unnest(c.positions) as p (position)
  join slotbase.processes d on d.id = c.owner and d.pid = any (${pids}::integer[])
  union
  select handler, position, null from slotbase.handler_queue where alone or lost > 0`

// Only of the healthy receiver. Deliveries to the faulty one wait for its answer, whichever process sends them.
const deliveriesOf = (db: Db, pids: readonly number[], url: string) => db<Held["deliveries"][number][]>`
  select q.webhook_id, q.position, q.replay, d.pid
  from slotbase.delivery_queue q join slotbase.webhooks w on w.id = q.webhook_id
  left join slotbase.processes d on d.id = q.owner and d.pid = any (${pids}::integer[])
  where w.url = ${url} and (d.pid is not null or q.lease is null and q.unknowns > 0)`

const messagesOf = (db: Db, pids: readonly number[]) => db<Held["messages"][number][]>`
  select q.id, d.pid from slotbase.message_queue q
  join slotbase.processes d on d.id = q.owner and d.pid = any (${pids}::integer[])`

/**
 * By process, three kinds of work that are not done:
 * - work that it held, unless that waits for a later retry; any process may have it now;
 * - work that it claimed in its last moment;
 * - work that no other process has taken from it.
 * Work abandoned by other processes counts for the process that died first.
 */
const undoneOf = (db: Db, { runs, deliveries, messages }: Held, pids: readonly number[], first: number) => db<
  { pid: number; undone: string }[]
>`
  with t as materialized (select slotbase.now() as now),
  dead as materialized (select id, pid from slotbase.processes where pid = any (${pids}::integer[])),
  undone as (
    select h.pid, 'runs of ' || q.handler as what
    from jsonb_to_recordset(${db.json(runs as never)}) as h (handler text, position bigint, pid integer)
    join slotbase.unfinished_runs q using (handler, position), t
    where q.ready_at is null or q.ready_at <= t.now
    union all
    select h.pid, 'deliveries'
    from jsonb_to_recordset(${db.json(deliveries as never)}) as h (webhook_id uuid, position bigint, replay smallint, pid integer)
    join slotbase.delivery_queue q using (webhook_id, position, replay), t
    where q.lease is not null or q.ready_at is null or q.ready_at <= t.now
    union all
    select h.pid, 'messages'
    from jsonb_to_recordset(${db.json(messages as never)}) as h (id uuid, pid integer)
    join slotbase.message_queue q using (id), t
    where q.lease is not null or q.due_at is null or q.due_at <= t.now
    union all
    select d.pid, 'claimed messages' from slotbase.message_queue q join dead d on d.id = q.owner
    union all
    select d.pid, 'claims of ' || c.handler from slotbase.handler_claims c cross join unnest(c.positions) join dead d on d.id = c.owner
    union all
    select d.pid, 'leases' from slotbase.delivery_queue q join dead d on d.id = q.owner
  )
  select pid, string_agg(count || ' ' || what, ', ') as undone
  from (select case when pid = any (${pids}::integer[]) then pid else ${first}::integer end as pid, what, count(*)
        from undone group by 1, 2) u
  group by pid`

const waitingOf = (db: Db, url: string, upTo = Number.MAX_SAFE_INTEGER) => db<
  [{ head: number; runs: string | null; messages: number; deliveries: number }]
>`
  with t as materialized (select slotbase.now() - ${dueForMs}::integer * interval '1 ms' as waiting)
  select (select coalesce(max(position), 0) from slotbase.event_positions) as head,
         (select string_agg(handler || ' ' || runs, ', ') from (
            select handler, count(*) as runs from slotbase.unfinished_runs, t
            where position <= ${upTo} and (ready_at is null or ready_at < t.waiting) group by handler) h) as runs,
         (select count(*) from (
            select event_id from slotbase.message_queue q, t where q.due_at is null or q.due_at < t.waiting
            union all select event_id from slotbase.message_backlog) m
          join slotbase.event_positions p on p.event_id = m.event_id and p.position <= ${upTo}) as messages,
         (select count(*) from slotbase.delivery_queue q cross join t join slotbase.webhooks w on w.id = q.webhook_id
          where q.position <= ${upTo} and w.url = ${url} and (q.ready_at is null or q.ready_at < t.waiting)) as deliveries`
