// The second dimension of the authorization matrix. For every way of getting a grant in one facility: its holder does
// nothing in another one, before and after leaving. And whoever names a person of another facility is answered as if
// there were no such person. All calls come from the rows of the matrix.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { newId } from "#base/ids.ts"
import { aMember } from "#test/harness/club/club.ts"
import { aRole } from "#test/harness/club/factories.ts"
import type { Letter } from "./authorization/callers.ts"
import { type Attempt, attemptOf, thingsIn } from "./authorization/engine.ts"
import { type Holder, leave, type Victims, ways } from "./authorization/grants.ts"
import { matrix } from "./authorization/matrix.ts"
import { ignoringScope, tellingOf } from "./authorization/planted.ts"
import type { Row } from "./authorization/row.ts"
import { makeWorld, type Place, type World } from "./authorization/scene.ts"

let world: World
let victims: Victims
/** The things of the victims, by victim. They are shared, because no call may change them. */
const things = new Map<string, Map<string, Promise<string>>>()

beforeAll(async () => {
  world = await makeWorld()
  const { db } = world.api.database
  const there = (await aMember(db, "player", world.elsewhere.id)).id
  const both = (await aMember(db, "player", world.elsewhere.id)).id
  await aRole(db, both, "player", world.here.id)
  victims = { there, both }
})
afterAll(() => world.api.database.drop())

/** These parts of an address name a person, or what a person has outside of facilities. */
const ofPeople = ["users", "children", "child-links", "role-invitations"]
const isInFacility = ([route]: Row) => route.includes("/:facilityId")
const namesAPerson = ([route]: Row) => thingsIn(route).some(({ part }) => ofPeople.includes(part))
const aimed = matrix.filter((row) => (isInFacility(row) || namesAPerson(row)) && !row[2]?.readsNothing)
/** Lists of the caller's own, which have no id in their address. */
const lists = matrix.filter(([route]) => /^GET \/v1\/[\w-]+$/.test(route))

/**
 * The calls in a facility that were answered otherwise than by a refusal, or that wrote. A player of the facility may
 * do there what its players may, and finds nothing of the person in its lists.
 */
async function reached(
  { token, against }: Pick<Holder, "token" | "against">,
  as: "nobody" | "a player",
  { seen = world, place = seen.elsewhere }: { readonly seen?: World; readonly place?: Place } = {},
): Promise<string[]> {
  const found: string[] = []
  const known = things.get(against) ?? new Map<string, Promise<string>>()
  things.set(against, known)
  const attempt: Attempt = { caller: "M", token, place, origin: place, whose: against }
  for (const row of aimed) {
    const [route, may] = row
    const isOpen = as === "a player" && isInFacility(row) && may.includes("M")
    if (isOpen && !route.startsWith("GET ")) continue
    const { status, body, wrote } = await attemptOf(seen, row, attempt, known, false)
    if (isOpen) {
      if (thingsIn(route).length === 0 && JSON.stringify(body).includes(against)) found.push(`${route}: tells of them`)
      continue
    }
    const expected = as === "nobody" && isInFacility(row) ? [401, 404] : [401, 403, 404]
    if (!expected.includes(status) || wrote) found.push(`${route}: ${status}${wrote ? ", and wrote" : ""}`)
  }
  for (const [route] of as === "nobody" ? lists : []) {
    const { body } = await seen.api.call("GET", route.split(" ")[1] ?? "", { token })
    if (JSON.stringify(body).includes(place.id)) found.push(`${route}: names the facility`)
  }
  return found
}

describe.each(ways)("$name", ({ get, isKey, isNothing, stays }) => {
  test("gives nothing in another facility, also to its player, and after leaving", async () => {
    const { here, elsewhere, api } = world
    const holder = await get(world, victims)
    // The grant is real: the holder enters the facility. An unanswered invitation is only seen by the invited.
    const enter = async () => (await api.call("GET", `/v1/facilities/${here.id}`, { token: holder.token })).status
    expect(await enter()).toBe(isNothing ? 404 : 200)
    if (isNothing)
      expect(await reached({ ...holder, against: here.somebody.id }, "nobody", { place: here })).toEqual([
        "GET /v1/role-invitations: names the facility",
      ])
    expect(await reached(holder, "nobody")).toEqual([])
    if (!isKey) {
      await aRole(api.database.db, holder.userId, "player", elsewhere.id)
      expect(await reached(holder, "a player")).toEqual([])
    }
    await leave(world, holder)
    expect(stays ? [200] : [401, 404]).toContain(await enter())
    expect(await reached(holder, isKey ? "nobody" : "a player")).toEqual([])
  }, 60_000)
})

test("a walk-in has no token, and no other facility names the guest", async () => {
  const path = `/v1/facilities/${world.here.id}/walk-ins`
  const { id } = await world.must("POST", path, { firstName: "Ida", lastName: "Moreau" })
  const sessions = await world.api.database.db`select from slotbase.sessions where user_id = ${id}`
  expect(sessions).toHaveLength(0)
  expect(await toldApart(world.elsewhere, id)).toEqual([])
})

test("a person of another facility is named like nobody, by everybody who may name people", async () => {
  expect(await toldApart(world.here, victims.there)).toEqual([])
})

test("a route that asks for no right is found: it answers, writes, lists the facility, or tells of a person", async () => {
  const at = "/v1/facilities/:facilityId"
  const open = [`GET ${at}/bookings`, `POST ${at}/lost-items`, "GET /v1/users/:id/children", "GET /v1/facilities"]
  const seen = ignoringScope(world, open)
  const holder = { token: world.tokens.S ?? "", userId: world.ids.S, against: victims.there }
  expect((await reached(holder, "nobody", { seen })).sort()).toEqual([
    "GET /v1/facilities/:facilityId/bookings: 200",
    "GET /v1/facilities: names the facility",
    "GET /v1/users/:id/children: 200",
    "POST /v1/facilities/:facilityId/lost-items: 201, and wrote",
  ])
  const { token } = await aMember(world.api.database.db, "player", world.elsewhere.id)
  const asPlayer = await reached({ ...holder, token }, "a player", { seen })
  expect(asPlayer).toContain("GET /v1/facilities/:facilityId/bookings: tells of them")
})

test("an answer that tells a person of another facility from nobody is found", async () => {
  const found = await toldApart(world.here, victims.there, tellingOf(world, victims.there))
  expect(found.length).toBeGreaterThan(5)
  expect(found.filter((each) => !each.includes("a member of another facility"))).toEqual([])
})

/**
 * The calls in the place whose body names this person, and whose answer differs from that for an id that nobody has,
 * or that succeed.
 */
async function toldApart(place: Place, person: string, seen = world): Promise<string[]> {
  const found: string[] = []
  let naming = 0
  for (const row of matrix.filter(isInFacility)) {
    for (const caller of ["P", ...(place === world.here ? ["A", "S", "K", "C", "M"] : [])] as Letter[]) {
      const answers = []
      for (const whose of [person, newId()]) {
        const attempt = { caller, token: world.tokens[caller], place, origin: place, whose }
        if (!(await isNamed(row, attempt))) continue
        const { status, body, wrote } = await attemptOf(seen, row, attempt, new Map(), false)
        answers.push({ status, text: JSON.stringify(body).replaceAll(whose, "…"), wrote })
      }
      const [one, other] = answers
      if (one === undefined || other === undefined) continue
      naming++
      if (one.status < 400 || one.wrote) found.push(`${caller} ${row[0]}: ${one.status} ${one.text}`)
      else if (one.text !== other.text) found.push(`${caller} ${row[0]}: ${one.text}, but ${other.text} for nobody`)
    }
  }
  expect(naming).toBeGreaterThan(5)
  return found
}

/** Whether the call names the person in its body, and not in its address. */
async function isNamed([route, , more = {}]: Row, { caller, place, whose }: Attempt): Promise<boolean> {
  if (more.about !== undefined || more.form !== undefined || thingsIn(route).length > (route.includes("claim") ? 1 : 0))
    return false
  const body = more.body?.({ world, place, caller, whose, params: {} })
  return JSON.stringify(body ?? {}).includes(whose)
}
