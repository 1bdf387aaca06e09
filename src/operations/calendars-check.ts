/** The check of "slotbase doctor" for calendars outside: what only the operator can mend. Reads only. */
import type { Db } from "#base/database/db.ts"

interface Finding {
  readonly name: string
  readonly well: boolean
  readonly says: string
}

/** A calendar whose owner must do something is no fault of SlotBase: the owner is told. */
export async function calendars(db: Db): Promise<Finding> {
  const rows = await db<{ provider: string; status_code: string | null; count: number }[]>`
    select s.provider, s.status_code, count(*)::integer as count
    from slotbase.calendar_syncs s where s.sync_status <> 'paused' group by 1, 2 order by 1, 2`
  const name = "calendars"
  const refused = rows.filter(({ status_code }) => status_code === "program_refused")
  if (refused.length > 0) {
    const which = refused.map(({ provider, count }) => `${count} at ${provider}`).join(", ")
    return {
      name,
      well: false,
      says: `the registration of this program is not taken: ${which}; renew the client's secret (docs/operating.md)`,
    }
  }
  const sum = (some: readonly { count: number }[]) => some.reduce((total, { count }) => total + count, 0)
  const failing = sum(rows.filter(({ status_code }) => status_code !== null))
  const connected = sum(rows)
  const says = connected === 0 ? "none connected" : `${connected} connected`
  return { name, well: true, says: failing === 0 ? says : `${says}, ${failing} fail: their owners are told` }
}
