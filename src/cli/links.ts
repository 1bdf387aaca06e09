/** slotbase links: prints anew what the start printed: addresses, a fresh mailbox link, clubs, a booking to paste. */
import { clock } from "#base/clock.ts"
import { connect } from "#base/database/db.ts"
import { reachDatabase } from "#base/database/open.ts"
import { loadSecretKey } from "#base/secret-key.ts"
import { secretBox } from "#base/secrets.ts"
import { linkLines } from "#demo/banner.ts"
import { findFirstClub } from "#demo/first-club.ts"
import { mailboxUrl } from "#outbound/messages/channels/email/routes.ts"
import { phoneUrl } from "#outbound/messages/channels/sms/routes.ts"
import type { Command } from "./command.ts"
import { requireMigrated } from "./require-migrated.ts"
import { addressOf, isReady } from "./running-server.ts"

export const links: Command = {
  name: "links",
  description: "print the addresses, the mailbox link, the clubs and a first booking anew",
  run: async (config) => {
    const database = await reachDatabase(config)
    const db = connect(database.url, { max: 1, applicationName: "slotbase links" })
    try {
      await requireMigrated(database.url)
      await clock.follow(db)
      const address = addressOf(config)
      const tools = { config, secrets: secretBox(await loadSecretKey(config)) }
      const [mailbox, phone] = [mailboxUrl(tools, address), phoneUrl(tools, address)]
      const first = await findFirstClub(db, config)
      const { embedded } = database
      const shown = { config, address, embedded, rootKey: undefined, mailbox, phone, first }
      console.log(["", ...linkLines(shown), ""].join("\n"))
      if (!(await isReady(config)))
        console.error(
          `No server answers at ${address} now. Start it with ./scripts/start; if it runs, set PORT to its port.`,
        )
      return 0
    } finally {
      await db.end()
      await database.stop()
    }
  },
}
