// How long it takes until what was under way when something broke is done elsewhere.

import { killedWithinMs } from "./fault.ts"
import type { World } from "./world.ts"

const askEveryMs = 20
/** Work that is due for so short a time is being done, not waiting. */
const dueForMs = 250
const givesUpAfterMs = 60_000

/**
 * Milliseconds from `since` (on the monotonic timer) until everything recorded before now is dispatched, and all its work
 * is done or waits for a later retry: so what the dead process held was taken over, and other work goes on.
 */
export async function recovered(world: World, since: number): Promise<number> {
  const { db } = world.database
  const ask = async <T>(question: () => Promise<T>): Promise<T> => {
    for (;;) {
      const answer = await question().catch(() => undefined)
      if (answer !== undefined) return answer
      if (performance.now() - since > givesUpAfterMs) throw new Error("the database does not answer any more")
      await Bun.sleep(askEveryMs)
    }
  }
  const drawn = await ask(async () => {
    const [row] = await db<[{ seq: number }]>`
      select coalesce(pg_sequence_last_value('slotbase.outbox_seq'), 0) as seq`
    return row.seq
  })
  let upTo: number | undefined
  let last = ""
  for (;;) {
    const now = performance.now()
    if (now - since > givesUpAfterMs) break
    const [left] = await ask(() => leftOf(world, drawn, upTo))
    if (left.outbox === 0) upTo ??= left.head
    if (upTo !== undefined && left.runs === null && left.deliveries === 0) break
    last = `${left.outbox} events, runs of ${left.runs ?? "nobody"}, ${left.deliveries} deliveries`
    await Bun.sleep(askEveryMs)
  }
  const tookMs = Math.min(givesUpAfterMs, Math.round(performance.now() - since))
  if (tookMs > killedWithinMs) world.progress(`  recovered after ${tookMs} ms; what came last: ${last}`)
  return tookMs
}

interface Left {
  readonly outbox: number
  readonly head: number
  /** Each handler with its number of runs. */
  readonly runs: string | null
  readonly deliveries: number
}

const leftOf = ({ database: { db }, receivers }: World, drawn: number, upTo = Number.MAX_SAFE_INTEGER) => db<[Left]>`
  with t as materialized (select slotbase.now() - ${dueForMs}::integer * interval '1 ms' as waiting)
  select (select count(*) from slotbase.outbox where seq <= ${drawn}) as outbox,
         (select coalesce(max(position), 0) from slotbase.event_positions) as head,
         (select string_agg(handler || ' ' || runs, ', ') from (
            select handler, count(*) || case when bool_or(alone) then ' alone' else '' end as runs
            from slotbase.handler_queue, t
            where position <= ${upTo} and (ready_at is null or ready_at < t.waiting) group by handler) h) as runs,
         (select count(*) from slotbase.delivery_queue q cross join t join slotbase.webhooks w on w.id = q.webhook_id
          where q.position <= ${upTo} and w.url = ${receivers.steadyUrl}
            and (q.ready_at is null or q.ready_at < t.waiting)) as deliveries`
