// A child's lesson, as its parent and its coach read it: on each of their channels, once, in words that fit the reader.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import type { HandledEvent } from "#actors/handlers/handler.ts"
import { type Answer, type TestApi, testApi } from "#test/harness/api/api.ts"
import { type PostOffice, postOffice } from "#test/harness/outbound/post-office.ts"
import { type SmtpReceiver, smtpReceiver } from "#test/harness/outside/smtp.ts"
import { testApp } from "#test/harness/setup/app.ts"

let api: TestApi
let receiver: SmtpReceiver
let tools: ReturnType<typeof testApp>
let office: PostOffice
let facilityId: string
let court: string
let mia: { id: string; token: string; email: string }
let coach: { id: string; token: string; email: string }
let ben: string
let hour = 0

beforeAll(async () => {
  api = await testApi()
  receiver = await smtpReceiver()
  tools = testApp(api.database.db, { smtpUrl: receiver.url, publicUrl: "https://book.example" })
  office = await postOffice(tools)
  facilityId = await api.facility()
  mia = await api.person("player", facilityId)
  coach = await api.person("coach", facilityId)
  await api.call("PATCH", "/v1/me", { token: mia.token, body: { firstName: "Mia" } })
  await api.call("PATCH", "/v1/me", { token: coach.token, body: { firstName: "Jonas", lastName: "Weber" } })
  ben = await aChild("Ben")
  const body = { name: "Court 1", resourceType: "court", hourlyPrice: 2400 }
  court = (await api.call("POST", `/v1/facilities/${facilityId}/resources`, { body })).body.id
})
afterAll(async () => {
  await tools.mail.close()
  await receiver.close()
  await api.database.drop()
})
beforeEach(() => {
  receiver.mails.length = 0
})

async function aChild(firstName: string): Promise<string> {
  const body = { firstName, lastName: "Keller", relationship: "mother", facilityId }
  return (await api.call("POST", `/v1/users/${mia.id}/children`, { body, token: mia.token })).body.childId
}

const post = (path: string, body: object, token?: string) =>
  api.call("POST", `/v1/facilities/${facilityId}${path}`, { body, ...(token && { token }) })
const span = () => {
  const start = Date.parse("2031-06-03T06:00:00Z") + ++hour * 3_600_000
  return { startAt: new Date(start).toISOString(), endAt: new Date(start + 3_600_000).toISOString() }
}
const lesson = (more: object = {}) =>
  post(
    "/coach-sessions",
    {
      ...span(),
      resourceId: court,
      sessionType: "private",
      students: [ben],
      bookerId: ben,
      paymentMethod: "offline",
      ...more,
    },
    coach.token,
  )

/** Tells people of the events of an answer; answers them. */
async function tell({ status, headers }: Answer): Promise<readonly HandledEvent[]> {
  expect(status).toBeLessThan(300)
  const ids = (headers.get("x-slotbase-event-ids") ?? "").split(",")
  const events = await api.database.db<
    HandledEvent[]
  >`select * from slotbase.events where id = any (${ids}) order by id`
  for (const event of events) await office.tell(event)
  return events
}
const mailTo = (email: string) => {
  const found = receiver.mails.filter(({ recipients }) => recipients[0] === email)
  expect(found).toHaveLength(1)
  return { subject: found[0]?.subject ?? "", text: found[0]?.text ?? "" }
}

test("the parent reads whose lesson it is and with whom, and the coach reads of it too", async () => {
  await tell(await lesson())
  const { subject, text } = mailTo(mia.email)
  expect(subject).toStartWith("Ben: Booking confirmed: Court 1, Tue, 3 Jun 2031, ")
  expect(text).toStartWith("Hello Mia, this is about Ben.\n\nCourt 1 at Riverside is booked for Ben.\n\nWhen: ")
  expect(text).toContain("\nType: Lesson\nCoach: Jonas Weber\nPlayers: Ben Keller\n")
  expect(text).not.toMatch(/\byour?\b/i)
  const told = mailTo(coach.email)
  expect(told.subject).toStartWith("Lesson booked: Court 1, ")
  expect(told.text).toStartWith("Hello Jonas,\n\nCourt 1 at Riverside is booked for your lesson.\n\nWhen: ")
  expect(told.text).toContain("\nType: Lesson\nBooked by: Ben Keller\nPlayers: Ben Keller\n")
  expect(told.text).not.toMatch(/24\.00|Price|Coach: /)
  const [, token = ""] = /booking-links\/([\w-]{64})/.exec(told.text) ?? []
  const page = await api.server.handle(new Request(`http://slotbase.test/booking-links/${token}`))
  const html = await page.text()
  expect([page.status, html.includes("Booked"), /24\.00|<button/.test(html)]).toEqual([200, true, false])
})

test("a lesson that is moved or cancelled is told to the coach, and to the parent in the third person", async () => {
  const { body } = await lesson()
  await tell(await post(`/bookings/${body.bookingId}/reschedule`, span()))
  expect(mailTo(mia.email).subject).toStartWith("Ben: Booking moved: ")
  expect(mailTo(mia.email).text).toContain("Coach: Jonas Weber")
  expect(mailTo(mia.email).text).toContain("If the new time does not suit Ben, ")
  expect(mailTo(coach.email).subject).toStartWith("Lesson moved: ")
  receiver.mails.length = 0
  await tell(await post(`/bookings/${body.bookingId}/cancel`, { cancellationReason: "Rain" }))
  expect(mailTo(mia.email).text).toContain("It does not take place, and nobody has to come.")
  expect(mailTo(coach.email).text).toContain("Reason: Rain")
})

test("the parent who moves a child's booking reads that they did it themself", async () => {
  const booked = await post("/bookings", { ...span(), resourceId: court, bookerId: ben, paymentMethod: "offline" })
  await tell(await post(`/bookings/${booked.body.id}/reschedule`, span(), mia.token))
  expect(mailTo(mia.email).text).toContain("\n\nYou moved this booking.\n\n")
  expect(mailTo(mia.email).text).not.toContain("does not suit")
})

test("a parent who booked for the child reads of it once", async () => {
  const [event] = await tell(await lesson({ bookerId: mia.id }))
  expect(mailTo(mia.email).subject).toStartWith("Booking confirmed: ")
  const rows = await api.database.db`
    select status, reason from slotbase.notifications
    where event_id = ${event?.id ?? ""} and user_id = ${ben} and channel = 'email'`
  expect([...rows]).toEqual([{ status: "skipped", reason: "told in the message of the parent" }])
})

test("a child's message is inside the program for the parent, one for each child", async () => {
  const ida = await aChild("Ida")
  const [event] = await tell(await lesson({ students: [ben, ida], bookerId: coach.id }))
  const { body } = await api.call("GET", "/v1/me/notifications", { token: mia.token })
  const of = body.data.filter(({ data }: { data: { eventId: string } }) => data.eventId === event?.id)
  expect(of.map(({ title, data }: Notice) => [title.split(":")[0], data.aboutUserId]).sort()).toEqual(
    [
      ["Ben", ben],
      ["Ida", ida],
    ].sort(),
  )
  await office.record(event as HandledEvent)
  const again = (await api.call("GET", "/v1/me/notifications", { token: mia.token })).body
  expect(again.data).toHaveLength(body.data.length)
})

interface Notice {
  readonly title: string
  readonly data: { readonly aboutUserId: string }
}

test("a text to the parent names the child and has a link, which opens for that number alone", async () => {
  const { db } = api.database
  await db`insert into slotbase.phones (user_id, number, verified_at) values (${mia.id}, '+4915112345678', slotbase.now())`
  const switches = [{ type: "*", channel: "sms", enabled: true }]
  await api.call("PUT", "/v1/me/message-preferences", { token: mia.token, body: { switches, quietHours: null } })
  await tell(await lesson())
  const [text] = await db`select recipient, body from slotbase.phone_inbox order by received_at desc, id desc limit 1`
  expect(text?.recipient).toBe("+4915112345678")
  expect(text?.body).toMatch(/^Ben: Court 1 at Riverside: .*\. https:\/\/book\.example\/booking-links\/[\w-]{64}$/)
  const token = String(text?.body).slice(-64)
  const open = () => api.server.handle(new Request(`http://slotbase.test/booking-links/${token}`))
  const page = await open()
  expect([page.status, (await page.text()).includes('value="ask"')]).toEqual([200, true])
  await db`update slotbase.phones set number = '+4915112345679' where user_id = ${mia.id}`
  expect((await open()).status).toBe(410)
  await db`delete from slotbase.phones where user_id = ${mia.id}`
})
