/**
 * The local mailbox's own SMTP server: on a free port of the loopback interface, inside this process.
 * Only this process can use the server: it asks for a password that no other program knows.
 * A mail is a row of slotbase.mailbox before the server accepts it. Only the local mailbox loads this file.
 */
import { randomBytes } from "node:crypto"
import type { AddressInfo } from "node:net"
import { simpleParser } from "mailparser"
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from "smtp-server"
import type { Db } from "#base/database/db.ts"
import { sameSecret } from "#base/secrets.ts"
import { keepMail } from "./mailbox.ts"
import { noteBounce } from "./note-bounce.ts"

export interface MailboxServer {
  /** The smtp:// address with the password in it. */
  readonly url: string
  close(): Promise<void>
}

const maxMailBytes = 1024 * 1024
/** The longest head has the addresses of a club's staff. */
const maxHeadBytes = 64 * 1024
const maxClients = 20
/** For connections that are still open when the server closes. */
const closeTimeoutMs = 2_000

/** @param sender the address from which all mail comes; bounces go there */
export async function startMailboxServer(db: Db, sender: string): Promise<MailboxServer> {
  const password = randomBytes(24).toString("base64url")
  const server = new SMTPServer({
    name: "localhost",
    banner: "SlotBase local mailbox",
    size: maxMailBytes,
    maxClients,
    closeTimeout: closeTimeoutMs,
    logger: false,
    // Nothing leaves the machine, and there is no certificate to show.
    disabledCommands: ["STARTTLS"],
    allowInsecureAuth: true,
    disableReverseLookup: true,
    onAuth: (auth, _session, answer) =>
      auth.username === user && sameSecret(auth.password ?? "", password)
        ? answer(null, { user })
        : answer(new Error("Invalid username or password")),
    onData: (stream, session, answer) => {
      take(db, sender.toLowerCase(), stream, session).then(
        () => answer(null),
        (error: Error) => answer(error),
      )
    },
  })
  const { promise: listening, resolve, reject } = Promise.withResolvers<void>()
  server.once("error", reject)
  server.listen(0, "127.0.0.1", resolve)
  await listening
  // A broken connection is handled by its client.
  server.on("error", () => {})
  const { port } = server.server.address() as AddressInfo
  return {
    url: `smtp://${user}:${password}@127.0.0.1:${port}`,
    close: () => new Promise((closed) => server.close(() => closed())),
  }
}

const user = "slotbase"

async function take(db: Db, sender: string, stream: SMTPServerDataStream, session: SMTPServerSession): Promise<void> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes <= maxMailBytes) chunks.push(chunk)
  }
  if (stream.sizeExceeded || bytes > maxMailBytes)
    throw Object.assign(new Error(`Mail larger than ${maxMailBytes} bytes`), { responseCode: 552 })
  const raw = Buffer.concat(chunks)
  const { messageId = "", subject = "" } = await simpleParser(headOf(raw))
  const { mailFrom, rcptTo } = session.envelope
  await keepMail(db, {
    messageId,
    sender: mailFrom ? mailFrom.address : "",
    recipients: rcptTo.map((each) => each.address),
    subject,
    raw: raw.toString("utf8"),
  })
  // Mail to the sender of all mail: perhaps a bounce. What it is shows when a child process has read it.
  if (rcptTo.some((each) => each.address.toLowerCase() === sender)) await noteBounce(db, raw.toString("utf8"))
}

/**
 * The head alone identifies the mail, and only this process sends mail here: its own head needs no child process. A
 * child for each mail cost a fifth of the bookings a second that end with their mails. The rest is parsed in a child,
 * when somebody opens the mail.
 */
function headOf(raw: Buffer): Buffer {
  const end = raw.subarray(0, maxHeadBytes).indexOf("\r\n\r\n")
  return end < 0 ? Buffer.alloc(0) : raw.subarray(0, end + 4)
}
