// NotificationHandler and the sender against a real SMTP server: recipients, the sends of a repeated or broken run, and
// the records.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test"
import { GiveUp, type HandledEvent } from "#actors/handlers/handler.ts"
import { newId } from "#base/ids.ts"
import type { EventType } from "#events/catalogue.ts"
import {
  aChildLink,
  aFacility,
  aPerson,
  aResource,
  aRole,
  type FacilityRow,
  type PersonRow,
} from "#test/harness/club/factories.ts"
import { notifiedEvent } from "#test/harness/outbound/notified-event.ts"
import { type PostOffice, postOffice } from "#test/harness/outbound/post-office.ts"
import { type SmtpReceiver, smtpReceiver } from "#test/harness/outside/smtp.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let receiver: SmtpReceiver
let office: PostOffice
let tools: ReturnType<typeof testApp>
let facility: FacilityRow
let court: { id: string; name: string }
let mia: PersonRow
let noah: PersonRow

beforeAll(async () => {
  database = await testDatabase()
  facility = await aFacility(database.db)
  court = await aResource(database.db, facility.id)
  mia = await aPerson(database.db)
  noah = await aPerson(database.db, { firstName: "Noah", lastName: "Brandt" })
})
afterAll(() => database.drop())
beforeEach(async () => {
  receiver = await smtpReceiver()
  tools = testApp(database.db, { smtpUrl: receiver.url, mailFrom: "Parkside <mail@club.example>" })
  office = await postOffice(tools)
})
afterEach(async () => {
  await tools.mail.close()
  await receiver.close()
  await database.db`update slotbase.mail_service set failures = 0, failing_since = null, held_until = null, probing_until = null, suspect = null`
  await database.db`delete from slotbase.message_queue`
  await database.db`delete from slotbase.undeliverable_addresses`
})

test("a confirmed booking is mailed to the booker and to each other participant, once", async () => {
  const event = confirmed()
  expect(await run(event)).toBeUndefined()

  expect(mailsBySubject()).toEqual({
    "Booking confirmed: Court 1, Thu, 12 Mar 2026, 18:00": [mia.email],
    "Mia Keller booked for you: Court 1, Thu, 12 Mar 2026, 18:00": [noah.email],
  })
  const toMia = receiver.mails.find((mail) => mail.recipients[0] === mia.email)
  expect(toMia?.text).toBe(`Hello Mia,

Court 1 at Parkside Tennis is yours.

When: Thursday, 12 March 2026, 18:00–19:00
Where: Court 1, Parkside Tennis
Players: Mia Keller, Noah Brandt
Price: €24.00
Payment: To be paid at the facility
Reference: ${(event.data as { bookingId: string }).bookingId.slice(-6).toUpperCase()}

See or cancel the booking: ${toMia?.text?.match(/http\S+/)?.[0]}

Please pay €24.00 at the front desk before you play. If your plans change, please cancel early, so that somebody else can play.

--${" "}
Parkside Tennis · sent with SlotBase
`)
  const rows = await recorded(event)
  expect(rows).toEqual([
    {
      user_id: mia.id,
      channel: "email",
      status: "sent",
      reason: null,
      attempts: 1,
      unknown_outcomes: 0,
      priority: "high",
    },
    {
      user_id: mia.id,
      channel: "push",
      status: "skipped",
      reason: "no browser subscribed",
      attempts: 0,
      unknown_outcomes: 0,
      priority: "high",
    },
    {
      user_id: noah.id,
      channel: "email",
      status: "sent",
      reason: null,
      attempts: 1,
      unknown_outcomes: 0,
      priority: "high",
    },
  ])
})

test("the Message-ID is made of the notification's id", async () => {
  const event = confirmed({ participants: [] })
  await run(event)
  const [row] = await database.db`
    select id from slotbase.notifications where event_id = ${event.id} and channel = 'email'`
  expect(receiver.mails.map((mail) => mail.messageId)).toEqual([`<${row?.id}@club.example>`])
})

test("the same event handled again, or twice at once, makes no further message", async () => {
  const event = confirmed()
  await run(event)
  await run(event)
  await run(event)
  expect(receiver.mails).toHaveLength(2)

  const raced = confirmed()
  const other = await postOffice(tools)
  await Promise.allSettled([run(raced), run(raced, other)])
  expect((await recorded(raced)).map((row) => row.status)).toEqual(["sent", "skipped", "sent"])
  expect(new Set(receiver.mails.map((mail) => mail.messageId)).size).toBe(4)
})

test("a recipient that the server refuses for good is skipped with the server's words, and the others get their mail", async () => {
  receiver.refuse = (address) => (address === mia.email ? [550, "5.1.1 No such user here"] : undefined)
  const event = confirmed()
  expect(await run(event)).toBeUndefined()
  expect(receiver.mails.map((mail) => mail.recipients)).toEqual([[noah.email]])
  expect((await recorded(event))[0]).toMatchObject({ status: "refused", reason: "550 5.1.1 No such user here" })
})

test("after a temporary refusal only the missing mails are sent again", async () => {
  receiver.refuse = (address) => (address === mia.email ? [451, "4.7.1 Greylisted"] : undefined)
  const event = confirmed()
  expect(await run(event)).toBeUndefined()
  expect((await recorded(event)).map(({ status, reason }) => [status, reason])).toEqual([
    ["deferred", "451 4.7.1 Greylisted"],
    ["skipped", "no browser subscribed"],
    ["sent", null],
  ])

  receiver.refuse = () => undefined
  await later("2 seconds")
  await office.send()
  expect(receiver.mails.map((mail) => mail.recipients[0])).toEqual([noah.email, mia.email])
  expect((await recorded(event))[0]).toMatchObject({ status: "sent", reason: null, attempts: 2 })
})

test("while the mail server is down nothing is lost", async () => {
  const gone = await smtpReceiver()
  await gone.close()
  const offline = testApp(database.db, { smtpUrl: gone.url })
  const event = confirmed()
  await run(event, await postOffice(offline))
  await offline.mail.close()
  expect(await statuses(event)).toEqual(["deferred 1 0", "skipped 0 0", "deferred 1 0"])
  expect((await recorded(event))[0]?.reason).toContain("ECONNREFUSED")
  for (let nth = 0; nth < 3; nth++) {
    await later("1 minute")
    await office.send()
  }
  expect(receiver.mails).toHaveLength(2)
})

test("parents get the mail about feedback at the addresses of the event's parents", async () => {
  const event = eventOf("feedback.published", { parentIds: [mia.id, noah.id], studentName: "Ida", coachName: "Jonas" })
  await run(event)
  expect(receiver.mails.map((mail) => mail.recipients[0]).sort()).toEqual([mia.email, noah.email].sort())
  expect(receiver.mails[0]?.subject).toBe("Jonas shared feedback on Ida's session")
})

test("a limit warning goes to the owners and admins of that facility, and to no key, staff or other facility", async () => {
  const club = await aFacility(database.db)
  const other = await aFacility(database.db)
  const [owner, both, staff, stranger] = [
    await aPerson(database.db),
    await aPerson(database.db),
    await aPerson(database.db),
    await aPerson(database.db),
  ]
  await aRole(database.db, owner.id, "facility_owner", club.id)
  await aRole(database.db, both.id, "facility_owner", club.id)
  await aRole(database.db, both.id, "facility_admin", club.id)
  await aRole(database.db, staff.id, "staff", club.id)
  await aRole(database.db, stranger.id, "facility_owner", other.id)
  await aRole(database.db, await aKey(), "facility_admin", club.id)
  await run({ ...eventOf("subscription.limit_warning", { facilityId: club.id }), facility_id: club.id })
  expect(receiver.mails.map((mail) => mail.recipients[0]).sort()).toEqual([owner.email, both.email].sort())
})

test("a cancelled booking is mailed to the participants that the booking names", async () => {
  const bookingId = newId()
  await database.db`
    insert into slotbase.bookings (id, facility_id, resource_id, status, booker_id, start_at, end_at, price_amount, price_currency, created_by)
    values (${bookingId}, ${facility.id}, ${court.id}, 'confirmed', ${mia.id}, '2026-03-12T17:00Z', '2026-03-12T18:00Z', 2400, 'EUR', ${mia.id})`
  for (const person of [mia, noah])
    await database.db`
      insert into slotbase.booking_participants (booking_id, facility_id, user_id, role)
      values (${bookingId}, ${facility.id}, ${person.id}, 'player')`
  await run(eventOf("booking.cancelled", { bookingId, bookerId: mia.id, resourceId: court.id, cancelledBy: mia.id }))
  expect(receiver.mails.map((mail) => mail.recipients[0]).sort()).toEqual([mia.email, noah.email].sort())
  const toMia = receiver.mails.find((mail) => mail.recipients[0] === mia.email)
  expect(toMia?.text).toContain("You cancelled this booking.")
  expect(toMia?.text).toContain("Refund: €24.00\n")

  await run(eventOf("booking.no_show", { bookingId, userId: mia.id }))
  expect(receiver.mails.at(-1)?.text).toContain("Where: Court 1, Parkside Tennis")
})

test("a payment's receipt goes to the payer", async () => {
  await run(eventOf("payment.succeeded", { payerId: noah.id, amount: 1999, currency: "GBP" }))
  expect(mailsBySubject()).toEqual({ "Payment received: £19.99 to Parkside Tennis": [noah.email] })
})

test("a request for approval is mailed to the booker and to its approvers, each with a text of its own", async () => {
  const club = await aFacility(database.db)
  const owner = await aPerson(database.db)
  await aRole(database.db, owner.id, "facility_owner", club.id)
  const event = eventOf("booking.approval.requested", { facilityId: club.id, bookerId: mia.id })
  await run({ ...event, facility_id: club.id })
  expect(mailsBySubject()).toEqual({
    "Your booking waits for approval: Court 1, Thu, 12 Mar 2026, 18:00": [mia.email],
    "A booking waits for approval: Court 1, Thu, 12 Mar 2026, 18:00": [owner.email],
  })
})

test("a coach gets the decision about a block; a block that needs no approval is mailed to no approver", async () => {
  const none = await run(eventOf("coach.block.requested", { requiresApproval: false }))
  expect(none).toEqual({ skipped: "it needs no approval" })
  await run(eventOf("coach.block.rejected", { coachId: noah.id, rejectionReason: "League day" }))
  expect(mailsBySubject()).toEqual({ "Block rejected: Parkside Tennis": [noah.email] })
  expect(receiver.mails[0]?.text).toContain("Reason: League day")
})

test("a child without an address of its own is reached at its parent's", async () => {
  const child = newId()
  await database.db`
    insert into slotbase.users (id, first_name, last_name, managed_by) values (${child}, 'Ida', 'Keller', ${mia.id})`
  await aChildLink(database.db, { parent: mia.id, child, permissions: ["book"] })
  await run(eventOf("waitlist.offered", { bookerId: child, resourceId: court.id }))
  expect(mailsBySubject()).toEqual({ "Ida: A slot is free: Court 1, Thu, 12 Mar 2026, 18:00": [mia.email] })
  expect(receiver.mails[0]?.text).toStartWith("Hello Mia, this is about Ida.\n")
})

test("a run without a reachable recipient is skipped with the reason", async () => {
  const key = await aKey()
  const event = confirmed({ bookerId: key, participants: [{ userId: newId(), name: "Gone", role: "guest" }] })
  expect(await run(event)).toEqual({ skipped: "no browser subscribed; no email address; no such user" })
  expect(await run(eventOf("feedback.published", { parentIds: [] }))).toEqual({ skipped: "nobody to notify" })
})

test("in production without a mail server every message is skipped with that reason", async () => {
  const production = await postOffice(testApp(database.db, { environment: "production" }))
  expect(await run(confirmed({ participants: [] }), production)).toEqual({
    skipped: "no SMTP server is configured (SMTP_URL); no browser subscribed",
  })
})

test("hostile names reach the mail as text: no header, no line, no markup", async () => {
  const hostile = await aPerson(database.db, {
    firstName: "<img src=x onerror=alert(1)>",
    lastName: "\r\nBcc: victim@example.com\r\n\r\nX",
  })
  await run(confirmed({ bookerId: hostile.id, resourceName: "Court\r\nBcc: victim@example.com", participants: [] }))
  const [mail] = receiver.mails
  expect(mail?.recipients).toEqual([hostile.email])
  expect(mail?.headers.has("bcc")).toBe(false)
  expect(mail?.subject).toBe("Booking confirmed: Court Bcc: victim@example.com, Thu, 12 Mar 2026, 18:00")
  expect(mail?.text).toStartWith("Hello <img src=x onerror=alert(1)>,\n\n")
  expect(mail?.html).toContain("Hello &lt;img src=x onerror=alert(1)&gt;,")
  expect(mail?.html).not.toContain("<img")
})

test("an event that cannot fill its template is given up at once, and nothing is recorded", async () => {
  const event = confirmed({ timezone: "Europe/Atlantis" })
  await expect(run(event)).rejects.toBeInstanceOf(GiveUp)
  expect(await recorded(event)).toEqual([])
})

const later = (by: string) => database.db`select slotbase.move_clock(${by}::text::interval)`

const run = (event: HandledEvent, by = office) => by.tell(event)

const confirmed = (data: object = {}) =>
  eventOf("booking.confirmed", {
    bookingId: newId(),
    bookerId: mia.id,
    participants: [
      { userId: mia.id, name: "Mia Keller", role: "player" },
      { userId: noah.id, name: "Noah Brandt", role: "guest" },
    ],
    paymentMethod: "offline",
    ...data,
  })

const eventOf = (type: EventType, data: object) => notifiedEvent(facility.id, type, data)

async function aKey(): Promise<string> {
  const id = newId()
  await database.db`
    insert into slotbase.users (id, kind, first_name, last_name) values (${id}, 'api_key', 'Front', 'Desk')`
  return id
}

async function recorded(event: HandledEvent) {
  return [
    ...(await database.db`
      select user_id, channel, status, reason, attempts, unknown_outcomes, priority
      from slotbase.notifications
      where event_id = ${event.id}
      order by user_id, channel`),
  ]
}

const statuses = async (event: HandledEvent) =>
  (await recorded(event)).map((row) => `${row.status} ${row.attempts} ${row.unknown_outcomes}`)

function mailsBySubject(): Record<string, string[]> {
  return Object.fromEntries(receiver.mails.map((mail) => [mail.subject, mail.recipients]))
}

test("the mail of a booking brings its invitation, addressed to each reader; a receipt brings none", async () => {
  await run(confirmed())
  const invited = receiver.mails.map(({ recipients, attachments }) => [
    recipients[0],
    /METHOD:(\w+)/.exec(String(attachments[0]?.content ?? ""))?.[1],
    /ATTENDEE[^:]*:mailto:(.*)/.exec(String(attachments[0]?.content ?? "").replaceAll("\r\n ", ""))?.[1],
    /ORGANIZER[^:]*:mailto:(.*)/.exec(String(attachments[0]?.content ?? ""))?.[1],
  ])
  expect(invited.sort()).toEqual(
    [mia, noah].map(({ email }) => [email, "REQUEST", email, "mail@club.example"]).sort() as typeof invited,
  )
  receiver.mails.length = 0
  await run(eventOf("payment.succeeded", { payerId: noah.id, amount: 1999, currency: "GBP" }))
  expect(receiver.mails[0]?.attachments).toEqual([])
})
