/**
 * A mail server took a message, and says later that it could not deliver it (RFC 3464). The report is matched to its
 * message by the id that each mail carries, which only its reader and the servers on its way know. So nobody can make a
 * report about another person's mail. The message reads "bounced". An address that is dead for good is marked: the
 * address to which the message went, whatever the report names. A delay is only noted.
 * slotbase.note_bounce() writes notifications.
 */
import type { Db } from "#base/database/db.ts"
import { isId } from "#base/ids.ts"
import { log } from "#base/log.ts"
import { isDeadAddress, markUndeliverable } from "#domain/people/undeliverable.ts"
import { readBounce } from "./read-bounce.ts"

/** no_report: it is another mail. unknown_message: it is about a mail that is not ours, or long gone. */
export type NotedBounce = "bounced" | "delayed" | "no_report" | "unknown_message"

/** Bytes of a report; the mail that it returns may be longer. */
export const longestBounce = 1024 * 1024

/** @param raw the whole mail */
export async function noteBounce(db: Db, raw: string): Promise<NotedBounce> {
  const { isReport, messageIds, recipients } = await readBounce(raw.slice(0, longestBounce))
  const told =
    recipients.find(({ action }) => action === "failed") ?? recipients.find(({ action }) => action === "delayed")
  if (!isReport || told === undefined) return "no_report"
  const ids = messageIds.map((id) => idIn(id)).filter((id) => id !== undefined)
  const failed = told.action === "failed"
  const words = [told.status, told.answer].filter((each) => each !== "").join(" ")
  const answer = words.replace(/\s+/g, " ").slice(0, longestAnswer)
  for (const id of ids) {
    const [row] = await db<{ facility_id: string; sent_to: string | null }[]>`
      select facility_id, sent_to from slotbase.note_bounce(${id}, ${failed}, ${answer})`
    if (row === undefined) continue
    const { facility_id, sent_to } = row
    if (failed && isDeadAddress(told.status))
      await markUndeliverable(db, { address: sent_to ?? "", facility_id, id, answer })
    log.info(failed ? "a mail bounced" : "a mail is delayed", { notification: id, status: told.status })
    return failed ? "bounced" : "delayed"
  }
  return "unknown_message"
}

/** Characters of what a server said. */
const longestAnswer = 500

/** The id in "<id@club.example>", or alone as an envelope's id. */
function idIn(text: string): string | undefined {
  const [id = ""] = text
    .trim()
    .replace(/^</, "")
    .split(/[@>\s]/)
  const lower = id.toLowerCase()
  return isId(lower) ? lower : undefined
}
