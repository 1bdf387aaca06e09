/** Which databases the demo may use, and when: it moves their clock. */
import { connect, type Db } from "#base/database/db.ts"
import { operatorName } from "#events/operator.ts"

/** The name of a demo's connections, by which another one sees that it plays. */
export const demoName = operatorName("slotbase demo")

/** Whether a demo plays in this database. Two at once would move the clock under each other's feet. */
export async function isDemoPlaying(url: string): Promise<boolean> {
  const db = connect(url, { max: 1, applicationName: "slotbase demo asks" })
  try {
    const others = await db`
      select from pg_stat_activity where datname = current_database() and application_name like 'slotbase demo, by %' limit 1`
    return others.length > 0
  } finally {
    await db.end()
  }
}

/**
 * The reason against a demo in this database; undefined: the demo may run. The environment comes from the last event of
 * the log, because the caller may have forgotten the database's use. Call this before anything is started or migrated.
 */
export async function whyNoDemo(db: Db): Promise<string | undefined> {
  const [made] = await db<[{ made: boolean }]>`select to_regclass('slotbase.event_positions') is not null as made`
  if (!made.made) return undefined
  const [last] = await db<{ environment: string }[]>`
    select e.metadata ->> 'environment' as environment
    from slotbase.event_positions p join slotbase.events e on e.id = p.event_id and e.facility_id = p.facility_id
    order by p.position desc limit 1`
  return last && last.environment !== "development"
    ? `The demo moves the clock of the database, and this one has events of "${last.environment}".`
    : undefined
}
