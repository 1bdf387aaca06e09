/** slotbase migrate: brings the database up to this version. It may run at any time, also several times at once. */
import { migrate, pendingMigrations } from "#base/database/migrate.ts"
import { reachDatabase } from "#base/database/open.ts"
import type { Command } from "./command.ts"

export const migrateCommand: Command = {
  name: "migrate",
  description: "apply the migrations that the database still lacks",
  run: async (config) => {
    const database = await reachDatabase(config)
    try {
      const { applied } = await migrate(database.url)
      console.log(
        applied.length === 0 ? "The database is up to date." : applied.map((name) => `applied ${name}`).join("\n"),
      )
      return 0
    } finally {
      await database.stop()
    }
  },
}

/** Whether the database has the present schema; otherwise prints the command to type. */
export async function isMigrated(url: string): Promise<boolean> {
  const { length } = await pendingMigrations(url)
  if (length > 0) console.error(`The database lacks ${length} migrations: run "./scripts/slotbase migrate".`)
  return length === 0
}
