// The ways of getting a grant in a facility, each by an ordinary request of the people there. A holder is whoever has
// the grant afterwards, with the person of another facility whom the grant could be misused against.

import { newId } from "#base/ids.ts"
import { password } from "#test/harness/api/over-api.ts"
import { aMember, type Person } from "#test/harness/club/club.ts"
import { aRole } from "#test/harness/club/factories.ts"
import type { World } from "./scene.ts"

export interface Holder {
  readonly token: string
  readonly userId: string
  /** A member of the other facility. For links also of this one: the child. */
  readonly against: string
}

/** The people of the other facility, by whether they are also members of this one. */
export interface Victims {
  readonly there: string
  readonly both: string
}

export interface Way {
  readonly name: string
  /** A key is a member of its own facility only. */
  readonly isKey?: true
  readonly get: (world: World, victims: Victims) => Promise<Holder>
}

const stranger = async (world: World): Promise<Person> => {
  const { db } = world.api.database
  const person = await aMember(db, "player", world.elsewhere.id)
  await db`delete from slotbase.role_grants where user_id = ${person.id}`
  return person
}

/** A member of the facility gets the role from its administrator. */
const roleGiven = (role: "facility_admin" | "staff" | "coach"): Way => ({
  name: `the role ${role}, given to a member`,
  async get(world, { there }) {
    const member = await aMember(world.api.database.db, "player", world.here.id)
    await world.must("POST", `/v1/users/${member.id}/roles`, roleIn(world, role), tokenOf(world, "O"))
    return { token: member.token, userId: member.id, against: there }
  },
})

/** A stranger accepts the invitation of the facility's administrator. */
const invitationAccepted: Way = {
  name: "the role staff, by an accepted invitation",
  async get(world, { there }) {
    const { id, token } = await stranger(world)
    const { invitationId } = await world.must(
      "POST",
      `/v1/users/${id}/roles`,
      roleIn(world, "staff"),
      tokenOf(world, "A"),
    )
    await world.must("POST", `/v1/role-invitations/${invitationId}/accept`, {}, token)
    return { token, userId: id, against: there }
  },
}

const keyMinted = (role: "facility_admin" | "staff"): Way => ({
  name: `an API key with the role ${role}`,
  isKey: true,
  async get(world, { there }) {
    const path = `/v1/facilities/${world.here.id}/api-keys`
    const { key, userId } = await world.must("POST", path, { name: "Till", role }, tokenOf(world, "A"))
    return { token: key, userId, against: there }
  },
})

/** A coach with a profile, who teaches a member of both facilities. */
const coachMade: Way = {
  name: "a coach with a profile and a student",
  async get(world, { both }) {
    const coach = await aMember(world.api.database.db, "coach", world.here.id)
    const at = `/v1/facilities/${world.here.id}`
    await world.must("PUT", `${at}/coaches/${coach.id}`, { sports: ["tennis"] }, tokenOf(world, "A"))
    const when = { resourceId: world.here.court, ...world.freeHour() }
    const lesson = { ...when, sessionType: "private", paymentMethod: "offline", students: [both] }
    await world.must("POST", `${at}/coach-sessions`, { ...lesson, coachId: coach.id }, tokenOf(world, "S"))
    return { token: coach.token, userId: coach.id, against: both }
  },
}

/** Staff, or their key, link two members of the facility. */
const linkedBy = (caller: "S" | "K"): Way => ({
  name: `a link to a member of both, made by ${caller === "S" ? "staff" : "a staff key"}`,
  async get(world, { both }) {
    const parent = await aMember(world.api.database.db, "player", world.here.id)
    const body = { childId: both, relationship: "father" }
    await world.must("POST", `/v1/users/${parent.id}/children`, body, tokenOf(world, caller))
    return { token: parent.token, userId: parent.id, against: both }
  },
})

/** An invitation to be a child that is not answered. */
const linkInvited: Way = {
  name: "an unanswered invitation to be a child",
  async get(world, { both }) {
    const parent = await aMember(world.api.database.db, "player", world.here.id)
    await world.must("POST", `/v1/users/${parent.id}/children`, { childId: both, relationship: "father" }, parent.token)
    return { token: parent.token, userId: parent.id, against: both }
  },
}

/** An accepted link to a child that plays in this facility only. */
const linkAccepted: Way = {
  name: "an accepted link to a child of this facility",
  async get(world, { there }) {
    const { db } = world.api.database
    const [parent, child] = [await aMember(db, "player", world.here.id), await aMember(db, "player", world.here.id)]
    const body = { childId: child.id, relationship: "father" }
    const { id } = await world.must("POST", `/v1/users/${parent.id}/children`, body, parent.token)
    await world.must("POST", `/v1/child-links/${id}/accept`, {}, child.token)
    return { token: parent.token, userId: parent.id, against: there }
  },
}

/** The parent of a child whose account staff made, against the child in the other facility; or the child itself. */
const staffMadeChild = (holder: "parent" | "child"): Way => ({
  name: `the ${holder} of an account that staff made for a child`,
  async get(world, { there }) {
    const { api, here, elsewhere } = world
    const { db } = api.database
    const parent = await aMember(db, "player", here.id)
    const email = `${newId()}@example.com`
    const body = { firstName: "Leo", lastName: "Keller", relationship: "father", email, password }
    const { childId } = await world.must("POST", `/v1/users/${parent.id}/children`, body, tokenOf(world, "S"))
    if (holder === "child") {
      const { token } = (await api.call("POST", "/v1/sessions", { token: null, body: { email, password } })).body
      return { token, userId: childId, against: there }
    }
    await aRole(db, childId, "player", elsewhere.id)
    return { token: parent.token, userId: parent.id, against: childId }
  },
})

export const ways: readonly Way[] = [
  roleGiven("facility_admin"),
  roleGiven("staff"),
  roleGiven("coach"),
  invitationAccepted,
  keyMinted("facility_admin"),
  keyMinted("staff"),
  coachMade,
  linkedBy("S"),
  linkedBy("K"),
  linkInvited,
  linkAccepted,
  staffMadeChild("parent"),
  staffMadeChild("child"),
]

/** Takes all roles that the holder has in the facility, the role of a parent too; or revokes the key. */
export async function leave(world: World, { userId }: Holder): Promise<void> {
  const { db } = world.api.database
  const held = await db<{ role: string }[]>`
    select role from slotbase.role_grants where user_id = ${userId} and scope_id = ${world.here.id}`
  const keys = await db<{ id: string }[]>`select id from slotbase.api_keys where user_id = ${userId}`
  for (const { id } of keys) await world.must("DELETE", `/v1/facilities/${world.here.id}/api-keys/${id}`)
  if (keys.length > 0) return
  for (const { role } of held) {
    const query = new URLSearchParams(roleIn(world, role))
    await world.must("DELETE", `/v1/users/${userId}/roles?${query}`)
  }
}

const roleIn = ({ here }: World, role: string) => ({ role, scopeType: "facility", scopeId: here.id })

function tokenOf({ tokens }: World, letter: "O" | "A" | "S" | "K"): string {
  const token = tokens[letter]
  if (token === null) throw new Error(`the caller ${letter} has no token`)
  return token
}
