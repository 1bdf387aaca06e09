// The mails of a child without an address: the parent who reads them is greeted, and told whom they are for.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { HandledEvent } from "#actors/handlers/handler.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { type PostOffice, postOffice } from "#test/harness/outbound/post-office.ts"
import { type SmtpReceiver, smtpReceiver } from "#test/harness/outside/smtp.ts"
import { testApp } from "#test/harness/setup/app.ts"

let api: TestApi
let receiver: SmtpReceiver
let tools: ReturnType<typeof testApp>
let office: PostOffice

beforeAll(async () => {
  api = await testApi()
  receiver = await smtpReceiver()
  tools = testApp(api.database.db, { smtpUrl: receiver.url })
  office = await postOffice(tools)
})
afterAll(async () => {
  await tools.mail.close()
  await receiver.close()
  await api.database.drop()
})

test("a child's booking is told to the parent, by name, with its kind", async () => {
  const facilityId = await api.facility()
  const mia = await api.person("player", facilityId)
  await api.call("PATCH", "/v1/me", { token: mia.token, body: { firstName: "Mia", language: "de" } })
  const child = await api.call("POST", `/v1/users/${mia.id}/children`, {
    body: { firstName: "Ben", lastName: "Keller", relationship: "mother", facilityId },
    token: mia.token,
  })
  const court = await api.call("POST", `/v1/facilities/${facilityId}/resources`, {
    body: { name: "Court 1", resourceType: "court", hourlyPrice: 2400 },
  })
  const booked = await api.call("POST", `/v1/facilities/${facilityId}/bookings`, {
    body: {
      ...{
        resourceId: court.body.id,
        bookerId: child.body.childId,
        bookingType: "tournament",
        paymentMethod: "waived",
      },
      ...{ startAt: "2031-06-03T08:00:00Z", endAt: "2031-06-03T09:00:00Z" },
    },
  })
  expect(booked.status).toBe(201)
  const [event] = await api.database.db<HandledEvent[]>`
    select * from slotbase.events where aggregate_id = ${booked.body.id} and type = 'booking.confirmed'`
  if (event) await office.tell(event)
  expect(receiver.mails.map(({ recipients }) => recipients)).toEqual([[mia.email]])
  const text = receiver.mails[0]?.text ?? ""
  expect(text).toStartWith("Hallo Mia, es geht um Ben.\n\nCourt 1 bei Riverside ist für Ben gebucht.\n")
  expect(text).toContain("\nArt: Turnier\n")
})
