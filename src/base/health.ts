/**
 * Whether this process can do its work. The supervisor reports here a part of the process that it cannot heal.
 * Readiness also checks the database:
 * - The database answers.
 * - Its migrations are those of this program.
 * - Its partitions reach far enough ahead.
 */
import type { Db } from "./database/db.ts"
import { troubleOf, troubles } from "./database/errors.ts"
import { readMigrations } from "./database/migrate.ts"
import { parts } from "./parts.ts"
import { startPhase } from "./start-phase.ts"

const reasons = new Set<string>()

export const health = {
  /** Something in this process is broken and does not heal by itself. A repeated report changes nothing. */
  unhealthy(reason: string): void {
    reasons.add(reason)
  },
  /** The broken part works again. */
  recovered(reason: string): void {
    reasons.delete(reason)
  },
  /** The broken parts, in the order of their reports; empty when all is well. */
  check(): readonly string[] {
    return [...reasons]
  },
}

/** The reasons why this process cannot serve, as sentences; empty when it is ready. Never throws. */
export async function notReady(db: Db): Promise<readonly string[]> {
  // Until then the database may lack its tables.
  const phase = startPhase.says()
  if (phase !== undefined) return [phase]
  const late = Promise.withResolvers<string[]>()
  const timer = setTimeout(
    () => late.resolve([`The database has not answered for ${answerWithinMs} ms.`]),
    answerWithinMs,
  )
  const ofDatabase = await Promise.race([databaseTroubles(db), late.promise])
  clearTimeout(timer)
  const ofParts = parts.list().flatMap(({ state, reason }) => (state === "ill" && reason ? [reason] : []))
  return [...health.check(), ...ofParts, ...ofDatabase]
}

async function databaseTroubles(db: Db): Promise<string[]> {
  try {
    migrations ??= await readMigrations()
    const [row] = await db<[DatabaseState]>`
      select (select jsonb_object_agg(name, checksum) from slotbase.migrations) as applied,
             (select coalesce(array_agg(t.name order by t.name), '{}') from slotbase.partitioned_tables t
              where to_regclass('slotbase.' || t.name
                || to_char((select slotbase.now()) at time zone 'UTC' + make_interval(months => ${monthsAhead}), '_YYYY_MM')) is null) as short`
    const applied = row.applied ?? {}
    const missing = migrations.filter((migration) => applied[migration.name] !== migration.checksum)
    return [
      ...missing.map((migration) => `The migration ${migration.name} has not been applied to the database.`),
      ...row.short.map((table) => `The table ${table} has no partition for the month after this one.`),
    ]
  } catch (error) {
    const code = troubleOf(error)
    // The watcher of the embedded database has given its own, better reason.
    if (code !== undefined && parts.get("database")?.state === "ill") return []
    return [
      code === undefined
        ? `The database does not answer: ${error instanceof Error ? error.message : error}`
        : troubles[code].says,
    ]
  }
}

/** The longest wait for an answer, milliseconds. A frozen server would keep the question until its own deadline. */
const answerWithinMs = 2_000
/** With next month's partition present, four weeks are left to find out why no more are made. */
const monthsAhead = 1

let migrations: Awaited<ReturnType<typeof readMigrations>> | undefined

interface DatabaseState {
  applied: Record<string, string> | null
  short: string[]
}
