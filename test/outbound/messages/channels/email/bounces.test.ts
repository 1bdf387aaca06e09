// Bounces as mail servers write them: matched to their message by its id, and marked at the address to which it went.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { join } from "node:path"
import { NotDone } from "#base/bounded/run-bounded.ts"
import { newId } from "#base/ids.ts"
import { clearUndeliverable } from "#domain/people/undeliverable.ts"
import { noteBounce } from "#outbound/messages/channels/email/note-bounce.ts"
import { partsOfBounce, readBounce } from "#outbound/messages/channels/email/read-bounce.ts"
import { aFacility, aPerson, type FacilityRow, type PersonRow } from "#test/harness/club/factories.ts"
import { notifiedEvent } from "#test/harness/outbound/notified-event.ts"
import { type PostOffice, postOffice } from "#test/harness/outbound/post-office.ts"
import { type SmtpReceiver, smtpReceiver } from "#test/harness/outside/smtp.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { slotbaseInput } from "#test/harness/setup/command-line.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let receiver: SmtpReceiver
let tools: ReturnType<typeof testApp>
let office: PostOffice
let facility: FacilityRow
let mia: PersonRow

beforeAll(async () => {
  database = await testDatabase()
  receiver = await smtpReceiver()
  tools = testApp(database.db, { smtpUrl: receiver.url, mailFrom: "Parkside <mail@club.example>" })
  office = await postOffice(tools)
  facility = await aFacility(database.db)
})
beforeEach(async () => {
  mia = await aPerson(database.db)
  receiver.mails.length = 0
})
afterAll(async () => {
  await tools.mail.close()
  await receiver.close()
  await database.drop()
})

test("a mail that bounced for good reads so, and nothing more is mailed to its address until staff clear it", async () => {
  const id = await sent()
  expect(await noteBounce(database.db, bounce({ messageId: `<${id}@club.example>` }))).toBe("bounced")
  expect(await messageOf(id)).toEqual({ status: "bounced", reason: "5.1.1 550 5.1.1 No such user here", bounced: true })
  expect(await sent()).toBe("skipped: the address takes no mail: 5.1.1 550 5.1.1 No such user here")
  expect(receiver.mails).toHaveLength(1)
  // The same report again changes nothing.
  expect(await noteBounce(database.db, bounce({ messageId: `<${id}@club.example>` }))).toBe("bounced")

  expect(await clearUndeliverable(database.db, mia.email.toUpperCase())).toBe(true)
  await sent()
  expect(receiver.mails).toHaveLength(2)
})

test("mail goes to a person who has given another address", async () => {
  const id = await sent()
  await noteBounce(database.db, bounce({ messageId: `<${id}@club.example>` }))
  await database.db`update slotbase.users set email = ${`new-${mia.email}`} where id = ${mia.id}`
  await sent()
  expect(receiver.mails.map((mail) => mail.recipients[0])).toEqual([mia.email, `new-${mia.email}`])
})

test("a delay is noted, and the message may still arrive", async () => {
  const id = await sent()
  const delay = bounce({ messageId: `<${id}@club.example>`, action: "delayed", status: "4.4.1", answer: "timed out" })
  expect(await noteBounce(database.db, delay)).toBe("delayed")
  expect(await messageOf(id)).toEqual({ status: "sent", reason: "4.4.1 timed out", bounced: false })
  expect(await dead()).toBe(false)
})

test("a full mailbox, a refused content and an answer about the sender bounce the message, and mark no address", async () => {
  for (const [status, answer] of [
    ["5.2.2", "552 5.2.2 Mailbox full"],
    ["5.6.0", "554 5.6.0 Content refused"],
    ["5.7.1", "550 5.7.1 Not you"],
    ["4.4.7", "delivery expired"],
  ] as const) {
    const id = await sent()
    expect(await noteBounce(database.db, bounce({ messageId: `<${id}@club.example>`, status, answer }))).toBe("bounced")
    expect(await messageOf(id)).toMatchObject({ status: "bounced" })
    expect([status, await dead()]).toEqual([status, false])
  }
})

test("a report names its message by the envelope's id too, and by the head that it returns", async () => {
  const id = await sent()
  expect(await noteBounce(database.db, bounce({ envelopeId: id, returned: false }))).toBe("bounced")
})

test("a report about an unknown message changes nothing, and neither does a mail that is no report", async () => {
  expect(await noteBounce(database.db, bounce({ messageId: `<${newId()}@club.example>` }))).toBe("unknown_message")
  expect(await noteBounce(database.db, bounce({ messageId: "<' or true --@club.example>" }))).toBe("unknown_message")
  expect(await noteBounce(database.db, "Subject: Hello\r\n\r\nI am away.\r\n")).toBe("no_report")
  expect(await noteBounce(database.db, "\u0000\u0000")).toBe("no_report")
})

test("the report names another address: the one to which the message went is marked", async () => {
  const id = await sent()
  await noteBounce(database.db, bounce({ messageId: `<${id}@club.example>`, recipient: "victim@example.com" }))
  const rows = await database.db`select address from slotbase.undeliverable_addresses where message_id = ${id}`
  expect(rows.map(({ address }) => address)).toEqual([mia.email])
})

test("a report that a crowded machine had no time to read is tried again, and is not taken for another mail", async () => {
  const endless = join(import.meta.dir, "../../../../base/bounded/tasks/loop.ts")
  const late = readBounce("From: x\r\n\r\n", { ...partsOfBounce, module: endless, timeMs: 50 })
  expect(await late.catch((error: unknown) => error)).toEqual(new NotDone("time"))
})

test("a report that ends the process of its reader is none, and is not tried again", async () => {
  const module = join(import.meta.dir, "no-such-task.ts")
  expect(await readBounce("From: x\r\n\r\n", { ...partsOfBounce, module })).toEqual({
    ...{ isReport: false, messageIds: [], recipients: [] },
  })
})

// Each start of the program takes a second of CPU. Three in one test took more than its 30 s on a crowded machine.
test("slotbase mail bounce takes a report from standard input, and its exit code says that it was taken", async () => {
  const id = await sent()
  const told = await slotbaseInput(database.url, bounce({ messageId: `<${id}@club.example>` }), "mail", "bounce")
  expect(told).toEqual({ code: 0, output: expect.stringContaining("The message is marked as bounced.\n") })
})

test("the exit code of what is no report keeps the mail server from trying again", async () => {
  const other = await slotbaseInput(database.url, "Subject: Hello\n\nHello\n", "mail", "bounce")
  expect(other).toMatchObject({ code: 65, output: expect.stringContaining("Nothing was changed.\n") })
})

test("the exit code asks the mail server to try again when the database is away", async () => {
  const away = await slotbaseInput("postgres://nobody@127.0.0.1:1/none", "Subject: Hello\n\nHello\n", "mail", "bounce")
  expect(away.code).toBe(75)
})

/** Mails the booker; answers the id of the message, or why it was skipped. */
async function sent(): Promise<string> {
  const event = notifiedEvent(facility.id, "booking.confirmed", {
    bookingId: newId(),
    bookerId: mia.id,
    participants: [],
  })
  await office.tell(event)
  const [row] = await database.db`
    select id, status, reason from slotbase.notifications where event_id = ${event.id} and channel = 'email'`
  return row?.status === "sent" ? row.id : `${row?.status}: ${row?.reason}`
}

async function messageOf(id: string) {
  const [row] = await database.db`
    select status, reason, bounced_at is not null as bounced from slotbase.notifications where id = ${id}`
  return { ...row }
}

async function dead(): Promise<boolean> {
  const [row] = await database.db<[{ dead: boolean }]>`
    select exists (select from slotbase.undeliverable_addresses where address = ${mia.email}) as dead`
  return row.dead
}

interface Bounce {
  readonly messageId?: string
  readonly envelopeId?: string
  readonly action?: string
  readonly status?: string
  readonly answer?: string
  readonly recipient?: string
  readonly returned?: boolean
}

/** As Postfix writes it. */
function bounce(given: Bounce): string {
  const { messageId = "", envelopeId, action = "failed", status = "5.1.1", returned = true } = given
  const { answer = "550 5.1.1 No such user here", recipient = "mia@example.com" } = given
  return `From: MAILER-DAEMON@mx.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: mail@club.example
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
	boundary="4Xb1.1790000000/mx.example"

--4Xb1.1790000000/mx.example
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.example.

--4Xb1.1790000000/mx.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
${envelopeId === undefined ? "" : `Original-Envelope-Id: ${envelopeId}\n`}X-Postfix-Queue-ID: 4Xb1
Arrival-Date: Mon,  9 Mar 2026 17:20:31 +0100 (CET)

Final-Recipient: rfc822; ${recipient}
Original-Recipient: rfc822;${recipient}
Action: ${action}
Status: ${status}
Remote-MTA: dns; mail.example.com
Diagnostic-Code: smtp;
    ${answer}

--4Xb1.1790000000/mx.example
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

From: Parkside <mail@club.example>
Subject: Booking confirmed
${returned ? `Message-ID: ${messageId}\n` : ""}
--4Xb1.1790000000/mx.example--
`.replaceAll("\n", "\r\n")
}
