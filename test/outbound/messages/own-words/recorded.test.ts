// A facility's own words in the messages of its events, and what happens when they fail.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import type { OwnWords } from "#outbound/messages/own-words/limits.ts"
import { readTemplate } from "#outbound/messages/own-words/own-words.ts"
import { saveWords } from "#outbound/messages/own-words/rows.ts"
import { aFacility, aPerson, aResource, type FacilityRow, type PersonRow } from "#test/harness/club/factories.ts"
import { notifiedEvent } from "#test/harness/outbound/notified-event.ts"
import { type PostOffice, postOffice } from "#test/harness/outbound/post-office.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let office: PostOffice
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
  await database.db`update slotbase.users set language = 'de' where id = ${noah.id}`
  office = await postOffice(testApp(database.db))
})
afterAll(() => database.drop())
beforeEach(() => database.db`delete from slotbase.message_templates`.then(() => undefined))

const save = (words: OwnWords, language: "en" | "de" = "en", of = facility.id) =>
  database.db.begin((tx) =>
    saveWords(tx as never, { facilityId: of, templateId: "booking-confirmation", language }, words, mia.id),
  )
const confirmed = (of = facility, data: object = {}) =>
  notifiedEvent(of.id, "booking.confirmed", {
    facilityId: of.id,
    resourceId: court.id,
    bookerId: mia.id,
    paymentMethod: "offline",
    participants: [
      { userId: mia.id, name: "Mia Keller", role: "player" },
      { userId: noah.id, name: "Noah Brandt", role: "player" },
    ],
    ...data,
  })
const mailsOf = async (event: { id: string }) => {
  const rows = await database.db<{ user_id: string; title: string; body: string; words_fault: string | null }[]>`
    select user_id, title, body, words_fault from slotbase.notifications
    where event_id = ${event.id} and channel = 'email' order by user_id`
  return Object.fromEntries(rows.map(({ user_id, ...mail }) => [user_id === mia.id ? "mia" : "noah", mail]))
}
const told = async (event: ReturnType<typeof confirmed>) => {
  await office.record(event)
  return mailsOf(event)
}
const builtIn = "Booking confirmed: Court 1, Thu, 12 Mar 2026, 18:00"

test("each reader has the facility's words of the own language, and the built-in ones for the rest", async () => {
  await save({ subject: "Game on, {{ recipient.firstName }}!" })
  await save({ lead: "{{ data.bookerName }} spielt mit dir am {{ data.startAt | short_time: data.timezone }}." }, "de")
  const { mia: hers, noah: his } = await told(confirmed())
  expect(hers).toMatchObject({ title: "Game on, Mia!", words_fault: null })
  expect(hers?.body).toContain("\nCourt 1 at Parkside Tennis is yours.\n")
  expect(his?.title).toBe("Mia Keller hat für dich gebucht: Court 1, Do., 12. März 2026, 18:00 Uhr")
  expect(his?.body).toContain("\nMia Keller spielt mit dir am Do., 12. März 2026, 18:00 Uhr.\n")
})

test("the words of another facility are never used, also in one batch", async () => {
  const other = await aFacility(database.db)
  await save({ subject: "Theirs" }, "en", other.id)
  const [ours, theirs] = [confirmed(), confirmed(other, { resourceName: "Court 9" })]
  await office.record(ours, theirs)
  expect([(await mailsOf(ours)).mia?.title, (await mailsOf(theirs)).mia?.title]).toEqual([builtIn, "Theirs"])
})

test("words that fail at an event give way to the built-in ones, and staff see why", async () => {
  await save({ subject: "Series {{ data.recurringBookingId | short_id }}" })
  const event = confirmed(facility, { isRecurring: false, recurringBookingId: undefined })
  const { mia: hers, noah: his } = await told(event)
  expect([hers?.title, hers?.words_fault]).toEqual([
    builtIn,
    "subject, line 1, column 11: undefined variable: data.recurringBookingId.",
  ])
  expect(his?.words_fault).toBeNull()
  const { languages } = await readTemplate(database.db, facility.id, "booking-confirmation")
  expect(languages.map(({ lastFailure }) => lastFailure?.message ?? null)).toEqual([hers?.words_fault ?? "", null])
})

test("a runaway that reached the table by another way is not run", async () => {
  await save({ subject: "{% for i in (1..99999999) %}{{ i }}{% endfor %}" })
  const { mia: hers } = await told(confirmed())
  expect([hers?.title, hers?.words_fault]).toEqual([builtIn, 'subject, line 1, column 1: tag "for" not found.'])
})

test("a name with markup, lines or a link of the program adds nothing to a mail", async () => {
  await save({ lead: "For {{ data.bookerName }}" })
  const { mia: hers } = await told(confirmed(facility, { bookerName: "Mia\r\nBcc: a@b.c\r\n\r\n<script>" }))
  expect(hers?.body).toContain("\nFor Mia Bcc: a@b.c <script>\n")
  const [row] = await database.db<{ html: string }[]>`
    select html from slotbase.notifications where html like '%For Mia Bcc%' limit 1`
  expect(row?.html).toContain("For Mia Bcc: a@b.c &lt;script&gt;")
  const linked = await told(confirmed(facility, { bookerName: "https://booking.slotbase.invalid/" }))
  expect(linked.mia?.words_fault).toBe("lead, They make a place of the program's own links.")
})
