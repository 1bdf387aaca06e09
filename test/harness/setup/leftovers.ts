// The names of the tests' databases, and how to recognize the leftovers of a killed run. The name holds the id of the
// test process. A database whose process is gone is a leftover.

import postgres from "postgres"
import { readMigrations } from "#base/database/migrate.ts"

/** The name holds the run (or `solo`), the process id, random letters, and the test file for the reader. */
export function testDatabaseName(): string {
  const run = process.env.SLOTBASE_TEST_RUN ?? "solo"
  const file = (Bun.main.split("/").at(-1) ?? "").replace(/\.test\.ts$/, "").replace(/[^a-z0-9]+/g, "_")
  const random = Math.random().toString(36).slice(2, 8)
  return `slotbase_test_${run}_${process.pid}_${random}_${file}`.slice(0, 63)
}

/** The template's name holds the checksum of sql/, so an edited migration makes a new template. */
export async function templateName(): Promise<string> {
  const checksums = (await readMigrations()).map((migration) => migration.checksum)
  return `slotbase_template_${Bun.hash(checksums.join()).toString(36)}`
}

/** Drops the databases of ended processes, and the templates of other versions of sql/. */
export async function dropLeftovers(url: string): Promise<void> {
  const current = await templateName()
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  try {
    const databases = await sql<{ datname: string }[]>`
      select datname from pg_database where datname like 'slotbase\\_test\\_%' or datname like 'slotbase\\_template\\_%'`
    for (const { datname } of databases) {
      const pid = Number(/^slotbase_test_[a-z0-9]+_(\d+)_/.exec(datname)?.[1] ?? 0)
      const inUse = datname === current || (pid > 0 && isAlive(pid))
      if (!inUse) await sql`drop database if exists ${sql(datname)} with (force)`
    }
  } finally {
    await sql.end({ timeout: 5 })
  }
}

/** Names of the databases that the processes of a run have not dropped. */
export async function databasesOf(url: string, run: string): Promise<string[]> {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  try {
    const left = await sql<{ datname: string }[]>`
      select datname from pg_database where starts_with(datname, ${`slotbase_test_${run}_`}) order by datname`
    return left.map((row) => row.datname)
  } finally {
    await sql.end({ timeout: 5 })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM"
  }
}
