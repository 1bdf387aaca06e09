/**
 * The local phone: it receives text messages, and shows them, while no SMS provider is configured. Housekeeping keeps
 * the latest thousand. Writes: phone_inbox.
 */
import type { Db, Queryable } from "#base/database/db.ts"
import { newId } from "#base/ids.ts"

export interface NewText {
  /** The message that it is (notifications.id). */
  readonly messageId: string
  /** E.164. */
  readonly recipient: string
  readonly sender: string
  readonly body: string
}

export interface ReceivedText extends NewText {
  readonly id: string
  readonly receivedAt: Date
}

/** A phone with its latest text. */
export interface LocalPhone {
  readonly recipient: string
  readonly texts: number
  readonly latest: string
  readonly receivedAt: Date
}

const keptTexts = 1_000
const listedPhones = 100

export async function keepText(db: Db, { messageId, recipient, sender, body }: NewText): Promise<void> {
  await db`
    insert into slotbase.phone_inbox (id, message_id, recipient, sender, body)
    values (${newId()}, ${messageId}, ${recipient}, ${sender}, ${body.replaceAll("\u0000", "\ufffd").toWellFormed()})`
}

/** Deletes all texts but the latest thousand; returns the number of deleted texts. */
export async function forgetOldTexts(db: Db): Promise<number> {
  const { count } = await db`
    delete from slotbase.phone_inbox
    where id in (select id from slotbase.phone_inbox order by received_at desc, id desc offset ${keptTexts})`
  return count
}

/** The phones that have received something, the latest first. */
export async function listPhones(db: Queryable): Promise<LocalPhone[]> {
  return db<LocalPhone[]>`
    select recipient, count(*) as texts, max(received_at) as "receivedAt",
           (array_agg(body order by received_at desc, id desc))[1] as latest
    from slotbase.phone_inbox
    group by recipient
    order by max(received_at) desc, recipient
    limit ${listedPhones}`
}

/** The texts of a phone, the oldest first, as a phone shows them. */
export async function textsOf(db: Queryable, recipient: string): Promise<ReceivedText[]> {
  return db<ReceivedText[]>`
    select id, message_id as "messageId", recipient, sender, body, received_at as "receivedAt"
    from slotbase.phone_inbox
    where recipient = ${recipient}
    order by received_at, id`
}
