/** A task of a child process: the parts of a mail that the local mailbox shows. */
import { simpleParser } from "mailparser"
import type { MailParts } from "#outbound/messages/channels/email/read-mail.ts"

export default async ({ raw }: { readonly raw: string }): Promise<MailParts> => {
  const mail = await simpleParser(raw, { skipHtmlToText: true, skipTextToHtml: true })
  const to = Array.isArray(mail.to) ? mail.to.map((each) => each.text).join(", ") : mail.to?.text
  return {
    messageId: mail.messageId ?? "",
    subject: mail.subject ?? "",
    from: mail.from?.text ?? "",
    to: to ?? "",
    text: mail.text ?? "",
    html: mail.html || "",
  }
}
