/** Waits until everything that is due has been done: no event, run, message or tick is left. Reads only. */
import type { Db } from "#base/database/db.ts"
import { sendHint } from "#base/hints.ts"

const askEveryMs = 4
const givesUpAfterMs = 30_000

/** After the clock has moved: what waits for an instant looks at the clock again. */
export function wakeEverybody(): void {
  for (const hint of ["clock", "schedules", "jobs", "log", "deliveries", "outbox", "messages"] as const) sendHint(hint)
}

/**
 * Resolves when the server has nothing more to do. A run that waits for its next try is looked at once a second of real
 * time. That is waited for in the end only.
 */
export async function untilQuiet(db: Db, { inTheEnd = false } = {}): Promise<void> {
  const deadline = performance.now() + givesUpAfterMs
  for (let left = await busyWith(db, inTheEnd); left.length > 0; left = await busyWith(db, inTheEnd)) {
    if (performance.now() > deadline) throw new Error(`no rest after ${givesUpAfterMs} ms: ${left.join(", ")}`)
    await Bun.sleep(askEveryMs)
  }
}

/** The kinds of work that is due and not done. */
async function busyWith(db: Db, withRetries: boolean): Promise<readonly string[]> {
  const [row] = await db<[Record<string, boolean>]>`
    with at as materialized (select slotbase.now() as now)
    select exists (select from slotbase.outbox) as events,
           exists (select from slotbase.unfinished_runs r where r.ready_at is null or ${withRetries} and r.ready_at <= at.now) as runs,
           exists (select from slotbase.message_backlog)
             or exists (select from slotbase.message_queue m where m.due_at is null or m.due_at <= at.now) as messages,
           exists (select from slotbase.job_schedules s where s.look_at <= at.now) as ticks,
           exists (select from slotbase.job_runs j where j.status in ('waiting', 'requested', 'running')) as jobs,
           exists (select from slotbase.bookings b where b.status = 'held' and b.hold_expires_at <= at.now) as holds
    from at`
  return Object.entries(row)
    .filter(([, isBusy]) => isBusy)
    .map(([kind]) => kind)
}
