// Brings a database to the state that this version of the program needs. Each new file of sql/ runs in one transaction,
// which first inserts the file's own row. A concurrent migrator waits for that row and then finds the file done.
// Migrations run forward only. Before anything is written, three databases are refused: one whose old file was edited,
// one from a newer program, and one with an earlier history.
// Writes: migrations.

import { createHash } from "node:crypto"
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import postgres from "postgres"
import {
  DatabaseNewer,
  HistoryReplaced,
  MigrationEdited,
  MigrationFailed,
  UnsupportedPostgres,
} from "./migration-errors.ts"
import { openOnce } from "./open-once.ts"

export interface Migration {
  number: number
  /** File name without `.sql`, e.g. `0001-base`. */
  name: string
  checksum: string
  text: string
}

const migrationsFolder = join(import.meta.dir, "../../../sql")

/** PostgreSQL 15: `security_invoker` views and `unique nulls not distinct`. As `server_version_num`. */
const oldestPostgres = 150_000

/** Serializes migrators of one database; any constant that nothing else uses. */
const migrationLock = 7_264_301

export interface MigrateOptions {
  /** Called when another process holds the lock of the migrations, and this one waits. */
  readonly onWait?: () => void
  /** Gives up: the connection is closed, and what is under way is rolled back. */
  readonly signal?: AbortSignal
}

type Sql = postgres.Sql
type Tx = postgres.TransactionSql

/**
 * Applies what is missing and answers the names of what it applied. Takes a connection string rather than a `Db`,
 * because a migration may rightly take longer than any query's deadline. Safe to call from many processes at once.
 */
export async function migrate(
  url: string,
  folder = migrationsFolder,
  { onWait = () => {}, signal }: MigrateOptions = {},
): Promise<{ applied: string[] }> {
  const migrations = await readMigrations(folder)
  return withConnection(url, signal, async (sql) => {
    const pending = await pendingOn(sql, migrations)
    if (pending.length === 0) return { applied: [] }
    await sql.begin((tx) => createTable(tx, onWait))

    const applied: string[] = []
    for (const migration of pending) {
      if (await sql.begin((tx) => apply(tx, migration, migrations, onWait))) applied.push(migration.name)
    }
    return { applied }
  })
}

/** Names of the migrations that this database still lacks; refuses what `migrate` refuses, and writes nothing. */
export async function pendingMigrations(url: string, folder = migrationsFolder): Promise<string[]> {
  const migrations = await readMigrations(folder)
  const pending = await withConnection(url, undefined, (sql) => pendingOn(sql, migrations))
  return pending.map((migration) => migration.name)
}

/** The folder's files in order. Numbers are dense from 1, so that a missing or doubled one is noticed at once. */
export async function readMigrations(folder = migrationsFolder): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(".sql")).sort()
  return Promise.all(
    files.map(async (file, index) => {
      const number = Number(/^(\d{4})-[a-z0-9-]+\.sql$/.exec(file)?.[1])
      if (number !== index + 1) throw new Error(`${file} in ${folder} should be number ${index + 1}, as NNNN-name.sql`)
      const text = (await readFile(join(folder, file), "utf8")).replaceAll("\r\n", "\n")
      return { number, name: file.slice(0, -".sql".length), checksum: checksumOf(text), text }
    }),
  )
}

/** @param version the server's `server_version_num`, e.g. 180004 */
export function requireSupported(version: number): void {
  if (version < oldestPostgres) throw new UnsupportedPostgres(Math.floor(version / 10_000), oldestPostgres / 10_000)
}

async function pendingOn(sql: Sql, migrations: Migration[]): Promise<Migration[]> {
  const [server] = await sql<[{ version: string; table: string | null }]>`
    select current_setting('server_version_num') as version, to_regclass('slotbase.migrations')::text as table`
  requireSupported(Number(server.version))
  return server.table === null ? migrations : missingIn(await appliedRows(sql), migrations)
}

interface AppliedRow {
  number: number
  name: string
  checksum: string
}

function appliedRows(sql: Sql | Tx): Promise<AppliedRow[]> {
  return sql<AppliedRow[]>`select number, name, checksum from slotbase.migrations order by number`
}

function missingIn(applied: AppliedRow[], migrations: Migration[]): Migration[] {
  const [began, begins] = [applied[0], migrations[0]]
  if (began?.number === 1 && begins !== undefined && began.name !== begins.name) {
    throw new HistoryReplaced(began.name, begins.name)
  }
  const last = applied.at(-1)
  if (last !== undefined && last.number > migrations.length) throw new DatabaseNewer(last.name, migrations.length)
  for (const row of applied) {
    const migration = migrations[row.number - 1]
    if (migration?.checksum !== row.checksum) throw new MigrationEdited(row.name)
  }
  const done = new Set(applied.map((row) => row.number))
  return migrations.filter((migration) => !done.has(migration.number))
}

/** @param onWait called when another process holds the lock. */
async function lock(tx: Tx, onWait: () => void): Promise<void> {
  // The role may have a limit of its own, for statements of requests.
  await tx`set local statement_timeout = 0`
  const [row] = await tx<[{ had: boolean }]>`select pg_try_advisory_xact_lock(${migrationLock}) as had`
  if (row.had) return
  onWait()
  await tx`select pg_advisory_xact_lock(${migrationLock})`
}

async function createTable(tx: Tx, onWait: () => void): Promise<void> {
  await lock(tx, onWait)
  await tx.unsafe(`
    create schema if not exists slotbase;
    create table if not exists slotbase.migrations (
      number     integer     primary key check (number > 0),
      name       text        not null unique,
      checksum   text        not null,
      applied_at timestamptz not null default clock_timestamp()
    );
    comment on table  slotbase.migrations is 'The files of sql/ that this database has seen, each applied in one transaction.';
    comment on column slotbase.migrations.checksum is 'SHA-256 of the file as it was applied; an edited file is refused.';
  `)
}

/** False when a concurrent migrator was quicker. */
async function apply(tx: Tx, migration: Migration, all: Migration[], onWait: () => void): Promise<boolean> {
  await lock(tx, onWait)
  if (!missingIn(await appliedRows(tx), all).includes(migration)) return false
  await tx`
    insert into slotbase.migrations (number, name, checksum)
    values (${migration.number}, ${migration.name}, ${migration.checksum})`
  try {
    // Without parameters postgres.js speaks the simple protocol, which takes a whole file of statements.
    await tx.unsafe(migration.text)
  } catch (cause) {
    throw new MigrationFailed(migration.name, lineOf(cause, migration.text), cause)
  }
  return true
}

function lineOf(error: unknown, text: string): number | undefined {
  if (!(error instanceof postgres.PostgresError) || error.position === undefined) return undefined
  return text.slice(0, Number(error.position)).split("\n").length
}

function checksumOf(text: string): string {
  return createHash("sha256").update(text).digest("hex")
}

async function withConnection<T>(
  url: string,
  signal: AbortSignal | undefined,
  use: (sql: Sql) => Promise<T>,
): Promise<T> {
  const sql = openOnce(url, "slotbase migrate")
  const abort = () => void sql.end({ timeout: 0 })
  signal?.addEventListener("abort", abort)
  try {
    return await use(sql)
  } finally {
    signal?.removeEventListener("abort", abort)
    await sql.end({ timeout: 5 })
  }
}
