// Valid rows, written by SQL, for tests whose subject is not the command that makes them. Every unnamed field has a
// default.

import type { Db } from "#base/database/db.ts"
import { newId, rootUserId } from "#base/ids.ts"
import type { FacilityGiven } from "./build.ts"

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

export interface FacilityRow extends Required<FacilityGiven> {
  readonly id: string
}

/** Default: in Berlin, without opening hours. */
export async function aFacility(db: Db, given: FacilityGiven & { readonly id?: string } = {}): Promise<FacilityRow> {
  const facility = {
    id: newId(),
    name: "Parkside Tennis",
    timezone: "Europe/Berlin",
    currency: "EUR",
    sportTypes: [],
    openingHours: {},
    ownerId: rootUserId,
    ...given,
  }
  const { id, name, timezone, currency, sportTypes, openingHours, ownerId } = facility
  await db`
    insert into slotbase.facilities (id, name, timezone, currency, sport_types, opening_hours, owner_id)
    values (${id}, ${name}, ${timezone}, ${currency}, ${[...sportTypes]}, ${db.json(openingHours)}, ${ownerId})`
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

/** Links a parent to a child, for what the permissions say. */
export async function aChildLink(
  db: Db,
  link: { readonly parent: string; readonly child: string; readonly permissions: readonly string[] },
  { relationship = "mother", isPrimary = true } = {},
): Promise<void> {
  await db`
    insert into slotbase.child_links (id, parent_id, child_id, relationship, is_primary, permissions, status, created_by, linked_at)
    values (${newId()}, ${link.parent}, ${link.child}, ${relationship}, ${isPrimary}, ${db.array([...link.permissions])}::text[],
            'linked', ${rootUserId}, slotbase.now())`
}
