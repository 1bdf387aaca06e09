// The actors of a process have connections of their own: neither they nor the requests wait for the other.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test"
import { type Actors, startActors } from "#actors/index.ts"
import { connect } from "#base/database/db.ts"
import { aBookingClub, type BookingClub, offline, online } from "#test/harness/club/booking-club.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let club: BookingClub
let actors: Actors

beforeAll(async () => {
  club = await aBookingClub()
})
afterAll(() => club.api.database.drop())
beforeEach(async () => {
  const { url } = club.api.database
  const ofRequests = connect(url, { max: 1, applicationName: "slotbase test" })
  await ofRequests.end()
  actors = await startActors(testApp(ofRequests), { url, version: "test", report: () => {} })
})
afterEach(() => actors.stop())

test("a mail reaches the local mailbox although the requests have no connection", async () => {
  expect((await club.post(undefined, "/bookings", offline(club, 10))).status).toBe(201)
  await eventually(async () => {
    const mails = await club.api.database.db`select subject from slotbase.mailbox`
    expect(mails.map(({ subject }) => subject.split(":")[0])).toEqual(["Booking confirmed"])
  })
})

test("the built-in payment provider refunds although the requests have no connection", async () => {
  const { body: hold } = await club.post(club.player, "/holds", online(club, 12, { paymentMethod: undefined }))
  const card = { referenceType: "booking", referenceId: hold.id, cardToken: "tok_visa" }
  expect((await club.post(club.player, "/payments", card)).body.status).toBe("succeeded")
  const booking = `/bookings/${hold.id}`
  await eventually(async () => expect((await club.get(undefined, booking)).body.status).toBe("confirmed"))
  expect((await club.post(undefined, `${booking}/cancel`, { cancellationReason: "Rain" })).status).toBe(200)
  await eventually(async () => {
    const refunds = await club.api.database.db`select status from slotbase.refunds`
    expect(refunds.map(({ status }) => status)).toEqual(["succeeded"])
  })
})
