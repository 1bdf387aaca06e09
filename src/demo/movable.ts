/** Which databases the demo may play in: it moves their clock. */
import type { Db } from "../database/db.ts"

/** The database is none to play in; the message says why. */
export class NotForDemo extends Error {
  readonly _tag = "NotForDemo"
}

/**
 * Throws `NotForDemo` when the last event of the log was recorded in another environment than development: whoever calls the demo
 * may have forgotten whose database it is. To be asked before anything is started or migrated.
 */
export async function checkForDemo(db: Db): Promise<void> {
  const [made] = await db<[{ made: boolean }]>`select to_regclass('slotbase.event_positions') is not null as made`
  if (!made.made) return
  const [last] = await db<{ environment: string }[]>`
    select e.metadata ->> 'environment' as environment
    from slotbase.event_positions p join slotbase.events e on e.id = p.event_id and e.facility_id = p.facility_id
    order by p.position desc limit 1`
  if (last && last.environment !== "development")
    throw new NotForDemo(`The demo moves the clock of the database, and this one has events of "${last.environment}".`)
}
