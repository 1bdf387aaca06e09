/**
 * The demo club, made through the domain's commands, so that its events are recorded like any other. One transaction
 * makes it: a process that crashes in the middle leaves nothing, and of two starts at once one makes the club.
 * The ids that the examples of the API name are fixed, so that an example works here when it is pasted.
 */
import { randomBytes } from "node:crypto"
import type { Caller } from "#access/caller.ts"
import { hashPassword } from "#access/passwords.ts"
import type { Config } from "#base/config.ts"
import type { Db, Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { newId, platformFacilityId, rootUserId } from "#base/ids.ts"
import { createFacility } from "#domain/club/facilities.ts"
import type { OpeningHours } from "#domain/club/opening-hours.ts"
import { createResource } from "#domain/club/resources.ts"
import { assignRole } from "#domain/people/role-invitations.ts"
import { registerUser } from "#domain/people/users.ts"
import { example } from "#events/example.ts"
import { transact } from "#events/outbox.ts"

export interface DemoClub {
  readonly facilityId: string
  readonly name: string
  readonly resources: readonly { readonly id: string; readonly name: string }[]
  readonly people: readonly DemoPerson[]
  /** One password for all people. */
  readonly password: string
}

export interface DemoPerson {
  readonly id: string
  readonly email: string
  readonly name: string
  readonly role: string
}

/** Makes the demo club in a database without a facility, and returns it; undefined when a facility exists. */
export async function seedDemo({
  db,
  config,
}: {
  readonly db: Db
  readonly config: Config
}): Promise<DemoClub | undefined> {
  if (!(await isEmpty(db))) return undefined
  // A password in public code must not open a real system.
  const password = config.environment === "production" ? randomBytes(12).toString("base64url") : "demo-password"
  const passwordHash = await hashPassword(password, "demo", {})
  const context = { environment: config.environment, correlationId: newId(), userId: rootUserId }
  const { result } = await transact(db, context, async (tx) => {
    // The second of two starts waits here, and then finds the club.
    await tx`select pg_advisory_xact_lock(hashtext('slotbase'), hashtext('demo'))`
    if (!(await isEmpty(tx))) return undefined
    return { ...(await makeClub(tx, passwordHash)), password }
  })
  return result
}

const isEmpty = async (db: Queryable) => {
  const rows = await db`select 1 from slotbase.facilities where id <> ${platformFacilityId} limit 1`
  return rows.length === 0
}

async function makeClub(tx: Tx, passwordHash: string): Promise<Omit<DemoClub, "password">> {
  const owner = await registerUser(tx, { ...club.owner, registrationSource: "admin", passwordHash }, example.ownerId)
  const facility = await createFacility(tx, root, { ...club.facility, ownerId: owner.id }, example.facilityId)
  const resources = []
  for (const court of club.courts) {
    const id = court.name === "Court 1" ? example.resourceId : newId()
    resources.push(await createResource(tx, root, facility.id, court, id))
  }
  const people: DemoPerson[] = [{ id: owner.id, email: owner.email, name: nameOf(owner), role: "facility_owner" }]
  for (const { id, role, ...person } of club.members) {
    // The role of a player is given too: who only registered would leave while a demo moves the clock by a year.
    const ownClub = role === "player" ? {} : { facilityId: facility.id }
    const registration = { ...person, ...ownClub, registrationSource: "admin", passwordHash } as const
    const user = await registerUser(tx, registration, id)
    await assignRole(tx, root, user.id, { role, scopeType: "facility", scopeId: facility.id })
    people.push({ id: user.id, email: user.email, name: nameOf(user), role })
  }
  return {
    facilityId: facility.id,
    name: facility.name,
    resources: resources.map(({ id, name }) => ({ id, name })),
    people,
  }
}

const nameOf = ({ firstName, lastName }: { firstName: string; lastName: string }) => `${firstName} ${lastName}`

const root: Caller = {
  userId: rootUserId,
  kind: "system",
  name: "Root Key",
  email: null,
  grants: [{ role: "platform_admin", scopeType: "platform", scopeId: platformFacilityId }],
  tokenExpiresAt: null,
}

const weekday = [{ open: "07:00", close: "22:00" }]
const weekend = [{ open: "08:00", close: "20:00" }]
const openingHours: OpeningHours = {
  monday: weekday,
  tuesday: weekday,
  wednesday: weekday,
  thursday: weekday,
  friday: weekday,
  saturday: weekend,
  sunday: weekend,
}

const club = {
  owner: { email: "clara@riverside.example", firstName: "Clara", lastName: "Brandt" },
  facility: {
    name: "Riverside Tennis Club",
    timezone: "Europe/Berlin",
    currency: "EUR",
    sportTypes: ["tennis"],
    openingHours,
    slotMinutes: 60,
    publicAvailability: true,
    holdMinutes: 5,
  },
  /** Prices in euro cents per hour. */
  courts: [
    { name: "Court 1", resourceType: "court", hourlyPrice: 2400 },
    { name: "Court 2", resourceType: "court", hourlyPrice: 2400 },
    { name: "Court 3", resourceType: "court", hourlyPrice: 2000 },
    { name: "Indoor Court", resourceType: "court", hourlyPrice: 3200 },
  ],
  members: [
    { id: example.staffId, role: "staff", email: "sam@riverside.example", firstName: "Sam", lastName: "Okafor" },
    { id: example.coachId, role: "coach", email: "jonas@riverside.example", firstName: "Jonas", lastName: "Weber" },
    { id: example.playerId, role: "player", email: "mia@riverside.example", firstName: "Mia", lastName: "Keller" },
    { id: example.friendId, role: "player", email: "leo@riverside.example", firstName: "Leo", lastName: "Martin" },
    { id: example.parentId, role: "player", email: "nora@riverside.example", firstName: "Nora", lastName: "Lindqvist" },
  ],
} as const
