/** The scope of a facility: the fields that its events carry beside their data, and its zone under a lock. */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound } from "#base/errors.ts"
import { platformFacilityId } from "#base/ids.ts"

/** Spread it into a recorded event: `record(tx, { type, ...scope, data })`. */
export interface FacilityScope {
  readonly facilityId: string
  readonly organizationId?: string
}

/** Undefined when there is no such facility. The platform's own row does not count as one. */
export async function facilityScope(db: Queryable, id: string): Promise<FacilityScope | undefined> {
  const [row] = await db<{ id: string; organization_id: string | null }[]>`
    select id, organization_id from slotbase.facilities where id = ${id} and id <> ${platformFacilityId}`
  return row && scopeOf(row)
}

/**
 * Locks the facility's row against other changes of its rules; bookings do not wait for the lock.
 * `now` was read after the lock. Throws NotFound.
 */
export async function lockFacility(
  tx: Tx,
  id: string,
): Promise<{ readonly timezone: string; readonly now: Date; readonly scope: FacilityScope }> {
  const [row] = await tx<{ id: string; organization_id: string | null; timezone: string; now: Date }[]>`
    with f as materialized (
      select id, organization_id, timezone from slotbase.facilities
      where id = ${id} and id <> ${platformFacilityId} for no key update
    )
    select f.*, slotbase.now() as now from f`
  if (!row) throw new NotFound("facility", id)
  return { timezone: row.timezone, now: row.now, scope: scopeOf(row) }
}

export const scopeOf = (row: { readonly id: string; readonly organization_id: string | null }): FacilityScope => ({
  facilityId: row.id,
  ...(row.organization_id !== null && { organizationId: row.organization_id }),
})

export async function isOrganization(db: Queryable, id: string): Promise<boolean> {
  const rows = await db`select 1 from slotbase.organizations where id = ${id}`
  return rows.length > 0
}
