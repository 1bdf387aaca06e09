/**
 * slotbase grant-reader: gives the role slotbase_reader the rights that the migrations give, for a role that was made
 * after them. The grants are in sql/, beside the tables and views that they open; this command runs them again.
 */
import { connect } from "#base/database/db.ts"
import { readMigrations } from "#base/database/migrate.ts"
import { reachDatabase } from "#base/database/open.ts"
import { audit } from "#events/audit.ts"
import { operatorContext } from "#events/operator.ts"
import { transact } from "#events/outbox.ts"
import { howToMakeReader } from "#operations/doctor.ts"
import type { Command } from "./command.ts"
import { requireMigrated } from "./require-migrated.ts"

export const grantReader: Command = {
  name: "grant-reader",
  description: "let the role slotbase_reader, made after the migrations, read everything but secrets",
  run: async (config) => {
    const grants = (await readMigrations()).flatMap(({ text }) => text.match(grant) ?? [])
    const database = await reachDatabase(config)
    const db = connect(database.url, { max: 1, applicationName: "slotbase grant-reader" })
    try {
      await requireMigrated(database.url)
      const [role] = await db`select from pg_roles where rolname = 'slotbase_reader'`
      if (role === undefined) {
        console.error(`slotbase_reader is missing: ${howToMakeReader}`)
        return 1
      }
      await transact(db, operatorContext(config.environment, "slotbase grant-reader"), async (tx) => {
        await tx.unsafe(grants.join("\n"))
        audit(tx, { action: "reader.granted", subjectId: "slotbase_reader", after: { grants: grants.length } })
      })
      console.log(`slotbase_reader may read everything but secrets (${grants.length} grants).`)
      return 0
    } finally {
      await db.end()
      await database.stop()
    }
  },
}

/** In their order: a later file may take back what an earlier one gives. */
const grant = /\b(?:grant [^;]* to|revoke [^;]* from) slotbase_reader;/g
