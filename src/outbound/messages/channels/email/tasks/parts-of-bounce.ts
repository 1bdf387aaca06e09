/** A task of a child process: what a bounce says, as far as it is a report of RFC 3464. */
import { simpleParser } from "mailparser"
import type { BounceParts } from "#outbound/messages/channels/email/read-bounce.ts"

/** Characters of a part that are read: a report is short, and the mail that it returns may be long. */
const longestPart = 64 * 1024

export default async ({ raw }: { readonly raw: string }): Promise<BounceParts> => {
  const mail = await simpleParser(raw, { skipHtmlToText: true, skipTextToHtml: true, keepDeliveryStatus: true })
  const partsOf = (...types: readonly string[]) =>
    mail.attachments
      .filter(({ contentType }) => types.includes(contentType.toLowerCase()))
      .map(({ content }) => content.subarray(0, longestPart).toString("utf8").replaceAll("\r\n", "\n"))
  const [report = ""] = partsOf("message/delivery-status", "message/global-delivery-status")
  // The first group of fields is about the message, each further one about a recipient.
  const [about = {}, ...recipients] = report
    .trim()
    .split(/\n[ \t]*\n+/)
    .map(fieldsOf)
  const returned = partsOf("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers")
  const answered = mail.references === undefined ? [] : [mail.references].flat()
  return {
    isReport: report !== "",
    messageIds: [
      about["original-envelope-id"],
      ...returned.map((head) => fieldsOf(head.split("\n\n")[0] ?? "")["message-id"]),
      mail.inReplyTo,
      ...answered,
    ].filter((id) => id !== undefined),
    recipients: recipients.map((fields) => ({
      action: (fields.action ?? "").toLowerCase(),
      status: /\d\.\d{1,3}\.\d{1,3}/.exec(fields.status ?? "")?.[0] ?? "",
      answer: (fields["diagnostic-code"] ?? "").replace(/^\s*smtp\s*;\s*/i, ""),
    })),
  }
}

/** Fields of a head, with folded lines joined; of a field that comes twice, the first. */
function fieldsOf(head: string): Readonly<Record<string, string>> {
  const fields: Record<string, string> = Object.create(null)
  for (const line of head.replaceAll(/\n[ \t]+/g, " ").split("\n")) {
    const [, name = "", value = ""] = /^([\w-]+)\s*:\s*(.*)$/.exec(line) ?? []
    const key = name.toLowerCase()
    if (key !== "" && fields[key] === undefined) fields[key] = value.trim()
  }
  return fields
}
