/**
 * The open breakers, for people who ask why a delivery is late: a row per webhook and process from the moment it opens until
 * it closes. Nothing is decided by these rows, so a write that fails is not repeated.
 * Writes: webhook_breakers.
 */
import type { Db } from "#base/database/db.ts"
import type { Pace } from "./breaker.ts"
import type { Result } from "./delivery.ts"

export interface Breakers {
  readonly opened: (result: Result, pace: Pace) => void
  readonly closed: (webhookId: string) => void
  /** The process sends nothing any more. */
  readonly end: () => Promise<void>
}

export function createBreakers(db: Db, owner: () => number): Breakers {
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = (write: () => Promise<unknown>) => {
    last = last.then(write).catch(() => {})
  }
  return {
    opened: ({ delivery: { webhook }, error }, { failures, openMs }) =>
      inTurn(
        () => db`
          insert into slotbase.webhook_breakers (webhook_id, process, facility_id, failures, error, opened_at, probe_at)
          select ${webhook.id}, ${owner()}, ${webhook.facility_id}, ${failures}, ${error?.message ?? null},
                 now, now + ${openMs}::integer * interval '1 ms'
          from (select slotbase.now() as now) t
          on conflict (webhook_id, process) do update
          set failures = excluded.failures, error = excluded.error, probe_at = excluded.probe_at`,
      ),
    closed: (webhookId) =>
      inTurn(() => db`delete from slotbase.webhook_breakers where webhook_id = ${webhookId} and process = ${owner()}`),
    end: async () => {
      inTurn(() => db`delete from slotbase.webhook_breakers where process = ${owner()}`)
      await last
    },
  }
}

/** Forgets those of processes that are dead. */
export async function forgetLostBreakers(db: Db): Promise<void> {
  await db`
    delete from slotbase.webhook_breakers b
    where not exists (select from slotbase.processes p where p.id = b.process and p.alive_until > clock_timestamp())`
}
