// The reports over HTTP, of a day that real commands made. They agree with the figures of the day.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { analyticsHandler } from "#actors/handlers/analytics.ts"
import type { HandledEvent } from "#actors/handlers/handler.ts"
import { dailyReports } from "#actors/jobs/daily-reports.ts"
import { aBookingClub, type BookingClub } from "#test/harness/club/booking-club.ts"
import { atMinuteOf } from "#test/harness/club/bookings.ts"
import { atHour, dayOf } from "#test/harness/club/hours.ts"

let club: BookingClub
const db = () => club.api.database.db
const day = dayOf(9)
const next = dayOf(33)

const makeReportOn = (localDate: string) =>
  dailyReports(club.api.app).run(
    { facilityId: club.id, timezone: "UTC", dueAt: new Date(`${localDate}T06:00:00Z`), localDate },
    new AbortController().signal,
  )

beforeAll(async () => {
  club = await aBookingClub()
  const [came, missed, cancelled] = [
    await club.book(club.court, 9),
    await club.book(club.otherCourt, 10),
    await club.book(club.court, 11),
  ]
  await club.book(club.court, 34)
  await club.cancel(cancelled.id)
  await atMinuteOf(db(), 9, 5, async () => {
    expect((await club.post(club.staff, `/bookings/${came.id}/check-in`)).status).toBe(200)
    expect((await club.pay(came.id, 2_400)).status).toBe(201)
  })
  await atMinuteOf(db(), 10, 30, async () => {
    expect((await club.post(club.staff, `/bookings/${missed.id}/no-show`)).status).toBe(200)
  })
  const closed = { reason: "New surface", resourceIds: [club.otherCourt], ...atHour(40) }
  expect((await club.post(club.admin, "/closures", closed)).status).toBe(201)
  const handler = analyticsHandler()
  const events = await db()<HandledEvent[]>`
    select e.*, 0 as position from slotbase.events e
    where facility_id = ${club.id} and type = any (${[...handler.events]}) order by id`
  await db().begin((tx) => handler.handleAll(tx, events))
  await atMinuteOf(db(), 30, 1, async () => expect(await makeReportOn(next)).toEqual({ reports: 1 }))
})
afterAll(() => club.api.database.drop())

test("the report of a day says what the figures say, what the next day brings and what is not paid", async () => {
  const { status, body } = await club.get(club.staff, `/reports/${day}`)
  expect(status).toBe(200)
  expect(body).toMatchObject({
    ...{ facilityId: club.id, day, timezone: "UTC", bookings: 3, cancelled: 1, attended: 1, noShows: 1, unrecorded: 0 },
    money: [{ currency: "EUR", booked: 4_800, paid: 2_400, refunded: 0, revenue: 2_400 }],
    ...{ weeksBefore: [], usual: null },
    today: {
      ...{ day: next, bookings: 1, bookedMinutes: 60, firstStartAt: atHour(34).startAt, coaches: [] },
      closures: [{ reason: "New surface", resources: ["Court 2"], ...atHour(40) }],
    },
    open: { approvals: 0, coachBlocks: 0, unpaidBookings: 1, unpaid: [{ currency: "EUR", amount: 2_400 }] },
  })
  const figures = (await club.get(club.staff, `/figures?from=${day}&until=${day}`)).body.total
  expect(figures).toMatchObject({
    ...{ bookings: body.bookings, cancellations: body.cancelled, noShows: body.noShows, checkIns: body.attended },
    ...{ bookedMinutes: body.bookedMinutes, openMinutes: body.openMinutes, utilisation: body.utilisation },
    bookedAmount: body.money[0].booked,
  })
})

test("the list has a line for each day, the newest first, page by page", async () => {
  await atMinuteOf(db(), 54, 1, async () => expect(await makeReportOn(dayOf(57))).toEqual({ reports: 1 }))
  const first = await club.get(club.staff, "/reports?limit=1")
  expect(first.body.data).toMatchObject([{ day: next, bookings: 1 }])
  const second = await club.get(club.staff, `/reports?limit=1&after=${first.body.next}`)
  expect(second.body).toMatchObject({ data: [{ day, bookings: 3, utilisation: 0.0278 }], next: null })
  expect(Object.keys(second.body.data[0])).not.toContain("resources")
})

test("a day without a report, and what is no day, are not found; a member is refused", async () => {
  for (const path of ["2020-01-01", "2020-02-31", "yesterday"])
    expect((await club.get(club.staff, `/reports/${path}`)).status).toBe(404)
  expect((await club.get(club.player, `/reports/${day}`)).status).toBe(403)
  expect((await club.get(club.player, "/reports")).status).toBe(403)
})
