// The guards as a table of roles, and the cost of looking up a token.

import { afterAll, beforeAll, expect, test } from "bun:test"
import {
  authenticate,
  bestRole,
  type Caller,
  childrenOf,
  type Grant,
  isStaff,
  mayActEverywhereFor,
  mayActFor,
  requireAdmin,
  requireMember,
  requirePlatformAdmin,
  requireStaff,
} from "#access/caller.ts"
import { openSession } from "#access/sessions.ts"
import type { Db } from "#base/database/db.ts"
import { newId, platformFacilityId } from "#base/ids.ts"
import { newToken } from "#base/secrets.ts"
import { aPerson } from "#test/harness/club/factories.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

const [here, elsewhere] = [newId(), newId()]
const caller = (...grants: Grant[]): Caller => ({
  userId: newId(),
  kind: "person",
  name: "Mia Keller",
  email: "mia@example.com",
  grants,
  tokenExpiresAt: null,
})
const inFacility = (role: Grant["role"], scopeId = here) => caller({ role, scopeType: "facility", scopeId })
const inOrganization = (role: Grant["role"], facilityId = here) =>
  caller({ role, scopeType: "organization", scopeId: newId(), facilityIds: [facilityId] })
const platform = caller({ role: "platform_admin", scopeType: "platform", scopeId: platformFacilityId })

const outcome = (guard: () => void) => {
  try {
    guard()
    return "yes"
  } catch (error) {
    return (error as Error).name
  }
}

const table: [who: string, caller: Caller, member: string, staff: string, admin: string, platform: string][] = [
  ["platform administrator", platform, "yes", "yes", "yes", "yes"],
  ["owner", inFacility("facility_owner"), "yes", "yes", "yes", "NotAllowed"],
  ["administrator", inFacility("facility_admin"), "yes", "yes", "yes", "NotAllowed"],
  ["staff", inFacility("staff"), "yes", "yes", "NotAllowed", "NotAllowed"],
  ["coach", inFacility("coach"), "yes", "NotAllowed", "NotAllowed", "NotAllowed"],
  ["player", inFacility("player"), "yes", "NotAllowed", "NotAllowed", "NotAllowed"],
  ["parent", inFacility("parent"), "yes", "NotAllowed", "NotAllowed", "NotAllowed"],
  [
    "owner of another facility",
    inFacility("facility_owner", elsewhere),
    "NotFound",
    "NotFound",
    "NotFound",
    "NotAllowed",
  ],
  ["administrator of its organization", inOrganization("facility_admin"), "yes", "yes", "yes", "NotAllowed"],
  ["staff of its organization", inOrganization("staff"), "yes", "yes", "NotAllowed", "NotAllowed"],
  [
    "owner of another organization",
    inOrganization("facility_owner", elsewhere),
    "NotFound",
    "NotFound",
    "NotFound",
    "NotAllowed",
  ],
  ["person without a role", caller(), "NotFound", "NotFound", "NotFound", "NotAllowed"],
  [
    "platform_admin written into a facility's scope",
    inFacility("platform_admin", elsewhere),
    "NotFound",
    "NotFound",
    "NotFound",
    "NotAllowed",
  ],
]

for (const [who, caller, member, staff, admin, ofPlatform] of table) {
  test(`${who}: member ${member}, staff ${staff}, administrator ${admin}, platform ${ofPlatform}`, () => {
    expect([
      outcome(() => requireMember(caller, here)),
      outcome(() => requireStaff(caller, here)),
      outcome(() => requireAdmin(caller, here)),
      outcome(() => requirePlatformAdmin(caller)),
    ]).toEqual([member, staff, admin, ofPlatform])
    expect(isStaff(caller, here)).toBe(staff === "yes")
  })
}

test("a parent acts for their own child, within their permissions, and everybody for themself", () => {
  const child = newId()
  const parent: Caller = { ...caller(), children: [{ childId: child, permissions: ["book"], countsIn: null }] }
  const acting = { caller: parent, facilityId: here }
  expect([mayActFor(acting, child, "book"), mayActFor(acting, child, "pay")]).toEqual([true, false])
  expect([mayActFor(acting, newId(), "book"), mayActFor(acting, parent.userId, "pay")]).toEqual([false, true])
  expect(mayActFor({ caller: caller(), facilityId: here }, child, "book")).toBe(false)
})

test("a parent by a link of one facility acts for the child there, nowhere else, and not across facilities", () => {
  const child = newId()
  const parent: Caller = { ...caller(), children: [{ childId: child, permissions: ["book"], countsIn: here }] }
  const outcomes = [here, elsewhere].map((facilityId) => [
    mayActFor({ caller: parent, facilityId }, child, "book"),
    childrenOf({ caller: parent, facilityId }),
  ])
  expect(outcomes).toEqual([
    [true, [child]],
    [false, []],
  ])
  expect(mayActEverywhereFor(parent, child, "book")).toBe(false)
  const accepted: Caller = { ...parent, children: [{ childId: child, permissions: ["book"], countsIn: null }] }
  expect(mayActEverywhereFor(accepted, child, "book")).toBe(true)
  expect([mayActEverywhereFor(accepted, child, "pay"), mayActEverywhereFor(accepted, accepted.userId, "pay")]).toEqual([
    false,
    true,
  ])
})

test("the highest of several roles in a facility counts", () => {
  const many = caller(
    { role: "player", scopeType: "facility", scopeId: here },
    { role: "facility_admin", scopeType: "facility", scopeId: here },
    { role: "facility_owner", scopeType: "facility", scopeId: elsewhere },
  )
  expect(bestRole(many, here)).toBe("facility_admin")
})

test("a token is found by its hash with one probe of each index, however many tokens there are", async () => {
  const { db } = database
  const person = await aPerson(db)
  const { token } = await db.begin((tx) => openSession(tx, person))
  await db`
    insert into slotbase.sessions (token_hash, user_id, expires_at)
    select sha256(convert_to(n::text, 'utf8')), ${person.id}, slotbase.now() + interval '1 day' from generate_series(1, 20000) n`
  await db`analyze slotbase.sessions`
  const statements: string[] = []
  const watched = ((strings: TemplateStringsArray, ...values: unknown[]) => {
    statements.push(strings.join("?"))
    return explain(db, strings, values)
  }) as unknown as Db
  const plan = await authenticate(watched, token).then(
    () => "",
    (error: { plan?: string }) => error.plan ?? "",
  )
  expect(statements).toHaveLength(1)
  expect(plan).toContain("sessions_pkey")
  expect(plan).not.toContain("Seq Scan on sessions")
  expect((await authenticate(db, token)).userId).toBe(person.id)
  expect(authenticate(db, newToken("sbs"))).rejects.toThrow("The token is not valid.")
})

/** Runs `explain` on the statement instead of the statement, and throws the plan. */
async function explain(db: Db, strings: TemplateStringsArray, values: unknown[]): Promise<never> {
  const text = strings.reduce((text, part, i) => `${text}$${i}${part}`)
  const rows = await db.unsafe(`explain ${text}`, values as never[])
  throw { plan: rows.map((row) => row["QUERY PLAN"]).join("\n") }
}
