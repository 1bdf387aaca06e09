/** slotbase doctor: checks a whole database. Each check says whether all is well, or what to do. */
import { connect } from "#base/database/db.ts"
import { pendingMigrations } from "#base/database/migrate.ts"
import { reachDatabase } from "#base/database/open.ts"
import { type Check, checks } from "#operations/doctor.ts"
import type { Command } from "./command.ts"
import { connectionsCheck, poolerCheck } from "./connections.ts"
import { ffmpegOf } from "./ffmpeg-check.ts"
import { partsOfServer, roomOf } from "./parts-of-server.ts"

export const doctor: Command = {
  name: "doctor",
  description: "check the database: migrations, partitions, ledger, what is late, dead letters",
  run: async (config) => {
    const database = await reachDatabase(config)
    const db = connect(database.url, { max: 2, applicationName: "slotbase doctor" })
    try {
      const pending = await pendingMigrations(database.url)
      if (pending.length > 0) {
        print({
          name: "migrations",
          well: false,
          says: `${pending.length} not applied: run "./scripts/slotbase migrate"`,
        })
        return 1
      }
      print({ name: "migrations", well: true, says: "up to date" })
      let ill = 0
      const ways = [() => poolerCheck(database), () => connectionsCheck(db, config)]
      for (const check of [...ways, ...checks, () => partsOfServer(config), () => roomOf(config), ffmpegOf(config)]) {
        const result = await check(db)
        print(result)
        if (!result.well) ill++
      }
      return ill === 0 ? 0 : 1
    } finally {
      await db.end()
      await database.stop()
    }
  },
}

const print = ({ name, well, says }: Check) => console.log(`${well ? "ok  " : "FAIL"}  ${name.padEnd(14)} ${says}`)
