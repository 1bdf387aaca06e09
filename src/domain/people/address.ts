/** Where the messages of a facility reach a person, as a value of SQL. */
import type { Queryable } from "#base/database/db.ts"

/**
 * The person's own address, the contact of a walk-in, or the address of a parent whose link counts in the facility.
 * Null when there is none. The statement has `slotbase.users` under the name `u`.
 */
export const addressIn = (sql: Queryable, facilityId: ReturnType<Queryable>) =>
  sql`coalesce(u.email, u.contact_email, slotbase.parents_email(u.id, ${facilityId}))`

/**
 * The address in the events of a walk-in who left none. The specification's events always name one. No mail can reach
 * a name below `.invalid` (RFC 2606, section 2).
 */
export const unreachable = "walk-in@slotbase.invalid"
