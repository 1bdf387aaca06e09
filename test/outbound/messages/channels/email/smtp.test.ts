// The SMTP client against a real server: the meaning of refusals, unknown outcomes, and the local mailbox.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test"
import { BadConfig } from "#base/config.ts"
import { newId } from "#base/ids.ts"
import { type Outgoing, RecipientRefused, SendFailed } from "#outbound/messages/channels/channel.ts"
import { forgetOldMails, listMails, openMail } from "#outbound/messages/channels/email/mailbox.ts"
import { createMailer, type Mailer } from "#outbound/messages/channels/email/smtp.ts"
import { type SmtpReceiver, smtpReceiver } from "#test/harness/outside/smtp.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let receiver: SmtpReceiver
let mailer: Mailer

beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())
beforeEach(async () => {
  receiver = await smtpReceiver()
  mailer = createMailer(testApp(database.db, { smtpUrl: receiver.url, mailFrom: "Parkside <mail@club.example>" }))
})
afterEach(async () => {
  await mailer.close()
  await receiver.close()
})

const { signal } = new AbortController()
const message = (given: Partial<Outgoing> = {}): Outgoing => ({
  id: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e10",
  facilityId: newId(),
  userId: newId(),
  to: { name: "Mia Keller", address: "mia@example.com" },
  title: "Grüße vom Platz 1",
  body: "Bis bald — Ihr Verein\n",
  html: "<p>Bis bald</p>",
  type: "booking.confirmed",
  priority: "high",
  data: {},
  links: {},
  ...given,
})

const failureOf = (sending: Promise<void>) =>
  sending.then(
    () => "sent",
    (error: unknown) => error,
  )

test("a mail arrives as it was given, under the Message-ID of its id, marked as made by a machine", async () => {
  await mailer.send(message(), signal)
  const [mail] = receiver.mails
  expect(receiver.mails).toHaveLength(1)
  expect(mail?.recipients).toEqual(["mia@example.com"])
  expect(mail?.messageId).toBe("<01994a3e-7c00-7a10-8f3e-1c5d0a9b2e10@club.example>")
  expect(mail?.from?.text).toBe('"Parkside" <mail@club.example>')
  expect(mail?.subject).toBe("Grüße vom Platz 1")
  expect(mail?.text).toBe("Bis bald — Ihr Verein\n")
  expect(mail?.html).toBe("<p>Bis bald</p>")
  expect(mail?.headers.get("auto-submitted")).toBe("auto-generated")
})

test("the headers of one-click unsubscribing arrive unfolded and to the letter, however long the address is", async () => {
  const unsubscribeUrl = `https://book.example/unsubscribe/${"aB3_".repeat(60)}`
  await mailer.send(message({ links: { unsubscribeUrl } }), signal)
  const [mail] = receiver.mails
  const head = mail?.raw.split("\r\n\r\n")[0]?.split("\r\n")
  expect(head).toContain(`List-Unsubscribe: <${unsubscribeUrl}>`)
  expect(head).toContain("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
  expect(head?.filter((line) => line.toLowerCase().startsWith("list-"))).toHaveLength(2)
  await mailer.send(message(), signal)
  expect(receiver.mails[1]?.raw.toLowerCase()).not.toContain("list-unsubscribe")
})

test.each(["REQUEST", "CANCEL"])(
  "an invitation is attached with its method %s, as a part and as a file",
  async (method) => {
    const ics = [
      "BEGIN:VCALENDAR",
      "VERSION:2.0",
      "PRODID:-//SlotBase//EN",
      `METHOD:${method}`,
      "BEGIN:VEVENT",
      "UID:1@club.example",
      "SUMMARY:Grüße",
      "END:VEVENT",
      "END:VCALENDAR",
      "",
    ].join("\r\n")
    await mailer.send(message({ ics }), signal)
    const [mail] = receiver.mails
    expect(mail?.raw).toMatch(new RegExp(`Content-Type: text/calendar; charset=utf-8;\\s+method=${method}\r\n`))
    expect(mail?.attachments.map(({ contentType, filename }) => [contentType, filename])).toContainEqual([
      "application/ics",
      "invitation.ics",
    ])
    for (const { content } of mail?.attachments ?? []) expect(content.toString("utf8")).toBe(ics)
    expect(mail?.text).toBe("Bis bald — Ihr Verein\n")
    expect(mail?.html).toBe("<p>Bis bald</p>")
  },
)

test("names, subjects and texts of all languages and lengths arrive as they were given", async () => {
  const names = [
    "Zoë Åström-Łukasiewicz",
    "王小明",
    'Mia "the wall" O\'Neill, jr.',
    "Jörg".repeat(40),
    "=?utf-8?Q?x?=",
    "",
  ]
  for (const name of names) {
    const title = `${name} – ${"überaus lange Zeile ".repeat(8)}`.slice(0, 190).trim()
    const body = `${name}\n.\n..two dots\n\nFrom here  \n= 3D\t${"ä".repeat(300)}\n${"x".repeat(1200)}\n`
    await mailer.send(
      message({ to: { name, address: "mia@example.com" }, title, body, html: `<p>${body}</p>` }),
      signal,
    )
    const mail = receiver.mails.at(-1)
    expect([mail?.subject, mail?.text, mail?.html]).toEqual([title, body, `<p>${body}</p>`])
    expect(mail?.to).toMatchObject({ value: [{ address: "mia@example.com", name }] })
    expect(mail?.raw.split("\r\n").filter((line) => line.length > 78)).toEqual([])
    expect(mail?.raw).not.toMatch(/[^\r]\n|\r[^\n]|\P{ASCII}/u)
  }
})

test("a domain of other letters is reached in its ASCII form", async () => {
  await mailer.send(message({ to: { name: "Mia", address: "mia@tennis-köln.example" } }), signal)
  // The server shows the letters, whichever form it was given.
  expect(receiver.mails[0]?.recipients).toEqual(["mia@tennis-köln.example"])
  expect(receiver.mails[0]?.raw).toContain('To: "Mia" <mia@xn--tennis-kln-lcb.example>')
})

test("line breaks in a name or a subject add no header and no recipient", async () => {
  const name = 'Mia"\r\nBcc: victim@example.com\r\n\r\nHello <evil@example.com>,'
  await mailer.send(
    message({ to: { name, address: "mia@example.com" }, title: "A\r\nBcc: victim@example.com" }),
    signal,
  )
  const [mail] = receiver.mails
  expect(mail?.recipients).toEqual(["mia@example.com"])
  expect([...(mail?.headers.keys() ?? [])].sort()).toEqual(
    ["auto-submitted", "content-type", "date", "from", "message-id", "mime-version", "subject", "to"].sort(),
  )
})

test("an address that the server does not know is refused for good, with the server's words", async () => {
  receiver.refuse = () => [550, "5.1.1 No such user here"]
  const failure = await failureOf(mailer.send(message(), signal))
  expect(failure).toBeInstanceOf(RecipientRefused)
  expect((failure as Error).message).toBe("550 5.1.1 No such user here")
})

test("a malformed address is refused without asking the server", async () => {
  const failure = await failureOf(mailer.send(message({ to: { name: "x", address: "a>b@example.com" } }), signal))
  expect(failure).toBeInstanceOf(RecipientRefused)
  expect(receiver.offered).toEqual([])
})

test("a refusal of the sender, such as relaying, does not refuse the recipient", async () => {
  receiver.refuse = () => [554, "5.7.1 Relay access denied"]
  const failure = await failureOf(mailer.send(message(), signal))
  expect(failure).toBeInstanceOf(SendFailed)
  expect(failure).toMatchObject({ message: "554 5.7.1 Relay access denied", outcome: "not_sent" })
})

test("a temporary refusal and a refused content count as not sent, and the connection stays in use", async () => {
  receiver.refuse = () => [451, "4.7.1 Greylisted, try again later"]
  expect(await failureOf(mailer.send(message(), signal))).toMatchObject({
    _tag: "SendFailed",
    message: "451 4.7.1 Greylisted, try again later",
    outcome: "not_sent",
  })
  receiver.refuse = () => undefined
  receiver.refuseMail = () => [554, "5.6.0 Content refused"]
  expect(await failureOf(mailer.send(message(), signal))).toMatchObject({ _tag: "SendFailed", outcome: "not_sent" })
  receiver.refuseMail = () => undefined
  expect(await failureOf(mailer.send(message(), signal))).toBe("sent")
})

const verdictOf = (failure: unknown) =>
  failure instanceof RecipientRefused
    ? "refused"
    : failure instanceof SendFailed
      ? `${failure.concern}${failure.permanent ? " for good" : ""}`
      : String(failure)

test("an answer about the recipient ends the message; one about the sender or the service does not", async () => {
  const answers: [code: number, text: string, verdict: string][] = [
    [550, "5.1.1 No such user here", "refused"],
    [550, "No such user", "refused"],
    [552, "5.2.2 Mailbox full", "refused"],
    [450, "4.2.2 Mailbox full", "message"],
    [451, "4.7.1 Greylisted", "message"],
    [451, "Local error", "message"],
    [550, "too many messages today", "suspected"],
    [550, "5.4.5 Daily sending quota exceeded", "suspected"],
    [550, "5.7.1 Relaying denied", "suspected"],
    [550, "5.1.8 Bad sender address", "suspected"],
    [452, "4.3.1 Insufficient system storage", "suspected"],
    [454, "Temporary authentication failure", "service"],
    [421, "4.7.0 Try again later, closing connection", "service"],
    [530, "5.7.0 Must issue a STARTTLS command first", "service"],
  ]
  for (const [code, text, verdict] of answers) {
    receiver.refuse = () => [code, text]
    expect([code, text, verdictOf(await failureOf(mailer.send(message(), signal)))]).toEqual([code, text, verdict])
  }
  receiver.refuse = () => undefined
  for (const [code, text, verdict] of [
    [550, "5.7.1 Message rejected by policy", "suspected"],
    [550, "too many messages today", "suspected"],
    [554, "5.6.0 Content refused", "message for good"],
    [451, "Try again", "message"],
    [550, "5.1.1 No such user", "refused"],
  ] as const) {
    receiver.refuseMail = () => [code, text]
    expect([code, text, verdictOf(await failureOf(mailer.send(message(), signal)))]).toEqual([code, text, verdict])
  }
})

test("a refused sender and a wrong password are about the service", async () => {
  receiver.refuseSender = () => [550, "5.1.0 Sender blocked"]
  expect(verdictOf(await failureOf(mailer.send(message(), signal)))).toBe("service")
  const url = receiver.url.replace("smtp://", "smtp://club:wrong@")
  const locked = createMailer(testApp(database.db, { smtpUrl: url }))
  expect(await failureOf(locked.send(message(), signal))).toMatchObject({ concern: "service", outcome: "not_sent" })
  await locked.close()
})

test("an unreachable server counts as not sent", async () => {
  const gone = await smtpReceiver()
  await gone.close()
  const lost = createMailer(testApp(database.db, { smtpUrl: gone.url }))
  expect(await failureOf(lost.send(message(), signal))).toMatchObject({
    _tag: "SendFailed",
    outcome: "not_sent",
    concern: "service",
  })
  await lost.close()
})

test("a connection that breaks after the content leaves an unknown outcome", async () => {
  const server = Bun.listen<{ data: boolean }>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.data = { data: false }
        socket.write("220 hello\r\n")
      },
      data(socket, bytes) {
        const said = bytes.toString()
        if (socket.data.data) {
          if (said.endsWith("\r\n.\r\n")) socket.end()
        } else if (said.startsWith("DATA")) {
          socket.data.data = true
          socket.write("354 go on\r\n")
        } else socket.write("250 ok\r\n")
      },
    },
  })
  const breaking = createMailer(testApp(database.db, { smtpUrl: `smtp://127.0.0.1:${server.port}` }))
  expect(await failureOf(breaking.send(message(), signal))).toMatchObject({ _tag: "SendFailed", outcome: "unknown" })
  await breaking.close()
  server.stop(true)
})

test("the signal ends a send that hangs before the content: nothing was sent, and the service is not blamed", async () => {
  const silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } })
  const hanging = createMailer(testApp(database.db, { smtpUrl: `smtp://127.0.0.1:${silent.port}` }))
  const stop = new AbortController()
  const sending = failureOf(hanging.send(message(), stop.signal))
  stop.abort()
  expect(await sending).toMatchObject({ _tag: "SendFailed", outcome: "not_sent", concern: "message" })
  await hanging.close()
  silent.stop(true)
})

test("without SMTP_URL the same client fills the local mailbox", async () => {
  const local = createMailer(testApp(database.db))
  expect(local.unavailable).toBeUndefined()
  await local.send(message({ id: newId(), title: "First" }), signal)
  await local.send(message({ id: newId(), title: "Zweite – für Mia" }), signal)
  await local.close()

  const { mails, total } = await listMails(database.db)
  expect(total).toBe(2)
  expect(mails.map((mail) => [mail.subject, mail.recipients, mail.sender])).toEqual([
    ["Zweite – für Mia", ["mia@example.com"], "slotbase@localhost"],
    ["First", ["mia@example.com"], "slotbase@localhost"],
  ])
  const opened = await openMail(database.db, mails[0]?.id ?? "")
  expect(opened).toMatchObject({
    from: '"SlotBase" <slotbase@localhost>',
    to: '"Mia Keller" <mia@example.com>',
    text: "Bis bald — Ihr Verein\n",
    html: "<p>Bis bald</p>",
  })
})

test("a mail too large for the local mailbox is refused and not kept", async () => {
  const before = await listMails(database.db)
  const local = createMailer(testApp(database.db))
  const failure = await failureOf(local.send(message({ body: "tennis ".repeat(200_000) }), signal))
  await local.close()
  expect(failure).toMatchObject({ _tag: "SendFailed", outcome: "not_sent" })
  expect(await listMails(database.db)).toEqual(before)
})

test("the local mailbox keeps the latest thousand mails", async () => {
  await database.db`
    insert into slotbase.mailbox (id, message_id, sender, recipients, subject, raw, received_at)
    select gen_random_uuid(), '', 'a@example.com', '{b@example.com}', 'Old ' || n, '', slotbase.now() - make_interval(hours => n)
    from generate_series(1, 1005) n`
  const local = createMailer(testApp(database.db))
  await local.send(message({ id: newId(), title: "Newest" }), signal)
  await local.close()
  expect(await forgetOldMails(database.db)).toBeGreaterThanOrEqual(6)
  const [row] = await database.db`
    select count(*) as kept, count(*) filter (where subject = 'Newest') as newest from slotbase.mailbox`
  expect(row).toEqual({ kept: 1000, newest: 1 })
})

test("in production nothing is sent into the local mailbox", () => {
  const { unavailable } = createMailer(testApp(database.db, { environment: "production" }))
  expect(unavailable).toBe("no SMTP server is configured (SMTP_URL)")
})

test("a sender without an address is an error of the configuration", () => {
  expect(() => createMailer(testApp(database.db, { mailFrom: "My Club" }))).toThrow(BadConfig)
})
