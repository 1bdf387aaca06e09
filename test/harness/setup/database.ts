// A database for each test file, cloned from a template that is migrated once. As a test database, its clock may be
// moved.

import postgres from "postgres"
import { forgetSignInTries } from "#access/sign-in-shares.ts"
import { clock } from "#base/clock.ts"
import { connect, type Db } from "#base/database/db.ts"
import { migrate } from "#base/database/migrate.ts"
import { templateName, testDatabaseName } from "./leftovers.ts"
import { testServer } from "./server.ts"

export interface TestDatabase {
  /** Connection string, for processes that the test starts. */
  url: string
  db: Db
  /**
   * Ends `db` and drops the database. Fails while a session is still connected: a test must stop all that it starts.
   */
  drop(): Promise<void>
}

/** A migrated database. Call it in `beforeAll`, and `drop` in `afterAll`. */
export async function testDatabase(): Promise<TestDatabase> {
  const server = await testServer()
  const database = await withAdmin(server.url, async (sql) => open(sql, server.url, await templateOn(sql, server.url)))
  // The files of a worker share a process. None begins with the clock or the failed sign-ins of an earlier one.
  await clock.follow(database.db)
  forgetSignInTries()
  return database
}

/** An empty database, for the tests of the migrator. */
export async function emptyDatabase(): Promise<TestDatabase> {
  const server = await testServer()
  return withAdmin(server.url, (sql) => open(sql, server.url, "template0"))
}

/** Connections that end with their process need a moment to leave the server. */
const leaveWithinMs = 2_000
const pollMs = 10

/** An arbitrary number. Its lock keeps two processes from building the same template. */
const templateLock = 7_264_302

type Admin = postgres.Sql

async function open(sql: Admin, serverUrl: string, template: string): Promise<TestDatabase> {
  const name = testDatabaseName()
  await sql.unsafe(`create database "${name}" template "${template}" strategy ${cloneStrategy}`)
  const url = urlOf(serverUrl, name)
  const db = connect(url, { applicationName: "slotbase test" })
  // The test connects at once, because the shared server ends after a while without connections.
  await db`select 1`
  return {
    url,
    db,
    async drop() {
      await db.end()
      await withAdmin(serverUrl, (admin) => dropDatabase(admin, name))
    },
  }
}

/**
 * Half the time of wal_log in memory (scratch.ts), 42 against 95 ms for 17 MB, and it leaves the buffers alone. Its
 * checkpoints cost next to nothing without fsync.
 */
const cloneStrategy = "file_copy"

async function dropDatabase(sql: Admin, name: string): Promise<void> {
  const deadline = performance.now() + leaveWithinMs
  let left = await connectedTo(sql, name)
  while (left.length > 0 && performance.now() < deadline) {
    await Bun.sleep(pollMs)
    left = await connectedTo(sql, name)
  }
  await sql`drop database ${sql(name)} with (force)`
  if (left.length > 0) throw new Error(`the test left ${left.length} connections open: ${left.join("; ")}`)
}

async function connectedTo(sql: Admin, name: string): Promise<string[]> {
  const rows = await sql<{ who: string }[]>`
    select application_name || ' (' || state || ': ' || left(query, 60) || ')' as who from pg_stat_activity
    where datname = ${name} and backend_type = 'client backend'`
  return rows.map((row) => row.who)
}

async function templateOn(sql: Admin, serverUrl: string): Promise<string> {
  const name = await templateName()
  if (await exists(sql, name)) return name

  await sql`select pg_advisory_lock(${templateLock})`
  if (!(await exists(sql, name))) await buildTemplate(sql, serverUrl, name)
  await sql`select pg_advisory_unlock(${templateLock})`
  return name
}

/**
 * Built under a test database's name and renamed when complete, so that a killed build is dropped like any leftover.
 */
async function buildTemplate(sql: Admin, serverUrl: string, name: string): Promise<void> {
  const building = testDatabaseName()
  await sql`create database ${sql(building)}`
  const url = urlOf(serverUrl, building)
  await migrate(url)
  await withAdmin(url, async (inside) => {
    const [clock] = await inside`select to_regclass('slotbase.clock') as found`
    if (clock?.found !== null) await inside`update slotbase.clock set movable = true`
    await inside`vacuum (freeze, analyze)`
  })
  // A template with a connection cannot be cloned.
  await sql`alter database ${sql(building)} with allow_connections false`
  await sql`alter database ${sql(building)} rename to ${sql(name)}`
}

async function exists(sql: Admin, name: string): Promise<boolean> {
  return (await sql`select 1 from pg_database where datname = ${name}`).length > 0
}

async function withAdmin<T>(url: string, use: (sql: Admin) => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => {}, connection: { application_name: "slotbase test harness" } })
  try {
    return await use(sql)
  } finally {
    await sql.end({ timeout: 5 })
  }
}

function urlOf(serverUrl: string, database: string): string {
  const url = new URL(serverUrl)
  url.pathname = `/${database}`
  return url.href
}
