// Existing keys get their owners, and those of people who have left end with the migration.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { cp, mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { migrate } from "#base/database/migrate.ts"
import { newId, rootUserId } from "#base/ids.ts"
import { aFacility, aPerson, aRole } from "#test/harness/club/factories.ts"
import { emptyDatabase, type TestDatabase } from "#test/harness/setup/database.ts"

const sql = join(import.meta.dir, "../../sql")
let database: TestDatabase
let earlier: string

beforeAll(async () => {
  database = await emptyDatabase()
  earlier = await mkdtemp(join(tmpdir(), "slotbase-test-sql-"))
  const files = (await readdir(sql)).filter((file) => file < "0024-")
  for (const file of files) await cp(join(sql, file), join(earlier, file))
  await migrate(database.url, earlier)
})
afterAll(async () => {
  await database.drop()
  await rm(earlier, { recursive: true })
})

test("a key gets its maker, a key's key gets the owner of that one, and the keys of a leaver end and are named", async () => {
  const { db } = database
  const { id: facilityId } = await aFacility(db)
  const [stayer, leaver] = [await aPerson(db), await aPerson(db)]
  await aRole(db, stayer.id, "facility_admin", facilityId)
  await aRole(db, leaver.id, "player", facilityId)
  const aKey = async (name: string, createdBy: string) => {
    const userId = newId()
    await db`insert into slotbase.users (id, kind, first_name, last_name) values (${userId}, 'api_key', ${name}, 'API key')`
    await db`
      insert into slotbase.api_keys (id, facility_id, user_id, name, role, key_hash, key_hint, created_by)
      values (${newId()}, ${facilityId}, ${userId}, ${name}, 'staff', sha256(convert_to(${name}, 'utf8')), 'sbk', ${createdBy})`
    return userId
  }
  const stays = await aKey("stays", stayer.id)
  await aKey("child of stays", stays)
  const child = await aKey("leaves", leaver.id)
  await aKey("grandchild of leaver", await aKey("child of leaver", child))
  await aKey("root's", rootUserId)

  await migrate(database.url)
  const keys = await db`
    select k.name, o.id as owner, m.name as made_with, k.ended_because,
           exists (select from slotbase.working_keys w where w.id = k.id) as works
    from slotbase.api_keys k
    left join slotbase.users o on o.id = k.owner_id
    left join slotbase.api_keys m on m.id = k.made_with
    order by k.name`
  const ended = { works: false, ended_because: "owner_lost_role" }
  expect([...keys]).toEqual([
    { name: "child of leaver", owner: leaver.id, made_with: "leaves", ...ended },
    { name: "child of stays", owner: stayer.id, made_with: "stays", works: true, ended_because: null },
    { name: "grandchild of leaver", owner: leaver.id, made_with: "child of leaver", ...ended },
    { name: "leaves", owner: leaver.id, made_with: null, ...ended },
    { name: "root's", owner: null, made_with: null, works: true, ended_because: null },
    { name: "stays", owner: stayer.id, made_with: null, works: true, ended_because: null },
  ])
  const named = await db`
    select after ->> 'name' as name from slotbase.audit_log
    where action = 'api_key.ended' and actor_kind = 'database' order by 1`
  expect(named.map(({ name }) => name)).toEqual(["child of leaver", "grandchild of leaver", "leaves"])
})
