// The root key: generated once, replaced by the configured one, never kept in the clear.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { authenticate } from "#access/caller.ts"
import { NotAuthenticated } from "#base/errors.ts"
import { rootUserId } from "#base/ids.ts"
import { ensureRootKey } from "#domain/people/api-keys.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())
beforeEach(async () => {
  await database.db`delete from slotbase.api_keys`
})

const ensure = (rootKey: string | undefined) => ensureRootKey(database.db, { rootKey, environment: "development" })
const opens = async (key: string) => (await authenticate(database.db, key)).userId

test("of eight first starts at once one gets the key to print, and later ones get none", async () => {
  const keys = await Promise.all(Array.from({ length: 8 }, () => ensure(undefined)))
  const printed = keys.filter((key) => key !== undefined)
  expect(printed).toHaveLength(1)
  expect(printed[0]).toMatch(/^sbk_[A-Za-z0-9_-]{43}$/)
  expect(await opens(printed[0] as string)).toBe(rootUserId)
  expect(await ensure(undefined)).toBeUndefined()
  expect(await opens(printed[0] as string)).toBe(rootUserId)
})

test("the configured key replaces the one before, is not printed, and is not stored in the clear", async () => {
  const generated = (await ensure(undefined)) as string
  for (const key of ["a key of my own", "a key of my own", "another of my own"]) {
    expect(await ensure(key)).toBeUndefined()
    expect(await opens(key)).toBe(rootUserId)
  }
  expect(opens(generated)).rejects.toBeInstanceOf(NotAuthenticated)
  expect(opens("a key of my own")).rejects.toBeInstanceOf(NotAuthenticated)
  const rows = await database.db`select key_hint, k.*::text as row from slotbase.api_keys k`
  expect(rows).toHaveLength(1)
  expect(rows[0]?.key_hint).toBe("SLOTBASE_ROOT_KEY")
  expect(rows[0]?.row).not.toContain("my own")
})

test("the audit trail names each start that made or replaced the root key, and no other", async () => {
  const [{ last }] = await database.db<[{ last: string }]>`select slotbase.new_id() as last`
  const generated = (await ensure(undefined)) as string
  for (const key of [undefined, "the first of my own", "the first of my own", "the second of my own"]) await ensure(key)
  const rows = await database.db<{ whole: string }[]>`
    select action, actor_id, actor_kind, user_agent, subject_id, before, after, to_jsonb(a)::text as whole
    from slotbase.audit_log a where id > ${last} order by id`
  const row = (action: string, keyHint: string) => ({
    action,
    actor_id: rootUserId,
    actor_kind: "system",
    user_agent: expect.stringMatching(/^slotbase start, by uid \d+ on /),
    subject_id: rootUserId,
    before: null,
    after: { keyHint },
  })
  expect(rows.map(({ whole, ...fields }) => fields) as unknown[]).toEqual([
    row("root_key.created", generated.slice(0, 10)),
    row("root_key.replaced", "SLOTBASE_ROOT_KEY"),
    row("root_key.replaced", "SLOTBASE_ROOT_KEY"),
  ])
  const text = rows.map(({ whole }) => whole).join("\n")
  for (const secret of [generated, "of my own"]) expect(text).not.toContain(secret)
})
