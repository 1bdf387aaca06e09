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
  /** The person whose leaving ends the grant; left out: the holder. */
  readonly leaver?: string
  /** Ends the grant otherwise than by somebody's leaving. */
  readonly end?: () => Promise<unknown>
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
  /** It gives nothing in the facility either. */
  readonly isNothing?: true
  /** The holder is still a member of the facility after the leaver has left. */
  readonly stays?: true
  readonly get: (world: World, victims: Victims) => Promise<Holder>
}

const stranger = async (world: World): Promise<Person> => {
  const { db } = world.api.database
  const person = await aMember(db, "player", world.elsewhere.id)
  await db`delete from slotbase.role_grants where user_id = ${person.id}`
  return person
}

/** A member of the facility gets the role from its administrator. */
const roleGiven = (role: "facility_owner" | "facility_admin" | "staff" | "coach"): Way => ({
  name: `the role ${role}, given to a member`,
  async get(world, { there }) {
    const member = await aMember(world.api.database.db, "player", world.here.id)
    await world.must("POST", `/v1/users/${member.id}/roles`, roleIn(world, role), tokenOf(world, "O"))
    return { token: member.token, userId: member.id, against: there }
  },
})

/** A role in the organization that runs the facility, and not the other one. */
const roleInOrganization = (role: "facility_owner" | "staff", until: "the role ends" | "the facility leaves"): Way => ({
  name: `the role ${role} in the organization of the facility, until ${until}`,
  async get(world, { there }) {
    const { id, token } = await stranger(world)
    const { id: organizationId } = await world.must("POST", "/v1/organizations", { name: "City Sports" })
    const run = (by: string | null) =>
      world.must("PATCH", `/v1/facilities/${world.here.id}/settings`, { organizationId: by })
    await run(organizationId)
    await world.must("POST", `/v1/users/${id}/roles`, { role, scopeType: "organization", scopeId: organizationId })
    return { token, userId: id, against: there, ...(until === "the facility leaves" && { end: () => run(null) }) }
  },
})

/** The facility's administrator invites a stranger. */
async function invited(world: World, role: string) {
  const { id, token } = await stranger(world)
  const wanted = roleIn(world, role)
  const { invitationId } = await world.must("POST", `/v1/users/${id}/roles`, wanted, tokenOf(world, "A"))
  return { id, token, invitationId }
}

const invitationAccepted = (role: "staff" | "player"): Way => ({
  name: `the role ${role}, by an accepted invitation`,
  async get(world, { there }) {
    const { id, token, invitationId } = await invited(world, role)
    await world.must("POST", `/v1/role-invitations/${invitationId}/accept`, {}, token)
    return { token, userId: id, against: there }
  },
})

const invitationUnanswered: Way = {
  name: "an unanswered invitation to the role facility_admin",
  isNothing: true,
  async get(world, { there }) {
    const { id, token } = await invited(world, "facility_admin")
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

/** A key of an administrator, who leaves before the holder is asked or afterwards. */
const keyOfLeaver = (owner: "me" | "club"): Way => ({
  name: owner === "me" ? "an API key whose maker leaves" : "an API key of the club, whose maker has left",
  isKey: true,
  async get(world, { there }) {
    const maker = await aMember(world.api.database.db, "facility_admin", world.here.id)
    const path = `/v1/facilities/${world.here.id}/api-keys`
    const { key, userId } = await world.must("POST", path, { name: "Till", role: "staff", owner }, maker.token)
    const holder = { token: key, userId, against: there }
    if (owner === "me") return { ...holder, leaver: maker.id }
    await leave(world, { ...holder, leaver: maker.id })
    return holder
  },
})

const keyByKey: Way = {
  name: "an API key that another key has made, and that ends with it",
  isKey: true,
  async get(world, { there }) {
    const path = `/v1/facilities/${world.here.id}/api-keys`
    const maker = await world.must("POST", path, { name: "Setup", role: "facility_admin" }, tokenOf(world, "A"))
    const { key, userId } = await world.must("POST", path, { name: "Till", role: "staff" }, maker.key)
    return { token: key, userId, against: there, leaver: maker.userId }
  },
}

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

/** The same link, to a child that leaves the facility and stays in the other one. */
const linkedByStaffToLeaver: Way = {
  name: "a link that staff made to a member of both, who leaves",
  stays: true,
  async get(world) {
    const { db } = world.api.database
    const child = await aMember(db, "player", world.elsewhere.id)
    await aRole(db, child.id, "player", world.here.id)
    return { ...(await linkedBy("S").get(world, { there: child.id, both: child.id })), leaver: child.id }
  },
}

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

/** A stranger becomes a parent in the facility by the child alone, and until the child leaves. */
const parentByChild: Way = {
  name: "the role parent, by a child that leaves",
  async get(world, { there }) {
    const parent = await stranger(world)
    const child = await aMember(world.api.database.db, "player", world.here.id)
    const body = { childId: child.id, relationship: "father" }
    const { id } = await world.must("POST", `/v1/users/${parent.id}/children`, body, parent.token)
    await world.must("POST", `/v1/child-links/${id}/accept`, {}, child.token)
    return { token: parent.token, userId: parent.id, against: there, leaver: child.id }
  },
}

/** The parent of a child whose account staff made, against the child in the other facility; or the child itself. */
const staffMadeChild = (holder: "parent" | "child", childLeaves = false): Way => ({
  name: `the ${holder} of an account that staff made for a child${childLeaves ? ", who leaves" : ""}`,
  ...(childLeaves && { stays: true }),
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
    return { token: parent.token, userId: parent.id, against: childId, ...(childLeaves && { leaver: childId }) }
  },
})

export const ways: readonly Way[] = [
  roleGiven("facility_owner"),
  roleGiven("facility_admin"),
  roleGiven("staff"),
  roleGiven("coach"),
  roleInOrganization("facility_owner", "the role ends"),
  roleInOrganization("staff", "the facility leaves"),
  invitationAccepted("staff"),
  invitationAccepted("player"),
  invitationUnanswered,
  keyMinted("facility_admin"),
  keyMinted("staff"),
  keyByKey,
  keyOfLeaver("me"),
  keyOfLeaver("club"),
  coachMade,
  linkedBy("S"),
  linkedBy("K"),
  linkedByStaffToLeaver,
  linkInvited,
  linkAccepted,
  parentByChild,
  staffMadeChild("parent"),
  staffMadeChild("parent", true),
  staffMadeChild("child"),
]

/**
 * Takes all roles that the leaver has outside of the other facility, the role of a parent and invitations too. A leaver
 * that is a key is revoked.
 */
export async function leave(world: World, { userId, leaver = userId, end }: Holder): Promise<void> {
  if (end !== undefined) {
    await end()
    return
  }
  const { db } = world.api.database
  const keys = await db<{ id: string }[]>`select id from slotbase.api_keys where user_id = ${leaver}`
  for (const { id } of keys) await world.must("DELETE", `/v1/facilities/${world.here.id}/api-keys/${id}`)
  if (keys.length > 0) return
  const held = await db<{ role: string; scopeType: string; scopeId: string }[]>`
    select role, scope_type as "scopeType", scope_id as "scopeId" from slotbase.role_grants
    where user_id = ${leaver} and scope_id <> ${world.elsewhere.id}
    union
    select role, scope_type, scope_id from slotbase.role_invitations where user_id = ${leaver}`
  for (const grant of held) {
    const query = new URLSearchParams({ ...grant })
    await world.must("DELETE", `/v1/users/${leaver}/roles?${query}`)
  }
}

const roleIn = ({ here }: World, role: string) => ({ role, scopeType: "facility", scopeId: here.id })

function tokenOf({ tokens }: World, letter: "O" | "A" | "S" | "K"): string {
  const token = tokens[letter]
  if (token === null) throw new Error(`the caller ${letter} has no token`)
  return token
}
