/**
 * The channel "email": sends over SMTP to the server of SMTP_URL, or else to the local mailbox, with the same client.
 * Connections are kept, and every wait has a limit.
 * The client encrypts whenever the server offers it; `?requireTLS=true` in SMTP_URL insists.
 * "Sent" means that the server has accepted the message, and no more than that. A bounce may follow (note-bounce.ts).
 */
import { BadConfig, type Config } from "#base/config.ts"
import type { Db } from "#base/database/db.ts"
import { beforeItLeaves, type Channel, type Outgoing } from "#outbound/messages/channels/channel.ts"
import { asciiDomain, composeMail } from "./compose.ts"
import type { MailboxServer } from "./mailbox-server.ts"
import { SmtpConnections } from "./smtp-connections.ts"
import { mailFailure } from "./smtp-failure.ts"

/** Sends mail: the channel "email". */
export type Mailer = Channel

/** Connections, where SMTP_URL has no `maxConnections`. Some providers allow ten. */
const defaultConnections = 5
/** Sends for each connection: one is under way, and the next ones are ready when it has ended. */
const sendsPerConnection = 8
const connectionTimeoutMs = 10_000
/** The longest wait between two answers of the server. */
const socketTimeoutMs = 30_000

interface MailTools {
  readonly config: Pick<Config, "mailFrom" | "smtpUrl" | "environment">
  /** Of the local mailbox. */
  readonly db: Db
}

/** Connects with the first message. Throws `BadConfig` when SLOTBASE_MAIL_FROM has no address in it. */
export function createMailer({ config, db }: MailTools): Mailer {
  const sender = senderOf(config.mailFrom)
  let connections: Promise<SmtpConnections> | undefined
  let mailbox: MailboxServer | undefined
  const maxConnections = connectionsIn(config.smtpUrl)

  const open = async () => {
    if (config.smtpUrl === undefined) mailbox = await openMailbox(db, sender.address)
    return new SmtpConnections(config.smtpUrl ?? mailbox?.url ?? "", {
      maxConnections,
      connectionTimeout: connectionTimeoutMs,
      socketTimeout: socketTimeoutMs,
    })
  }

  /** A local mailbox that could not start is started by the next mail. */
  const opened = () => {
    const opening = open()
    opening.catch(() => {
      connections = undefined
    })
    return opening
  }

  return {
    name: "email",
    unavailable:
      config.smtpUrl === undefined && config.environment === "production"
        ? "no SMTP server is configured (SMTP_URL)"
        : undefined,
    sendsAtOnce: maxConnections * sendsPerConnection,

    async send(message, signal) {
      connections ??= opened()
      const opening = connections
      const [open, mail] = await beforeItLeaves(async () => [await opening, mailOf(message, sender)] as const)
      try {
        await open.send(mail, signal)
      } catch (error) {
        throw mailFailure(error)
      }
    },

    async close() {
      ;(await connections?.catch(() => undefined))?.close()
      await mailbox?.close()
    },
  }
}

/** The mail as it leaves. The Message-ID consists only of the id, so that a repetition can be recognized. */
function mailOf({ id, to, title, body, html, ics, links }: Outgoing, from: Sender) {
  const raw = composeMail({
    from,
    to,
    subject: title,
    messageId: `${id}@${from.domain}`,
    // RFC 3834: keeps absence notices from answering.
    headers: { "Auto-Submitted": "auto-generated", ...unsubscribing(links.unsubscribeUrl) },
    text: body,
    html,
    ics,
  })
  // RFC 3461, where the server offers it: a bounce names the id and brings the head alone.
  const dsn = { id, return: "headers" as const, notify: ["failure", "delay"], recipient: to.address }
  return { raw, envelope: { from: from.address, to: [asciiDomain(to.address)], dsn } }
}

/** RFC 8058: both headers to the letter, each in one line. */
const unsubscribing = (url: string | undefined): Readonly<Record<string, string>> =>
  url === undefined ? {} : { "List-Unsubscribe": `<${url}>`, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click" }

interface Sender {
  readonly name: string
  readonly address: string
  readonly domain: string
}

/** "My Club <mail@example.com>", or an address alone. */
function senderOf(mailFrom: string): Sender {
  const [, name = "", address, domain] = /^(.*?)<?([^\s@<>"]+@([^\s@<>"]+))>?$/.exec(mailFrom.trim()) ?? []
  if (address === undefined || domain === undefined)
    throw new BadConfig('SLOTBASE_MAIL_FROM must hold an address, such as "My Club <mail@example.com>".')
  return { name: name.trim().replace(/^"(.*)"$/, "$1"), address, domain }
}

function connectionsIn(smtpUrl: string | undefined): number {
  const asked = smtpUrl === undefined ? null : new URL(smtpUrl).searchParams.get("maxConnections")
  if (asked === null) return defaultConnections
  if (!/^[1-9]\d?$/.test(asked)) throw new BadConfig("maxConnections in SMTP_URL must be a number from 1 to 99.")
  return Number(asked)
}

/** Production loads neither the server of the local mailbox nor its libraries. */
async function openMailbox(db: Db, sender: string): Promise<MailboxServer> {
  const { startMailboxServer } = await import("./mailbox-server.ts")
  return startMailboxServer(db, sender)
}
