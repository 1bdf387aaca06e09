// The index by which the check of each foreign key finds its row, on a database that has never been analyzed. Each
// connection keeps its first plan. An index on the facility alone would scan all rows of the facility.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { connect, type Db } from "#base/database/db.ts"
import { migrate } from "#base/database/migrate.ts"
import { emptyDatabase, type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let fresh: TestDatabase
let analyzed: TestDatabase

beforeAll(async () => {
  ;[fresh, analyzed] = await Promise.all([emptyDatabase(), testDatabase()])
  await migrate(fresh.url)
})

afterAll(() => Promise.all([fresh.drop(), analyzed.drop()]))

test.each([
  ["never analyzed", () => fresh],
  ["analyzed while they were empty", () => analyzed],
])("every check of a foreign key reads by a unique index of its key, in tables that were %s", async (_, database) => {
  const db = connect(database().url, { max: 1, applicationName: "slotbase test" })
  await db`set plan_cache_mode = force_generic_plan`
  const keys = await foreignKeys(db)
  const wrong: string[] = []
  for (const key of keys) {
    const index = await indexOfCheck(db, key)
    if (!key.unique.includes(index)) wrong.push(`${key.name} reads by ${index}`)
  }
  await db.end()
  expect(wrong).toEqual([])
  expect(keys.map(({ name }) => name)).toContain("booking_participants_booking_id_facility_id_fkey")
})

interface ForeignKey {
  readonly name: string
  readonly parent: string
  readonly types: readonly string[]
  /** The columns of the parent, quoted. */
  readonly columns: readonly string[]
  /** The parent's indexes that find at most one row for these columns. */
  readonly unique: readonly string[]
}

const foreignKeys = (db: Db) => db<ForeignKey[]>`
  select f.conname as name, f.confrelid::regclass::text as parent,
         array_agg(quote_ident(a.attname) order by k.nth) as columns, array_agg(format_type(a.atttypid, null) order by k.nth) as types,
         array(select c.relname::text from pg_index i join pg_class c on c.oid = i.indexrelid
               where i.indrelid = f.confrelid and i.indisunique and i.indpred is null and i.indexprs is null
                 and (i.indkey::smallint[])[0:i.indnkeyatts - 1] <@ f.confkey) as unique
  from pg_constraint f
  cross join unnest(f.confkey) with ordinality as k (attribute, nth)
  join pg_attribute a on a.attrelid = f.confrelid and a.attnum = k.attribute
  where f.contype = 'f' and f.connamespace = 'slotbase'::regnamespace
  group by f.oid order by name`

/** The statement is PostgreSQL's own, from ri_triggers.c. */
async function indexOfCheck(db: Db, { parent, columns, types }: ForeignKey): Promise<string> {
  const found = columns.map((column, nth) => `x.${column} operator(pg_catalog.=) $${nth + 1}`).join(" and ")
  await db.unsafe(`prepare checking (${types}) as select 1 from only ${parent} x where ${found} for key share of x`)
  const [row] = await db.unsafe(`explain (format json) execute checking (${types.map(() => "null")})`)
  await db.unsafe("deallocate checking")
  return row?.["QUERY PLAN"][0].Plan.Plans[0]["Index Name"]
}
