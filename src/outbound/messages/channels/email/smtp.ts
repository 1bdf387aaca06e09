/**
 * The channel "email": sends over SMTP to the server of SMTP_URL, or else to the local mailbox, with the same client.
 * Connections are pooled, and every wait has a limit.
 * The client encrypts whenever the server offers it; `?requireTLS=true` in SMTP_URL insists.
 * "Sent" means that the server has accepted the message, and no more than that. A bounce may follow (note-bounce.ts).
 */
import nodemailer from "nodemailer"
import { BadConfig, type Config } from "#base/config.ts"
import type { Db } from "#base/database/db.ts"
import type { Channel, Outgoing } from "#outbound/messages/channels/channel.ts"
import type { MailboxServer } from "./mailbox-server.ts"
import { mailFailure } from "./smtp-failure.ts"

/** Sends mail: the channel "email". */
export type Mailer = Channel

/** Connections, where SMTP_URL has no `maxConnections`. Some providers allow ten. */
const defaultConnections = 5
/** Sends for each connection: one is under way, and the next ones are ready when it has ended. */
const sendsPerConnection = 4
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
  const [, local, domain] = /([^\s@<>"]+)@([^\s@<>"]+)>?$/.exec(config.mailFrom) ?? []
  if (domain === undefined)
    throw new BadConfig('SLOTBASE_MAIL_FROM must hold an address, such as "My Club <mail@example.com>".')
  let transport: Promise<Transport> | undefined
  let mailbox: MailboxServer | undefined
  const maxConnections = connectionsIn(config.smtpUrl)

  const open = async () => {
    if (config.smtpUrl === undefined) mailbox = await openMailbox(db, `${local}@${domain}`)
    return nodemailer.createTransport({
      url: config.smtpUrl ?? mailbox?.url,
      pool: true,
      maxConnections,
      // A server that wants to see a new connection ends the old one, which costs nothing.
      maxMessages: Number.POSITIVE_INFINITY,
      maxRequeues: 1, // for a lost idle connection only; the sender makes and counts every other repetition
      connectionTimeout: connectionTimeoutMs,
      greetingTimeout: connectionTimeoutMs,
      socketTimeout: socketTimeoutMs,
      disableFileAccess: true,
      disableUrlAccess: true,
    })
  }

  return {
    name: "email",
    unavailable:
      config.smtpUrl === undefined && config.environment === "production"
        ? "no SMTP server is configured (SMTP_URL)"
        : undefined,
    sendsAtOnce: maxConnections * sendsPerConnection,

    async send(message, signal) {
      transport ??= open()
      try {
        await (await transport).sendMail({ ...mailOf(message, config.mailFrom, domain), signal })
      } catch (error) {
        throw mailFailure(error)
      }
    },

    async close() {
      ;(await transport?.catch(() => undefined))?.close()
      await mailbox?.close()
    },
  }
}

/** The message for nodemailer. The Message-ID consists only of the id, so that a repetition can be recognized. */
const mailOf = ({ id, to, title, body, html, ics, links }: Outgoing, from: string, domain: string) => ({
  from,
  to,
  subject: title,
  text: body,
  ...(html !== null && { html }),
  messageId: `<${id}@${domain}>`,
  // RFC 3834: keeps absence notices from answering.
  headers: { "Auto-Submitted": "auto-generated", ...unsubscribing(links.unsubscribeUrl) },
  ...(ics !== undefined && { icalEvent: { method: methodOf(ics), content: ics, filename: "invitation.ics" } }),
  // RFC 3461, where the server offers it: a bounce names the id and brings the head alone.
  dsn: { id, return: "headers" as const, notify: ["failure", "delay"], recipient: to.address },
})

/**
 * RFC 8058, both as raw headers. The library's own `list` option writes another value of List-Unsubscribe-Post, and
 * folds a long address in its middle.
 */
const unsubscribing = (url: string | undefined): Readonly<Record<string, { prepared: true; value: string }>> =>
  url === undefined
    ? {}
    : {
        "List-Unsubscribe": { prepared: true, value: `<${url}>` },
        "List-Unsubscribe-Post": { prepared: true, value: "List-Unsubscribe=One-Click" },
      }

const methodOf = (ics: string) => /^METHOD:([A-Z]+)\s*$/im.exec(ics)?.[1]?.toUpperCase() ?? "PUBLISH"

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

type Transport = ReturnType<typeof nodemailer.createTransport>
