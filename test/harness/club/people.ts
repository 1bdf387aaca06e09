// People for tests over HTTP, inserted by SQL to save the password hash, and the events that a request recorded.

import type { Role } from "#access/caller.ts"
import { openSession } from "#access/sessions.ts"
import type { TestApi } from "#test/harness/api/api.ts"
import { aPerson, aRole } from "./factories.ts"

export interface SignedIn {
  readonly id: string
  readonly token: string
}

/** A person with a session, and with a role in the facility when a facility is named. */
export async function signedIn({ database: { db } }: TestApi, role?: Role, facilityId?: string): Promise<SignedIn> {
  const person = await aPerson(db)
  // The hash of no password: the person counts as able to sign in.
  await db`update slotbase.users set password_hash = 'none' where id = ${person.id}`
  if (role && facilityId) await aRole(db, person.id, role, facilityId)
  const { token } = await db.begin((tx) => openSession(tx, person))
  return { id: person.id, token }
}

/** The events named by an answer, in order, without the fields that differ from run to run. */
export async function recordedBy({ database: { db } }: TestApi, headers: Headers) {
  const ids = (headers.get("x-slotbase-event-ids") ?? "").split(",").filter(Boolean)
  const rows = await db<
    { type: string; facility_id: string; organization_id: string | null; user_id: string; data: object }[]
  >`
    select type, facility_id, organization_id, user_id, data from slotbase.events where id = any (${ids}) order by id`
  return rows.map((row) => ({ ...row }))
}

/** Status and code of an answer: the part of a refusal that a program can rely on. */
export const verdict = ({ status, body }: Awaited<ReturnType<TestApi["call"]>>) =>
  body?.code === undefined ? `${status}` : `${status} ${body.code}`
