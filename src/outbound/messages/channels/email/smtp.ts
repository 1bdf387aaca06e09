/**
 * The channel "email": sends over SMTP to the server of SMTP_URL, or else to the local mailbox, with the same client.
 * Connections are pooled, and every wait has a limit.
 * The client encrypts whenever the server offers it; `?requireTLS=true` in SMTP_URL insists.
 * "Sent" means that the server has accepted the message, and no more than that. A bounce may follow (note-bounce.ts).
 */
import { Readable } from "node:stream"
import SMTPPool from "nodemailer/lib/smtp-pool"
import { BadConfig, type Config } from "#base/config.ts"
import type { Db } from "#base/database/db.ts"
import type { Channel, Outgoing } from "#outbound/messages/channels/channel.ts"
import { asciiDomain, composeMail } from "./compose.ts"
import type { MailboxServer } from "./mailbox-server.ts"
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
  let pool: Promise<SMTPPool> | undefined
  let mailbox: MailboxServer | undefined
  const maxConnections = connectionsIn(config.smtpUrl)

  const open = async () => {
    if (config.smtpUrl === undefined) mailbox = await openMailbox(db, sender.address)
    return new SMTPPool({
      url: config.smtpUrl ?? mailbox?.url,
      maxConnections,
      // A server that wants to see a new connection ends the old one, which costs nothing.
      maxMessages: Number.POSITIVE_INFINITY,
      maxRequeues: 1, // for a lost idle connection only; the sender makes and counts every other repetition
      connectionTimeout: connectionTimeoutMs,
      greetingTimeout: connectionTimeoutMs,
      socketTimeout: socketTimeoutMs,
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
      pool ??= open()
      try {
        await sendBy(await pool, mailOf(message, sender), signal)
      } catch (error) {
        throw mailFailure(error)
      }
    },

    async close() {
      ;(await pool?.catch(() => undefined))?.close()
      await mailbox?.close()
    },
  }
}

/** The message for nodemailer. The Message-ID consists only of the id, so that a repetition can be recognized. */
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
  return { raw, envelope: { from: from.address, to: [asciiDomain(to.address)] }, dsn }
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

/**
 * Gives a finished mail to the pool. The composer in front of it has nothing to add, and took as much CPU as the pool.
 * What the pool asks of a mail is what the composer answers.
 */
function sendBy(pool: SMTPPool, { raw, envelope, dsn }: ReturnType<typeof mailOf>, signal: AbortSignal): Promise<void> {
  const message = {
    getEnvelope: () => ({ ...envelope }),
    messageId: () => `<${dsn.id}>`,
    getHeader: () => dsn.id,
    createReadStream: () => onePiece(raw),
  }
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  pool.send({ data: { dsn, signal }, message } as unknown as PooledMail, (error) => (error ? reject(error) : resolve()))
  return promise
}

type PooledMail = Parameters<SMTPPool["send"]>[0]

/** Read once: the pool sees by it whether a byte of the mail was sent. */
const onePiece = (text: string) =>
  new Readable({
    read() {
      this.push(text)
      this.push(null)
    },
  })
