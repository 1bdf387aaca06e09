// The people who listen to a club, and what happens there in one moment.

import { dispatchOnce } from "#actors/dispatch/dispatcher.ts"
import type { Db } from "#base/database/db.ts"
import { newId } from "#base/ids.ts"
import { hashToken } from "#base/secrets.ts"
import { record, transact } from "#events/outbox.ts"
import type { Bench } from "#scripts/benchmarks/measure.ts"
import { context, sample } from "#test/harness/pipeline/pipeline.ts"

/** SlotBase's limit for one user. */
export const socketsPerUser = 50

/**
 * Records the events in one transaction and dispatches them, as an actors process would. Answers when they were
 * committed.
 */
export async function recordBurst(db: Db, facilityId: string, events: number): Promise<number> {
  await transact(db, context, async (tx) => {
    for (let n = 0; n < events; n++)
      record(tx, sample("booking.confirmed", { bookingId: newId(), facilityId }, facilityId))
  })
  const committed = performance.timeOrigin + performance.now()
  while ((await dispatchOnce(db)).more);
  return committed
}

/**
 * Makes staff that may subscribe; answers their tokens. SQL makes the sessions, to save the hashing of 200 passwords.
 */
export async function makeStaff({ sql }: Bench, facilityId: string, count: number): Promise<readonly string[]> {
  const people = Array.from({ length: count }, (_, n) => ({ id: newId(), token: `bench-session-${n}-${newId()}` }))
  for (const { id, token } of people) {
    await sql`
      with person as (
        insert into slotbase.users (id, email, first_name, last_name) values (${id}, ${`${id}@example.com`}, 'Bench', 'Staff')
      ), grant_ as (
        insert into slotbase.role_grants (user_id, role, scope_type, scope_id, granted_by)
        values (${id}, 'staff', 'facility', ${facilityId}, ${id})
      )
      insert into slotbase.sessions (token_hash, user_id, expires_at)
      values (${hashToken(token)}, ${id}, now() + interval '1 day')`
  }
  return people.map(({ token }) => token)
}
