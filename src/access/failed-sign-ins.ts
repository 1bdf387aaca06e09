/**
 * Wrong passwords leave a trace: a count for each account, address and hour. Strangers cannot make the counts grow
 * without end, because beyond some addresses of one hour all others share a row. What was typed is not kept.
 */
import type { Queryable } from "#base/database/db.ts"
import { NotAuthenticated, TooMany } from "#base/errors.ts"
import { clientAddressOf } from "#events/audit.ts"
import { metrics } from "#events/metrics.ts"

/** Addresses of one account, or of all unknown accounts, that an hour tells apart. A club's people use a few. */
const maxAddressesPerHour = 100

/** Counts one. `userId` is undefined when nobody has the address that was typed. */
export async function noteFailedSignIn(db: Queryable, userId: string | undefined, client: string): Promise<void> {
  await db`select slotbase.note_failed_sign_in(${userId ?? null}, ${clientAddressOf(client)}, ${maxAddressesPerHour})`
}

/** Counts a sign-in for the metrics, by the outcome of its check. */
export async function countSignIn<T>(check: Promise<T>): Promise<T> {
  try {
    const user = await check
    metrics.signedIn("succeeded")
    return user
  } catch (error) {
    if (error instanceof NotAuthenticated) metrics.signedIn("failed")
    if (error instanceof TooMany) metrics.signedIn("limited")
    throw error
  }
}
