// The mails of accounts, as the program sends them: for each event of an answer, over a real SMTP server.

import type { HandledEvent } from "#actors/handlers/handler.ts"
import type { TestApi } from "#test/harness/api/api.ts"
import { postOffice } from "#test/harness/outbound/post-office.ts"
import { smtpReceiver } from "#test/harness/outside/smtp.ts"
import { testApp } from "#test/harness/setup/app.ts"

export interface AccountMail {
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
  /** The token of its link; undefined: it has no link. */
  readonly token: string | undefined
}

/** Sends the mails of the events that an answer named, and answers them by their recipient. */
export async function mailsOf({ database: { db } }: TestApi, headers: Headers): Promise<AccountMail[]> {
  const receiver = await smtpReceiver()
  const tools = testApp(db, { smtpUrl: receiver.url, publicUrl: "https://book.example" })
  const office = await postOffice(tools)
  const ids = (headers.get("x-slotbase-event-ids") ?? "").split(",").filter(Boolean)
  const events = await db<HandledEvent[]>`select * from slotbase.events where id = any (${ids}) order by id`
  try {
    for (const event of events) await office.tell(event)
    return receiver.mails
      .map(({ recipients, subject = "", text = "", html }) => ({
        to: recipients.join(),
        subject,
        text,
        html: html || "",
        token: /https:\/\/book\.example\/account-links\/(\S+)/.exec(text)?.[1],
      }))
      .sort((a, b) => (a.to < b.to ? -1 : 1))
  } finally {
    await tools.mail.close()
    await receiver.close()
  }
}
