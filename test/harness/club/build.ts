// The one builder of clubs: a facility that is always open, its courts, and people in roles. Each way to make them is a
// Builder: by SQL (club.ts) or by requests (over-api.ts). A test that needs both spreads one over the other.

import type { Role } from "#access/caller.ts"
import { alwaysOpen, type OpeningHours } from "./hours.ts"

export interface FacilityGiven {
  readonly name?: string
  readonly timezone?: string
  readonly currency?: string
  readonly sportTypes?: readonly string[]
  readonly openingHours?: Partial<OpeningHours>
  readonly ownerId?: string
}

/** Each makes one thing and answers its id, or the person. */
export interface Builder<Person> {
  readonly facility: (given: FacilityGiven) => Promise<string>
  readonly court: (facilityId: string, name: string) => Promise<string>
  readonly person: (role: Role, facilityId: string) => Promise<Person>
}

export interface Plan<Court extends string, Name extends string> {
  /** Default: always open, in UTC. */
  readonly facility?: FacilityGiven
  /** The name of each court in the test. The club calls them Court 1, Court 2 and so on. */
  readonly courts: readonly Court[]
  readonly people?: Readonly<Record<Name, Role>>
}

/** The id of the facility, the ids of the courts, and the people, under the names that the plan gives them. */
export type Built<Person, Court extends string, Name extends string> = { readonly id: string } & Readonly<
  Record<Court, string>
> &
  Readonly<Record<Name, Person>>

export async function buildClub<Person, Court extends string, Name extends string = never>(
  over: Builder<Person>,
  { facility, courts, people }: Plan<Court, Name>,
): Promise<Built<Person, Court, Name>> {
  const id = await over.facility({ timezone: "UTC", openingHours: alwaysOpen, ...facility })
  const built: Record<string, unknown> = { id }
  for (const [nth, court] of courts.entries()) built[court] = await over.court(id, `Court ${nth + 1}`)
  for (const [name, role] of Object.entries<Role>(people ?? {})) built[name] = await over.person(role, id)
  return built as Built<Person, Court, Name>
}
