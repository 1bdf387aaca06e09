// Calendar invitations, as two readers of other people read them, and as they arrive with a mail.

import { expect, test } from "bun:test"
import ICAL from "ical.js"
import { parseICS } from "node-ical"
import { definitionOf } from "#events/catalogue.ts"
import { finishedInvitation, invitationOf } from "#outbound/messages/invitation.ts"

const place = { facility: { name: `Tennis „Am See“; Platz, \\ & "Halle"` }, resource: "Münchner Straße Court 1" }
const summary = `Court 1 bei Tennis: Donnerstag, 12. März 2026, 18:00–19:00 Uhr.\r\nBEGIN:VALARM ${"🎾".repeat(30)}`
const eventOf = (type: string, data: object = {}, at = "2026-03-09T16:20:30.125Z") => ({
  type,
  occurred_at: new Date(at),
  data: { ...(definitionOf(type)?.sample as object), ...data },
})
const finished = (event: ReturnType<typeof eventOf>) =>
  finishedInvitation(invitationOf(event, place, summary) ?? "", { from: "mail@club.example", to: "mia@example.com" })

test("an invitation, line by line", () => {
  const plain = { facility: { name: "Parkside Tennis" }, resource: "Court 1" }
  const text = invitationOf(eventOf("booking.confirmed"), plain, "Court 1 at Parkside Tennis.") ?? ""
  expect(finishedInvitation(text, { from: "mail@club.example", to: "mia@example.com" }).split("\r\n")).toEqual([
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//SlotBase//SlotBase//EN",
    "METHOD:REQUEST",
    "BEGIN:VEVENT",
    "UID:01994a3e-7c00-7a10-8f3e-1c5d0a9b2e10",
    "SEQUENCE:73073230",
    "DTSTAMP:20260309T162030Z",
    "DTSTART:20260312T170000Z",
    "DTEND:20260312T180000Z",
    "SUMMARY:Court 1\\, Parkside Tennis",
    "LOCATION:Court 1\\, Parkside Tennis",
    "DESCRIPTION:Court 1 at Parkside Tennis.",
    "STATUS:CONFIRMED",
    "TRANSP:OPAQUE",
    'ORGANIZER;CN="Parkside Tennis":mailto:mail@club.example',
    "ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;RSVP=FALSE:mailto:mia@examp",
    " le.com",
    "END:VEVENT",
    "END:VCALENDAR",
    "",
  ])
})

test("ical.js and node-ical read the same time and words, whatever signs the names have", () => {
  const text = finished(eventOf("booking.confirmed"))
  const whole = new ICAL.Component(ICAL.parse(text))
  const event = new ICAL.Event(whole.getFirstSubcomponent("vevent") as ICAL.Component)
  const where = `Münchner Straße Court 1, Tennis „Am See“; Platz, \\ & "Halle"`
  expect([whole.getFirstPropertyValue("method"), event.uid, event.summary, event.location]).toEqual([
    "REQUEST",
    "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e10",
    where,
    where,
  ])
  expect([event.startDate.toJSDate().toISOString(), event.endDate.toJSDate().toISOString()]).toEqual([
    "2026-03-12T17:00:00.000Z",
    "2026-03-12T18:00:00.000Z",
  ])
  expect(event.organizer).toBe("mailto:mail@club.example")
  expect(event.description).toEndWith("🎾".repeat(30))
  expect(whole.getAllSubcomponents("valarm")).toEqual([])

  const [read] = Object.values(parseICS(text)).filter((each) => each?.type === "VEVENT")
  if (read?.type !== "VEVENT") throw new Error("no event")
  expect([read.uid, read.summary, read.start.toISOString(), read.end?.toISOString(), read.status]).toEqual([
    "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e10",
    where,
    "2026-03-12T17:00:00.000Z",
    "2026-03-12T18:00:00.000Z",
    "CONFIRMED",
  ])
})

test("no line has more than 75 bytes, and none ends inside a character", () => {
  for (const line of finished(eventOf("booking.confirmed")).split("\r\n")) {
    expect(Buffer.byteLength(line)).toBeLessThanOrEqual(75)
    expect(line.isWellFormed()).toBe(true)
  }
})

test("a move and a cancellation change the same entry, each with a higher sequence", () => {
  const texts = [
    finished(eventOf("booking.confirmed")),
    finished(eventOf("booking.rescheduled", {}, "2026-03-09T16:20:31.125Z")),
    finished(eventOf("booking.cancelled", {}, "2026-03-10T08:00:00.000Z")),
  ]
  const read = texts.map((text) => {
    const whole = new ICAL.Component(ICAL.parse(text))
    const event = new ICAL.Event(whole.getFirstSubcomponent("vevent") as ICAL.Component)
    return [whole.getFirstPropertyValue("method"), event.uid, event.sequence] as const
  })
  expect(read.map(([method]) => method)).toEqual(["REQUEST", "REQUEST", "CANCEL"])
  expect(new Set(read.map(([, uid]) => uid)).size).toBe(1)
  expect(read.map(([, , sequence]) => sequence)).toEqual([73_073_230, 73_073_231, 73_129_600])
  expect(texts[2]).toContain("STATUS:CANCELLED")
})

test("what is no appointment has no invitation", () => {
  expect(invitationOf(eventOf("booking.rescheduled", { status: "pending" }), place, summary)).toBeNull()
  expect(invitationOf(eventOf("waitlist.offered"), place, summary)).toBeNull()
  expect(invitationOf(eventOf("recurring_booking.created"), place, summary)).toBeNull()
})
