/** Whether a person's calendar may be kept in step, by the roles that the person has now. Reads only. */
import { placeOf } from "#access/membership.ts"
import type { Queryable } from "#base/database/db.ts"
import type { CalendarSyncRow } from "./rows.ts"

/** Why it may not, in words. Undefined: it may. The calendar of a resource is the club's, whoever connected it. */
export async function whyNotInStep(
  db: Queryable,
  { facility_id, user_id, resource_id, sync_direction }: CalendarSyncRow,
): Promise<string | undefined> {
  if (resource_id !== null) return undefined
  const [place] = await db<{ roles: string[]; is_member: boolean }[]>`
    select p.roles, p.is_member
    from slotbase.facilities f cross join lateral ${placeOf(db, db`${user_id}::uuid`)} p
    where f.id = ${facility_id}`
  if (!place?.is_member) return "Its owner is no member of the club any more."
  if (sync_direction !== "push" && !place.roles.includes("coach"))
    return "Its owner is no coach any more, so the calendar can be pushed to and not pulled."
  return undefined
}
