// Over HTTP: a club that is always open, with two coaches, people of every other role and a coach of another club.

import { buildClub } from "#test/harness/club/build.ts"
import { bySql, type Person } from "#test/harness/club/club.ts"
import { aChildLink } from "#test/harness/club/factories.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { type Answer, testApi } from "./api.ts"

export type Body = Readonly<Record<string, unknown>>

export async function makeCoachClub() {
  const api = await testApi()
  const { db } = api.database
  const other = await buildClub(bySql(db), { courts: [], people: { foreignCoach: "coach" } })
  const club = await buildClub(bySql(db), {
    courts: ["court"],
    people: {
      admin: "facility_admin",
      staff: "staff",
      coach: "coach",
      otherCoach: "coach",
      student: "player",
      friend: "player",
      parent: "parent",
    },
  })
  const at = `/v1/facilities/${club.id}`
  const call = (method: string, path: string, by: Person | undefined, body?: unknown) =>
    api.call(method, `${at}${path}`, { ...(by && { token: by.token }), ...(body !== undefined && { body }) })
  return {
    api,
    db,
    ...club,
    foreignCoach: other.foreignCoach,
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
export const aChild = (club: CoachClub, parent: Person, child: Person, permissions: string[]) =>
  aChildLink(club.db, { parent: parent.id, child: child.id, permissions })

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
