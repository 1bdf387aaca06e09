// One message for the bookings of a series that changed together, whatever the order in which events are handled.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { HandledEvent } from "#actors/handlers/handler.ts"
import { notifiedEvents } from "#outbound/messages/configs.ts"
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
let player: { id: string; token: string; email: string }
let friend: { id: string; email: string }
let admin: { id: string; token: string; email: string }

beforeAll(async () => {
  api = await testApi()
  facilityId = await api.facility()
  admin = await api.person("facility_admin", facilityId)
  player = await api.person("player", facilityId)
  friend = await api.person("player", facilityId)
  const body = { name: "Court 1", resourceType: "court", hourlyPrice: 2400 }
  court = (await api.call("POST", `/v1/facilities/${facilityId}/resources`, { body })).body.id
  receiver = await smtpReceiver()
  tools = testApp(api.database.db, { smtpUrl: receiver.url, publicUrl: "https://book.example" })
  office = await postOffice(tools)
})
afterAll(async () => {
  await tools.mail.close()
  await receiver.close()
  await api.database.drop()
})

/** The first Tuesday of a far month, so that no clock change is near. */
const tuesdays = "2031-06-03"
const post = (path: string, body: object, token = admin.token) =>
  api.call("POST", `/v1/facilities/${facilityId}${path}`, { body, token })
const series = async (more: object = {}): Promise<Answer> => {
  const answer = await post("/recurring-bookings", {
    resourceId: court,
    bookerId: player.id,
    participants: [{ userId: friend.id, role: "guest" }],
    paymentMethod: "offline",
    startDate: tuesdays,
    startTime: "18:00",
    durationMinutes: 60,
    rule: "FREQ=WEEKLY;COUNT=9",
    windowDays: 365,
    ...more,
  })
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body))
  return answer
}

/** Handles the events of an answer, in the given order, and answers the mails and what was skipped. */
async function told(answer: Answer, order: (events: HandledEvent[]) => HandledEvent[] = (events) => events) {
  const ids = (answer.headers.get("x-slotbase-event-ids") ?? "").split(",")
  const { db } = api.database
  const events = await db<HandledEvent[]>`select * from slotbase.events where id = any (${ids}) order by id`
  const before = receiver.mails.length
  const skipped: string[] = []
  for (const event of order(events.filter(({ type }) => notifiedEvents.includes(type as never)))) {
    const outcome = await office.tell(event)
    if (outcome) skipped.push(`${event.type}: ${outcome.skipped}`)
  }
  const keyOf = ({ recipients, subject }: SmtpReceiver["mails"][number]) => `${recipients[0]} ${subject}`
  const mails = receiver.mails.slice(before).sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
  return { mails, skipped: [...new Set(skipped)].sort(), ids: events.map(({ id }) => id) }
}

test("nine bookings are one mail to the booker and one to the participant, with their dates", async () => {
  const { mails, skipped } = await told(await series())
  expect(mails.map(({ recipients, subject }) => [recipients[0], subject])).toEqual(
    [player, friend].map(({ email }) => [
      email,
      "9 bookings: Court 1, Tuesdays, 18:00–19:00, from 3 June 2031 to 29 July 2031",
    ]),
  )
  expect(skipped).toEqual(["booking.confirmed: told in the message of its series"])
  expect(mails[0]?.text).toContain(
    "Dates: Tue, 3 June 2031 · Tue, 10 June 2031 · Tue, 17 June 2031".replaceAll("June", "Jun"),
  )
  expect(mails[0]?.text).toContain("Price: €216.00\nPayment: To be paid at the facility\n")
  expect(mails[1]?.text).not.toContain("Price")
})

test("in another order, and handled twice, it is the same", async () => {
  const answer = await series({ startTime: "08:00" })
  const first = await told(answer, (events) => events.reverse())
  expect(first.mails.map(({ recipients }) => recipients[0])).toEqual([player.email, friend.email])
  expect((await told(answer)).mails).toEqual([])
})

test("a series of one is told by its booking, and a later change of one booking by itself", async () => {
  const one = await told(await series({ startTime: "09:00", rule: "FREQ=WEEKLY;COUNT=1" }))
  expect(one.mails[0]?.subject).toBe("Booking confirmed: Court 1, Tue, 3 Jun 2031, 09:00")
  expect(one.skipped).toEqual(["recurring_booking.created: its one booking has a message of its own"])

  const { body } = await series({ startTime: "10:00" })
  const id = body.occurrences[2].bookingId
  const cancelled = await told(await post(`/bookings/${id}/cancel`, { cancellationReason: "Injured" }, player.token))
  expect(cancelled.mails.map(({ subject }) => subject)).toEqual(
    Array(2).fill("Booking cancelled: Court 1, Tue, 17 Jun 2031, 10:00"),
  )
})

test("a series that is cancelled is one mail, with the refund of all", async () => {
  const { body } = await series({ startTime: "11:00" })
  const cancel = { scope: "all", cancellationReason: "Moving away" }
  const { mails, skipped } = await told(await post(`/recurring-bookings/${body.id}/cancel`, cancel, player.token))
  expect(mails.map(({ recipients, subject }) => [recipients[0], subject])).toEqual(
    [player, friend].map(({ email }) => [
      email,
      "9 bookings cancelled: Court 1, Tuesdays, 11:00–12:00, from 3 June 2031 to 29 July 2031",
    ]),
  )
  expect(mails[0]?.text).toContain("You cancelled 9 bookings of your series. They do not take place.")
  expect(skipped).toEqual(["booking.cancelled: told in the message of its series"])
})

test("a series that is moved is one mail, with the new times", async () => {
  const { body } = await series({ startTime: "13:00" })
  const moved = await api.call("PATCH", `/v1/facilities/${facilityId}/recurring-bookings/${body.id}`, {
    body: { scope: "all", startTime: "14:00" },
    token: admin.token,
  })
  expect(moved.status).toBe(200)
  const { mails, skipped } = await told(moved)
  expect(mails.map(({ subject }) => subject)).toEqual(
    Array(2).fill("9 bookings moved: Court 1, Tuesdays, 14:00–15:00, from 3 June 2031 to 29 July 2031"),
  )
  expect(skipped).toEqual(["booking.rescheduled: told in the message of its series"])
})

test("of a series that waits for approval, staff hear once; what is approved later is told by itself", async () => {
  const policy = { approvalBookingTypes: ["tournament"] }
  const path = `/v1/facilities/${facilityId}/booking-policy`
  expect((await api.call("PUT", path, { body: policy })).status).toBe(200)
  const asked = await post(
    "/recurring-bookings",
    {
      resourceId: court,
      bookerId: player.id,
      bookingType: "tournament",
      paymentMethod: "online",
      startDate: tuesdays,
      startTime: "15:00",
      durationMinutes: 60,
      rule: "FREQ=WEEKLY;COUNT=3",
      windowDays: 365,
    },
    player.token,
  )
  expect(asked.status).toBe(201)
  const { mails, skipped } = await told(asked)
  expect(mails.map(({ recipients, subject }) => [recipients[0], subject])).toEqual([
    [admin.email, "A booking waits for approval: Court 1, Tue, 3 Jun 2031, 15:00"],
    [player.email, "3 bookings: Court 1, Tuesdays, 15:00–16:00, from 3 June 2031 to 17 June 2031"],
    [player.email, "Your booking waits for approval: Court 1, Tue, 3 Jun 2031, 15:00"],
  ])
  expect(mails[1]?.text).toContain("3 of them wait for approval by")
  expect(skipped).toEqual(["booking.approval.requested: told in the message of its series"])

  const id = asked.body.occurrences[1].bookingId
  const approved = await told(await post(`/bookings/${id}/approve`, {}))
  expect(approved.mails.map(({ subject }) => subject)).toContain("Approved: Court 1, Tue, 10 Jun 2031, 15:00")
})
