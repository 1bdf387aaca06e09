/**
 * Sends mail over SMTP: to the server of SMTP_URL, or else to the local mailbox, with the same client. Connections are
 * pooled, and every wait has a limit.
 * The client encrypts whenever the server offers it; `?requireTLS=true` in SMTP_URL insists.
 * "Sent" means that the server has accepted the message, and no more than that.
 */
import nodemailer from "nodemailer"
import { BadConfig, type Config } from "#base/config.ts"
import type { Db } from "#base/database/db.ts"
import type { MailboxServer } from "./mailbox-server.ts"
import { mailFailure } from "./smtp-failure.ts"

export interface MailMessage {
  /** A UUID. The Message-ID consists only of this id, so that a repetition can be recognized. */
  readonly id: string
  readonly to: { readonly name: string; readonly address: string }
  readonly subject: string
  readonly text: string
  readonly html: string
}

export interface Mailer {
  /** The reason why nothing can be sent at all, or undefined. */
  readonly unavailable: string | undefined
  /** Resolves when the server has taken the message. Throws `RecipientRefused` or `SendFailed`. */
  send(message: MailMessage, signal?: AbortSignal): Promise<void>
  /** Waits for the messages in flight, then closes every connection. */
  close(): Promise<void>
}

const maxConnections = 5
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
  const domain = /@([^\s@<>"]+)>?$/.exec(config.mailFrom)?.[1]
  if (domain === undefined)
    throw new BadConfig('SLOTBASE_MAIL_FROM must hold an address, such as "My Club <mail@example.com>".')
  let transport: Promise<Transport> | undefined
  let mailbox: MailboxServer | undefined

  const open = async () => {
    if (config.smtpUrl === undefined) mailbox = await openMailbox(db)
    return nodemailer.createTransport({
      url: config.smtpUrl ?? mailbox?.url,
      pool: true,
      maxConnections,
      maxRequeues: 1, // for a lost idle connection only; the run makes and counts every other repetition
      connectionTimeout: connectionTimeoutMs,
      greetingTimeout: connectionTimeoutMs,
      socketTimeout: socketTimeoutMs,
      disableFileAccess: true,
      disableUrlAccess: true,
    })
  }

  return {
    unavailable:
      config.smtpUrl === undefined && config.environment === "production"
        ? "no SMTP server is configured (SMTP_URL)"
        : undefined,

    async send(message, signal) {
      transport ??= open()
      try {
        await (await transport).sendMail({
          from: config.mailFrom,
          to: message.to,
          subject: message.subject,
          text: message.text,
          html: message.html,
          messageId: `<${message.id}@${domain}>`,
          headers: { "Auto-Submitted": "auto-generated" }, // RFC 3834: keeps absence notices from answering
          ...(signal && { signal }),
        })
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

/** Production loads neither the server of the local mailbox nor its libraries. */
async function openMailbox(db: Db): Promise<MailboxServer> {
  const { startMailboxServer } = await import("./mailbox-server.ts")
  return startMailboxServer(db)
}

type Transport = ReturnType<typeof nodemailer.createTransport>
