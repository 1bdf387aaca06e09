// Reading the figures: groups, open minutes and utilisation, totals, and the limits of an answer.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { analyticsHandler } from "#actors/handlers/analytics.ts"
import type { HandledEvent } from "#actors/handlers/handler.ts"
import { aBookingClub, type BookingClub } from "#test/harness/club/booking-club.ts"
import { atHour, dayOf, everyDay } from "#test/harness/club/hours.ts"

let club: BookingClub
const handler = analyticsHandler()
const db = () => club.api.database.db

beforeAll(async () => {
  club = await aBookingClub()
  const openingHours = everyDay("08:00", "20:00")
  await db()`update slotbase.facilities set opening_hours = ${db().json(openingHours as never)} where id = ${club.id}`
  await db()`update slotbase.resources set is_active = false where id = ${club.freeCourt}`
  const closed = {
    reason: "Rain",
    resourceIds: [club.otherCourt],
    startAt: atHour(18).startAt,
    endAt: atHour(22).endAt,
  }
  expect((await club.post(club.admin, "/closures", closed)).status).toBe(201)
  const [booked, lesson] = [await club.book(club.court, 9), await club.book(club.otherCourt, 10)]
  await db()`update slotbase.bookings set booking_type = 'lesson' where id = ${lesson.id}`
  await db()`
    update slotbase.events set data = data || '{"bookingType":"lesson"}', booking_type = 'lesson' where aggregate_id = ${lesson.id}`
  await club.cancel((await club.book(club.court, 33)).id)
  await club.pay(booked.id, 2_400)
  const events = await db()<HandledEvent[]>`
    select e.*, 0 as position from slotbase.events e
    where facility_id = ${club.id} and type = any (${[...handler.events]}) order by id`
  await db().begin((tx) => handler.handleAll(tx, events))
})
afterAll(() => club.api.database.drop())

const read = async (query: string, by = club.staff) => club.get(by, `/figures?${query}`)
const [first, second] = [dayOf(9), dayOf(33)]
const paidOn = () => new Date().toISOString().slice(0, 10)

test("by day: both courts are open for twelve hours, less the closure of one", async () => {
  const { status, body } = await read(`from=${first}&until=${second}`)
  expect(status).toBe(200)
  expect(body).toMatchObject({ timezone: "UTC", currency: "EUR", from: first, until: second })
  const common = { cancellations: 0, checkIns: 0, noShows: 0, completions: 0, paymentsAmount: 0, refundsAmount: 0 }
  expect(body.data).toEqual([
    {
      ...{ ...common, day: first, bookings: 2, bookedMinutes: 120, openMinutes: 1_320, utilisation: 0.0909 },
      ...{ bookedAmount: 4_800, revenueAmount: 0 },
    },
    {
      ...{
        ...common,
        day: second,
        bookings: 1,
        cancellations: 1,
        bookedMinutes: 0,
        openMinutes: 1_440,
        utilisation: 0,
      },
      ...{ bookedAmount: 0, revenueAmount: 0 },
    },
  ])
  expect(body.total).toMatchObject({ bookings: 3, openMinutes: 2_760, utilisation: 0.0435, bookedAmount: 4_800 })
})

test("by resource and by type", async () => {
  const courts = (await read(`from=${first}&until=${first}&by=resource`)).body.data
  expect(courts.map((row: Record<string, unknown>) => [row.resourceId, row.bookings, row.openMinutes])).toEqual([
    [club.court, 1, 720],
    [club.otherCourt, 1, 600],
  ])
  const types = (await read(`from=${first}&until=${first}&by=type`)).body.data
  expect(types.map((row: Record<string, unknown>) => [row.bookingType, row.bookings, row.openMinutes])).toEqual([
    ["lesson", 1, 1_320],
    ["open_play", 1, 1_320],
  ])
  const both = (await read(`from=${first}&until=${first}&by=type,resource`)).body.data
  const played = both.filter((row: { bookings: number }) => row.bookings > 0)
  expect(played.map((row: Record<string, unknown>) => [row.resourceName, row.bookingType])).toEqual([
    ["Court 1", "open_play"],
    ["Court 2", "lesson"],
  ])
})

test("revenue stands on the day of the payment, with the court and the type that it paid for", async () => {
  const { data, total } = (await read(`from=${paidOn()}&until=${paidOn()}&by=resource,type`)).body
  const paid = data.filter((row: { paymentsAmount: number }) => row.paymentsAmount > 0)
  expect(paid).toMatchObject([{ resourceId: club.court, bookingType: "open_play", revenueAmount: 2_400 }])
  expect(total.revenueAmount).toBe(2_400)
})

test("an answer has an end, and only staff read it", async () => {
  expect((await read(`from=2026-01-01&until=2027-06-01`)).body.code).toBe("too_many_figures")
  expect((await read(`from=2026-02-01&until=2026-01-01`)).body.code).toBe("too_many_figures")
  expect((await read(`from=2026-02-01&until=2026-02-02&by=hour`)).status).toBe(422)
  expect((await read(`from=${first}&until=${first}`, club.player)).status).toBe(403)
})
