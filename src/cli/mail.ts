/**
 * slotbase mail bounce: takes a bounce on its standard input, as a mail server's delivery to a program hands it over.
 * The exit codes are those of sysexits.h, so that the mail server knows whether to try again.
 */
import { connect } from "#base/database/db.ts"
import { reachDatabase } from "#base/database/open.ts"
import { longestBounce, type NotedBounce, noteBounce } from "#outbound/messages/channels/email/note-bounce.ts"
import type { Command } from "./command.ts"
import { requireMigrated } from "./require-migrated.ts"

const use = "./scripts/slotbase mail bounce < FILE"
/** EX_DATAERR, and EX_TEMPFAIL: the mail server tries again. */
const [dataError, tryAgain] = [65, 75]

export const mail: Command = {
  name: "mail",
  words: ["bounce"],
  description: "take a bounce of a mail from standard input",
  run: async (config, [what]) => {
    if (what !== "bounce") {
      console.error(use)
      return 2
    }
    const raw = await readInput()
    try {
      const database = await reachDatabase(config)
      const db = connect(database.url, { max: 1, applicationName: "slotbase mail" })
      try {
        await requireMigrated(database.url)
        const noted = await noteBounce(db, raw)
        console.log(says[noted])
        return noted === "no_report" || noted === "unknown_message" ? dataError : 0
      } finally {
        await db.end()
        await database.stop()
      }
    } catch (error) {
      console.error(error instanceof Error ? error.message : error)
      return tryAgain
    }
  },
}

const says: Readonly<Record<NotedBounce, string>> = {
  bounced: "The message is marked as bounced.",
  delayed: "The delay is noted: the message may still arrive.",
  no_report: "This is no delivery report (RFC 3464) of a failure or a delay. Nothing was changed.",
  unknown_message: "This report is about no message of SlotBase. Nothing was changed.",
}

/** What is longer than a report is not read further. */
async function readInput(): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of Bun.stdin.stream()) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > longestBounce) break
  }
  return Buffer.concat(chunks).toString("utf8")
}
