/** slotbase url: the connection string of the database in use, for psql and other programs. */
import { embeddedUrl } from "#base/database/embedded/start.ts"
import type { Command } from "./command.ts"

export const url: Command = {
  name: "url",
  description: 'print the connection string of the database in use: psql "$(./scripts/slotbase url)"',
  run: async ({ databaseUrl, dataDir }) => {
    const found = databaseUrl ?? (await embeddedUrl(dataDir))
    if (!found) {
      console.error(`The embedded database of ${dataDir} is not running: start it with ./scripts/start.`)
      return 1
    }
    console.log(found)
    return 0
  },
}
