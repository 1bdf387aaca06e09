// What grows has an end. Every table of the schema has its rule, the manual shows the rules, and an index finds old
// rows.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import type { Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { failure } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db
beforeAll(async () => {
  database = await testDatabase()
  db = database.db
})
afterAll(() => database.drop())

/** Tables without a rule, and rules without a table. */
const faults = async (at: Db | Tx) => {
  const rows = await at<{ fault: string }[]>`
    select coalesce(c.relname || ' has no rule', r.name || ' is no table') as fault
    from (select relname from pg_class
          where relnamespace = 'slotbase'::regnamespace and relkind in ('r', 'p') and not relispartition) c
    full join slotbase.retention_rules r on r.name = c.relname
    where c.relname is null or r.name is null order by 1`
  return rows.map(({ fault }) => fault)
}

/** Foreign keys to people without an index by which the check of a deleted person finds its rows. */
const unindexed = async (at: Db | Tx) => {
  const rows = await at<{ name: string }[]>`
    select f.conname as name from pg_constraint f
    join pg_attribute a on a.attrelid = f.conrelid and a.attnum = f.conkey[1]
    where f.contype = 'f' and f.confrelid = 'slotbase.users'::regclass
      and not exists (select from pg_index i where i.indrelid = f.conrelid and i.indkey[0] = f.conkey[1]
                      and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) = format('(%I IS NOT NULL)', a.attname)))
    order by 1`
  return rows.map(({ name }) => name)
}

/** What the work would find in a changed schema, of which nothing stays. */
async function planted<T>(statement: string, work: (tx: Tx) => Promise<T>): Promise<T> {
  const found = Promise.withResolvers<T>()
  await failure(
    db.begin(async (tx) => {
      await tx.unsafe(statement)
      found.resolve(await work(tx))
      throw new Error("undone")
    }),
  )
  return found.promise
}

test("every table of the schema has a rule, and a table without one is caught", async () => {
  expect(await faults(db)).toEqual([])
  expect(await planted("create table slotbase.visitors (id uuid primary key)", faults)).toEqual([
    "visitors has no rule",
  ])
  expect(await planted("delete from slotbase.retention_rules where name = 'mailbox'", faults)).toEqual([
    "mailbox has no rule",
  ])
  expect(
    await planted("insert into slotbase.retention_rules (name, ends, why) values ('gone', 'never', 'x')", faults),
  ).toEqual(["gone is no table"])
})

test("every foreign key to people has its index, and one without is caught", async () => {
  expect(await unindexed(db)).toEqual([])
  const stray = "create table slotbase.visitors (id uuid primary key, user_id uuid references slotbase.users (id))"
  expect(await planted(stray, unindexed)).toEqual(["visitors_user_id_fkey"])
})

test("docs/retention.md shows exactly the rules", async () => {
  const page = await Bun.file(join(import.meta.dir, "../../docs/retention.md")).text()
  const shown = [...page.matchAll(/^\| `(\w+)` \| (.*) \| (.*) \| (.*) \|$/gm)].map(([, ...cells]) => cells)
  const rules = await db<{ name: string; ends: string; done_by: string | null; why: string }[]>`
    select name, ends, done_by, why from slotbase.retention order by name`
  expect(shown).toEqual(rules.map(({ name, ends, done_by, why }) => [name, ends, done_by ?? "", why]))
})

test("an age can be changed by an operator, and not below the shortest", async () => {
  const shorten = db`update slotbase.retention_rules set keep = '1 day' where name = 'lost_items'`
  expect(await failure(shorten)).toMatchObject({ constraint_name: "rows_are_kept_at_least" })
  expect((await db`update slotbase.retention_rules set keep = '60 days' where name = 'lost_items'`).count).toBe(1)
  await db`update slotbase.retention_rules set keep = '1 year' where name = 'lost_items'`
})

test("a rule of the job has a condition or a function, and finds its rows without a scan of the table", async () => {
  const rules = await db<{ name: string }[]>`
    select name from slotbase.retention_rules where done_by = 'retention' order by name`
  expect(rules.length).toBeGreaterThan(10)
  const scanned: string[] = []
  for (const { name } of rules)
    await db.begin(async (tx) => {
      const [done] = await tx<{ looked: number }[]>`select * from slotbase.forget_old(${name}, 100)`
      expect(done?.looked).toBeGreaterThanOrEqual(0)
      const [read] = await tx<[{ scans: number }]>`
        select seq_scan as scans from pg_stat_xact_user_tables where relid = to_regclass(${`slotbase.${name}`})`
      if (read.scans > 0) scanned.push(name)
    })
  expect(scanned).toEqual([])
})

test("nothing is deleted while the clock is doubted, whoever asks", async () => {
  await db`insert into slotbase.dead_passes (id, actor, error, failed_at, noted_at)
           values (slotbase.new_id(), 'a', 'b', now(), now() - interval '1 year')`
  await db`select slotbase.watch_clock()`
  await db`update slotbase.clock_watch set trusted_at = trusted_at - interval '80 years'`
  const forget = async () => ({ ...(await db`select * from slotbase.forget_old('dead_passes', 10)`)[0] })
  expect(await forget()).toEqual({ looked: 0, gone: 0 })
  await db`select slotbase.trust_clock()`
  expect(await forget()).toEqual({ looked: 1, gone: 1 })
})
