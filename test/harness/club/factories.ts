// Valid rows, written by SQL, for tests whose subject is not the command that makes them. Every unnamed field has a
// default.

import type { Db } from "#base/database/db.ts"
import { newId, rootUserId } from "#base/ids.ts"

export interface PersonRow {
  id: string
  email: string
  firstName: string
  lastName: string
}

export async function aPerson(db: Db, given: Partial<PersonRow> = {}): Promise<PersonRow> {
  const id = given.id ?? newId()
  const person = { id, email: `${id}@example.com`, firstName: "Mia", lastName: "Keller", ...given }
  await db`
    insert into slotbase.users (id, email, first_name, last_name)
    values (${id}, ${person.email}, ${person.firstName}, ${person.lastName})`
  return person
}

export interface FacilityRow {
  id: string
  name: string
  timezone: string
  currency: string
}

export async function aFacility(db: Db, given: Partial<FacilityRow> = {}): Promise<FacilityRow> {
  const facility = { id: newId(), name: "Parkside Tennis", timezone: "Europe/Berlin", currency: "EUR", ...given }
  await db`
    insert into slotbase.facilities (id, name, timezone, currency, owner_id)
    values (${facility.id}, ${facility.name}, ${facility.timezone}, ${facility.currency}, ${rootUserId})`
  return facility
}

export async function aResource(
  db: Db,
  facilityId: string,
  given: { name?: string; hourlyPrice?: number } = {},
): Promise<{ id: string; name: string }> {
  const { name = "Court 1", hourlyPrice = 2400 } = given
  const id = newId()
  await db`
    insert into slotbase.resources (id, facility_id, name, resource_type, hourly_price)
    values (${id}, ${facilityId}, ${name}, 'court', ${hourlyPrice})`
  return { id, name }
}

export async function aRole(db: Db, userId: string, role: string, facilityId: string): Promise<void> {
  await db`
    insert into slotbase.role_grants (user_id, role, scope_type, scope_id, granted_by)
    values (${userId}, ${role}, 'facility', ${facilityId}, ${rootUserId})`
}
