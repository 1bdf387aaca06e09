/**
 * The rows of open breakers show people why a delivery is late. There is a row per webhook and process, from the moment
 * that a breaker opens until it closes. Nothing is decided by these rows, so a failed write is not repeated.
 * Writes: webhook_breakers.
 */
import type { Db } from "#base/database/db.ts"
import type { Breaker } from "./breaker.ts"
import type { AttemptResult } from "./delivery.ts"

export class BreakerRows {
  readonly #db: Db
  readonly #owner: () => number
  #lastWrite: Promise<unknown> = Promise.resolve()

  constructor(db: Db, owner: () => number) {
    this.#db = db
    this.#owner = owner
  }

  opened({ delivery: { webhook }, error }: AttemptResult, { failures, openMs }: Breaker): void {
    this.#write(
      () => this.#db`
        insert into slotbase.webhook_breakers (webhook_id, process, facility_id, failures, error, opened_at, probe_at)
        select ${webhook.id}, ${this.#owner()}, ${webhook.facility_id}, ${failures}, ${error?.message ?? null},
               now, now + ${openMs}::integer * interval '1 ms'
        from (select slotbase.now() as now) t
        on conflict (webhook_id, process) do update
        set failures = excluded.failures, error = excluded.error, probe_at = excluded.probe_at`,
    )
  }

  closed(webhookId: string): void {
    this.#write(
      () => this.#db`
        delete from slotbase.webhook_breakers where webhook_id = ${webhookId} and process = ${this.#owner()}`,
    )
  }

  /** Removes the rows of this process, which sends nothing any more. */
  async end(): Promise<void> {
    this.#write(() => this.#db`delete from slotbase.webhook_breakers where process = ${this.#owner()}`)
    await this.#lastWrite
  }

  /** Writes one after the other, in the order of the calls. */
  #write(write: () => Promise<unknown>): void {
    this.#lastWrite = this.#lastWrite.then(write).catch(() => {})
  }
}

/** Removes the rows of expired processes. */
export async function forgetDeadBreakers(db: Db): Promise<void> {
  await db`
    delete from slotbase.webhook_breakers b
    where not exists (select from slotbase.processes p where p.id = b.process and p.alive_until > clock_timestamp())`
}
