/** Which databases the demo may play in: it moves their clock. */
import type { Db } from "../database/db.ts"

/** The database is none to play in; the message says why. */
export class NotForDemo extends Error {
  readonly _tag = "NotForDemo"
}

/**
 * Lets the clock of the database be moved. Throws `NotForDemo` when its newest event was recorded in another environment than
 * development: whoever calls the demo may have forgotten whose database it is.
 */
export async function makeMovable(db: Db): Promise<void> {
  const [newest] = await db<{ environment: string }[]>`
    select metadata ->> 'environment' as environment from slotbase.events order by id desc limit 1`
  if (newest && newest.environment !== "development")
    throw new NotForDemo(
      `The demo moves the clock of the database, and this one has events of "${newest.environment}".`,
    )
  await db`update slotbase.clock set movable = true`
}
