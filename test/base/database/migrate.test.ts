// The migrator on folders of its own: order, all or nothing, concurrency, and refusals.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { migrate, pendingMigrations, readMigrations, requireSupported } from "#base/database/migrate.ts"
import { emptyDatabase, type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let folder: string
let database: TestDatabase

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "slotbase-migrations-"))
  database = await emptyDatabase()
})

afterEach(async () => {
  await database.drop()
  await rm(folder, { recursive: true, force: true })
})

test("applies the files in order, each once, and records them", async () => {
  await file("0001-first.sql", "create table slotbase.log (line text); insert into slotbase.log values ('first');")
  await file("0002-second.sql", "insert into slotbase.log values ('second');")
  expect(await pendingMigrations(database.url, folder)).toEqual(["0001-first", "0002-second"])

  expect(await migrate(database.url, folder)).toEqual({ applied: ["0001-first", "0002-second"] })
  expect(await migrate(database.url, folder)).toEqual({ applied: [] })
  await file("0003-third.sql", "insert into slotbase.log values ('third');")
  expect(await pendingMigrations(database.url, folder)).toEqual(["0003-third"])
  expect(await migrate(database.url, folder)).toEqual({ applied: ["0003-third"] })

  expect(await lines()).toEqual(["first", "second", "third"])
  const rows = await database.db<{ number: number; name: string; checksum: string }[]>`
    select number, name, checksum from slotbase.migrations order by number`
  expect([...rows]).toEqual(
    (await readMigrations(folder)).map(({ number, name, checksum }) => ({ number, name, checksum })),
  )
})

test("listing pending migrations writes nothing", async () => {
  await file("0001-first.sql", "select 1;")
  await pendingMigrations(database.url, folder)
  const [schema] = await database.db`select to_regnamespace('slotbase') as found`
  expect(schema).toEqual({ found: null })
})

test("a file that fails leaves nothing behind, names its line, and can be corrected", async () => {
  await file("0001-first.sql", "create table slotbase.log (line text);")
  await file(
    "0002-second.sql",
    "insert into slotbase.log values ('half');\n\ninsert into slotbase.nowhere values (1);\n",
  )
  const failure = await migrate(database.url, folder).catch((error: unknown) => error)
  expect(failure).toMatchObject({
    _tag: "MigrationFailed",
    migration: "0002-second",
    line: 3,
    message: 'sql/0002-second.sql failed at line 3 and left nothing behind: relation "slotbase.nowhere" does not exist',
  })
  expect(await lines()).toEqual([])
  expect(await pendingMigrations(database.url, folder)).toEqual(["0002-second"])

  await file("0002-second.sql", "insert into slotbase.log values ('whole');")
  expect(await migrate(database.url, folder)).toEqual({ applied: ["0002-second"] })
  expect(await lines()).toEqual(["whole"])
})

test("eight migrators at once apply each file exactly once", async () => {
  await file("0001-first.sql", "create table slotbase.log (line text); select pg_sleep(0.05);")
  for (const number of [2, 3, 4]) {
    await file(
      `000${number}-more.sql`.replace("more", `more-${number}`),
      `insert into slotbase.log values ('${number}');`,
    )
  }
  const outcomes = await Promise.all(Array.from({ length: 8 }, () => migrate(database.url, folder)))
  expect(outcomes.flatMap((outcome) => outcome.applied).sort()).toEqual([
    "0001-first",
    "0002-more-2",
    "0003-more-3",
    "0004-more-4",
  ])
  expect(await lines()).toEqual(["2", "3", "4"])
})

test("an edited old file is refused, and nothing after it is applied", async () => {
  await file("0001-first.sql", "create table slotbase.log (line text);")
  await migrate(database.url, folder)
  await file("0001-first.sql", "create table slotbase.log (line text, more text);")
  await file("0002-second.sql", "insert into slotbase.log values ('second');")
  const refusal = await migrate(database.url, folder).catch((error: unknown) => error)
  expect(refusal).toMatchObject({
    _tag: "MigrationEdited",
    migration: "0001-first",
    message:
      "sql/0001-first.sql was changed after this database had seen it; restore the file and put the change into a new one.",
  })
  expect(await lines()).toEqual([])
})

test("a database with an earlier history is refused in one sentence, and nothing in it changes", async () => {
  await file("0001-foundation.sql", "create table slotbase.log (line text);")
  await file("0002-people.sql", "insert into slotbase.log values ('earlier');")
  await migrate(database.url, folder)
  await rm(join(folder, "0001-foundation.sql"))
  await rm(join(folder, "0002-people.sql"))
  await file("0001-base.sql", "create table slotbase.base (line text);")
  for (const ask of [migrate, pendingMigrations]) {
    const refusal = await ask(database.url, folder).catch((error: unknown) => error)
    expect(refusal).toMatchObject({
      _tag: "HistoryReplaced",
      databaseBegan: "0001-foundation",
      codeBegins: "0001-base",
      message:
        "The database was made by an earlier SlotBase, whose schema this version cannot continue; nothing was changed: name an empty one by SLOTBASE_DATA_DIR or DATABASE_URL.",
    })
  }
  expect(await lines()).toEqual(["earlier"])
})

test("a database from a newer program is refused", async () => {
  await file("0001-first.sql", "select 1;")
  await file("0002-from-the-future.sql", "select 2;")
  await migrate(database.url, folder)
  await rm(join(folder, "0002-from-the-future.sql"))
  const refusal = await migrate(database.url, folder).catch((error: unknown) => error)
  expect(refusal).toMatchObject({
    _tag: "DatabaseNewer",
    databaseAt: "0002-from-the-future",
    codeKnows: 1,
    message:
      "The database is newer than this program: it has seen 0002-from-the-future, and this version knows 1 migrations. Start the newer version, or point DATABASE_URL at another database.",
  })
})

test("a missing or misnamed file is noticed before the database is touched", async () => {
  await file("0001-first.sql", "select 1;")
  await file("0003-third.sql", "select 3;")
  await expect(migrate(database.url, folder)).rejects.toThrow(
    `0003-third.sql in ${folder} should be number 2, as NNNN-name.sql`,
  )
})

test("PostgreSQL 14 is refused and 15 is not", () => {
  expect(() => requireSupported(140_012)).toThrow(
    "The server of DATABASE_URL is PostgreSQL 14, and SlotBase needs 15 or newer; upgrade it, or leave DATABASE_URL unset for the embedded PostgreSQL.",
  )
  expect(() => requireSupported(150_000)).not.toThrow()
})

let migrated: TestDatabase
beforeAll(async () => {
  migrated = await testDatabase()
})
afterAll(() => migrated.drop())

test("the project's own migrations apply to an empty database, and the tests' template has them all", async () => {
  const names = (await readMigrations()).map((migration) => migration.name)
  expect(await migrate(database.url)).toEqual({ applied: names })
  expect(await pendingMigrations(migrated.url)).toEqual([])
})

function file(name: string, text: string): Promise<void> {
  return writeFile(join(folder, name), text)
}

async function lines(): Promise<string[]> {
  const rows = await database.db<{ line: string }[]>`select line from slotbase.log order by line`
  return rows.map((row) => row.line)
}
