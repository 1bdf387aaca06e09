// The migration to links of one facility, over the links of a database that is older than the migration.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { cp, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { migrate } from "#base/database/migrate.ts"
import { newId, rootUserId } from "#base/ids.ts"
import { aFacility, aPerson, aRole } from "#test/harness/club/factories.ts"
import { emptyDatabase, type TestDatabase } from "#test/harness/setup/database.ts"

const schema = join(import.meta.dir, "../../sql")
/** The last migration before links of one facility. */
const before = 17

let database: TestDatabase
let folder: string

beforeAll(async () => {
  database = await emptyDatabase()
  folder = await mkdtemp(join(tmpdir(), "slotbase-migrations-"))
  for await (const file of new Bun.Glob("*.sql").scan({ cwd: schema })) {
    if (Number(file.slice(0, 4)) <= before) await cp(join(schema, file), join(folder, file))
  }
  await migrate(database.url, folder)
})
afterAll(async () => {
  await database.drop()
  await rm(folder, { recursive: true, force: true })
})

test("links of parents, children and the platform stay; those of staff count where the staff is, or become invitations", async () => {
  const { db } = database
  const [f, g] = [(await aFacility(db)).id, (await aFacility(db)).id]
  const person = async (...places: string[]) => {
    const { id } = await aPerson(db)
    for (const place of places) await aRole(db, id, "player", place)
    return id
  }
  const staff = await person()
  await aRole(db, staff, "staff", f)
  const gone = await person(f)
  const linked = async (makerOf: (pair: { parent: string; child: string }) => string) => {
    const pair = { parent: await person(f), child: await person(f, g) }
    await db`
      insert into slotbase.child_links (id, parent_id, child_id, relationship, is_primary, permissions, status, created_by, linked_at)
      values (${newId()}, ${pair.parent}, ${pair.child}, 'father', true, '{book}', 'linked', ${makerOf(pair)}, slotbase.now())`
    // What the link gave: the role of a parent wherever the child plays.
    for (const place of [f, g]) await aRole(db, pair.parent, "parent", place)
    return pair
  }
  const pairs = {
    "made by the parent": await linked(({ parent }) => parent),
    "made by the child's side": await linked(({ child }) => child),
    "made by the platform": await linked(() => rootUserId),
    "made by staff of F": await linked(() => staff),
    "made by staff who left": await linked(() => gone),
  }
  await migrate(database.url, schema)
  const name = (id: string | null) => (id === null ? "everywhere" : id === f ? "F" : "G")
  const found: Record<string, unknown> = {}
  for (const [how, { parent, child }] of Object.entries(pairs)) {
    const links = await db<{ status: string; facility_id: string | null }[]>`
      select status, facility_id from slotbase.child_links where parent_id = ${parent} and child_id = ${child}`
    const roles = await db<{ scope_id: string }[]>`
      select scope_id from slotbase.role_grants where user_id = ${parent} and role = 'parent'`
    found[how] = {
      links: links.map(({ status, facility_id }) => `${status} ${name(facility_id)}`),
      parentIn: roles.map(({ scope_id }) => name(scope_id)).sort(),
    }
  }
  const stays = { links: ["linked everywhere"], parentIn: ["F", "G"] }
  expect(found).toEqual({
    "made by the parent": stays,
    "made by the child's side": stays,
    "made by the platform": stays,
    "made by staff of F": { links: ["linked F"], parentIn: ["F"] },
    "made by staff who left": { links: ["invited everywhere"], parentIn: [] },
  })
})
