// Over HTTP: a club that is always open, with two coaches, people of every other role and a coach of another club.

import { newId, rootUserId } from "#base/ids.ts"
import { aMember, atHour, type Person } from "#test/harness/club/club.ts"
import { aFacility, aResource } from "#test/harness/club/factories.ts"
import { type Answer, testApi } from "./api.ts"

export type Body = Readonly<Record<string, unknown>>

export async function makeCoachClub() {
  const api = await testApi()
  const { db } = api.database
  const { id } = await aFacility(db, { timezone: "UTC" })
  const other = await aFacility(db, { timezone: "UTC" })
  const court = await aResource(db, id)
  const people = {
    admin: await aMember(db, "facility_admin", id),
    staff: await aMember(db, "staff", id),
    coach: await aMember(db, "coach", id),
    otherCoach: await aMember(db, "coach", id),
    student: await aMember(db, "player", id),
    friend: await aMember(db, "player", id),
    parent: await aMember(db, "parent", id),
    foreignCoach: await aMember(db, "coach", other.id),
  }
  const at = `/v1/facilities/${id}`
  const call = (method: string, path: string, by: Person | undefined, body?: unknown) =>
    api.call(method, `${at}${path}`, { ...(by && { token: by.token }), ...(body !== undefined && { body }) })
  return {
    api,
    db,
    id,
    court: court.id,
    ...people,
    /** Undefined: the root key. */
    get: (by: Person | undefined, path: string) => call("GET", path, by),
    post: (by: Person | undefined, path: string, body: Body = {}) => call("POST", path, by, body),
    put: (by: Person | undefined, path: string, body: Body) => call("PUT", path, by, body),
    patch: (by: Person | undefined, path: string, body: Body) => call("PATCH", path, by, body),
  }
}
export type CoachClub = Awaited<ReturnType<typeof makeCoachClub>>

/** An hour of a court, requested by a coach. */
export const aBlock = (club: CoachClub, hour: number, more: Body = {}): Body => ({
  resourceId: club.court,
  ...atHour(hour),
  blockType: "coaching",
  ...more,
})

/** An hour of a court with one student, paid at the desk. */
export const aLesson = (club: CoachClub, hour: number, more: Body = {}): Body => ({
  resourceId: club.court,
  ...atHour(hour),
  sessionType: "private",
  students: [club.student.id],
  paymentMethod: "offline",
  ...more,
})

/** Links a parent to a child. */
export const aChild = (club: CoachClub, parent: Person, child: Person, permissions: string[]) => club.db`
  insert into slotbase.child_links (id, parent_id, child_id, relationship, is_primary, permissions, status, created_by, linked_at)
  values (${newId()}, ${parent.id}, ${child.id}, 'mother', true, ${permissions}, 'linked', ${rootUserId}, slotbase.now())`

/** The events that a request recorded, in order. */
export async function recordedBy(club: CoachClub, { headers }: Answer) {
  const ids = headers.get("x-slotbase-event-ids")?.split(",") ?? []
  const rows = await club.db<{ id: string; type: string; resource_id: string; booking_type: string; data: Body }[]>`
    select id, type, resource_id, booking_type, data from slotbase.events where id = any (${ids}::uuid[])`
  const byId = new Map(rows.map(({ id, ...row }) => [id, row]))
  return ids.map((id) => byId.get(id))
}

/** Status and code: the outcome of a request. */
export const outcome = ({ status, body }: Answer) => (status < 400 ? status : `${status} ${body.code}`)
