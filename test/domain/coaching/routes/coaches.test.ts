// Coaches and their profiles over HTTP: membership in the list, and the rights to write and read a profile.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { newId, rootUserId } from "#base/ids.ts"
import { type CoachClub, makeCoachClub, outcome } from "#test/harness/api/coach-api.ts"
import { aMember } from "#test/harness/club/club.ts"
import { aPerson } from "#test/harness/club/factories.ts"

let club: CoachClub
beforeAll(async () => {
  club = await makeCoachClub()
})
afterAll(() => club.api.database.drop())

const profile = { sports: ["tennis", "padel"], bio: "Twenty years of clay.", hourlyRate: 4000 }
const path = () => `/coaches/${club.coach.id}`

test("a coach without a profile counts as a coach, and writes the profile themself", async () => {
  const before = await club.get(club.student, path())
  expect(before.body).toEqual({
    userId: club.coach.id,
    facilityId: club.id,
    name: "Mia Keller",
    sports: [],
    bio: "",
    hourlyRate: null,
    currency: "EUR",
    blocksNeedApproval: true,
    updatedAt: null,
  })
  const written = await club.put(club.coach, path(), profile)
  expect(written.status).toBe(200)
  expect(written.body).toEqual({ ...before.body, ...profile, updatedAt: written.body.updatedAt })
  expect((await club.get(club.student, path())).body).toEqual(written.body)
})

test("writing a profile replaces the one before, except the administrator's fields", async () => {
  await club.put(club.admin, path(), { ...profile, blocksNeedApproval: false })
  const again = await club.put(club.coach, path(), { sports: ["squash"] })
  expect(again.body).toMatchObject({ sports: ["squash"], bio: "", hourlyRate: null, blocksNeedApproval: false })
  expect(outcome(await club.put(club.coach, path(), { sports: [], blocksNeedApproval: true }))).toBe("403 not_allowed")
  expect((await club.put(club.coach, path(), { sports: [], blocksNeedApproval: false })).status).toBe(200)
})

test("nobody else writes it, and only coaches have one", async () => {
  const outcomes = await Promise.all([
    club.put(club.otherCoach, path(), profile),
    club.put(club.student, path(), profile),
    club.put(club.staff, path(), profile),
    club.put(club.foreignCoach, path(), profile),
    club.put(club.student, `/coaches/${club.student.id}`, profile),
    club.put(club.admin, `/coaches/${club.student.id}`, profile),
    club.put(club.admin, `/coaches/${club.foreignCoach.id}`, profile),
    club.get(club.foreignCoach, path()),
    club.get(club.foreignCoach, "/coaches"),
    club.get(undefined, `/coaches/${newId()}`),
    club.get(undefined, "/coaches/nobody"),
  ])
  expect(outcomes.map(outcome)).toEqual([...Array(3).fill("403 not_allowed"), ...Array(8).fill("404 not_found")])
})

test("faults of a profile are named", async () => {
  const wrong = { sports: ["tennis", "tennis"], bio: 7, hourlyRate: -1, blocksNeedApproval: "no", age: 40 }
  const { status, body } = await club.put(club.coach, path(), wrong)
  expect(status).toBe(422)
  expect(body.errors.map((fault: { path: string }) => fault.path).sort()).toEqual([
    "body.age",
    "body.bio",
    "body.blocksNeedApproval",
    "body.hourlyRate",
    "body.sports",
  ])
})

test("a role in the facility's organization makes a coach too; the list has each coach once, by name, page by page", async () => {
  const organization = newId()
  await club.db`insert into slotbase.organizations ${club.db({ id: organization, name: "North", owner_id: rootUserId })}`
  await club.db`update slotbase.facilities set organization_id = ${organization} where id = ${club.id}`
  const { id } = await aPerson(club.db, { firstName: "Ada" })
  await club.db`
    insert into slotbase.role_grants (user_id, role, scope_type, scope_id, granted_by)
    values (${id}, 'coach', 'organization', ${organization}, ${rootUserId}),
           (${club.coach.id}, 'coach', 'organization', ${organization}, ${rootUserId})`
  expect((await club.get(club.student, `/coaches/${id}`)).body).toMatchObject({ userId: id, name: "Ada Keller" })
  const player = await aMember(club.db, "player", club.id)
  const first = await club.get(player, "/coaches?limit=2")
  const second = await club.get(player, `/coaches?limit=2&after=${first.body.next}`)
  const ids = [...first.body.data, ...second.body.data].map(({ userId }: { userId: string }) => userId)
  expect(ids).toEqual([id, ...[club.coach.id, club.otherCoach.id].sort()])
  expect(second.body.next).toBeNull()
})
