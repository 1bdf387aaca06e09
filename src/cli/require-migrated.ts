/** The check of a command that reads tables: without it, a fresh database would answer with the driver's error. */
import { pendingMigrations } from "#base/database/migrate.ts"

class NotMigrated extends Error {
  readonly _tag = "NotMigrated"
}

/** Throws one sentence when the database lacks migrations, and what `pendingMigrations` throws. Writes nothing. */
export async function requireMigrated(url: string): Promise<void> {
  const { length } = await pendingMigrations(url)
  if (length > 0)
    throw new NotMigrated(
      `The database lacks ${length} migrations: run ./scripts/start, or only ./scripts/slotbase migrate.`,
    )
}
