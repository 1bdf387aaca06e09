/**
 * The local mailbox: it receives mail, and shows it, while no SMTP server is configured.
 * Housekeeping keeps the latest thousand mails. Writes: mailbox.
 */
import type { Db, Queryable } from "#base/database/db.ts"
import { newId } from "#base/ids.ts"
import { readMail } from "./read-mail.ts"

export interface NewMail {
  readonly messageId: string
  readonly sender: string
  readonly recipients: readonly string[]
  readonly subject: string
  /** The whole mail as it was sent. */
  readonly raw: string
}

export interface Mail extends NewMail {
  readonly id: string
  readonly receivedAt: Date
}

/** A parsed mail. */
export interface OpenedMail extends Mail {
  readonly from: string
  readonly to: string
  readonly text: string
  readonly html: string
}

const keptMails = 1_000
const listedMails = 100

export async function keepMail(db: Db, mail: NewMail): Promise<void> {
  // A text column holds no NUL.
  const clean = (text: string) => text.replaceAll("\u0000", "\ufffd").toWellFormed()
  await db`
    insert into slotbase.mailbox (id, message_id, sender, recipients, subject, raw)
    values (${newId()}, ${clean(mail.messageId)}, ${clean(mail.sender)}, ${mail.recipients.map(clean)},
            ${clean(mail.subject)}, ${clean(mail.raw)})`
}

/** Deletes all mails but the latest thousand; returns the number of deleted mails. */
export async function forgetOldMails(db: Db): Promise<number> {
  const { count } = await db`
    delete from slotbase.mailbox
    where id in (select id from slotbase.mailbox order by received_at desc, id desc offset ${keptMails})`
  return count
}

/** The latest mails, newest first, without their content, and how many there are. */
export async function listMails(db: Queryable): Promise<{ mails: Omit<Mail, "raw">[]; total: number }> {
  const mails = await db<(Omit<Mail, "raw"> & { total: number })[]>`
    select id, message_id as "messageId", sender, recipients, subject, received_at as "receivedAt", count(*) over () as total
    from slotbase.mailbox
    order by received_at desc, id desc
    limit ${listedMails}`
  return { mails, total: mails[0]?.total ?? 0 }
}

/** @param id a UUID */
export async function openMail(db: Queryable, id: string): Promise<OpenedMail | undefined> {
  const [mail] = await db<Mail[]>`
    select id, message_id as "messageId", sender, recipients, subject, raw, received_at as "receivedAt"
    from slotbase.mailbox
    where id = ${id}`
  if (!mail) return undefined
  const { from, to, text, html } = await readMail(mail.raw)
  return { ...mail, from: from || mail.sender, to: to || mail.recipients.join(", "), text, html }
}
