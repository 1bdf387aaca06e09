// The figures of a report against days made by hand. Some have a change of the clocks, two currencies or refunds.
// Others show the weeks before, and what waits for a person.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { Db } from "#base/database/db.ts"
import { newId, rootUserId } from "#base/ids.ts"
import type { ReportFigures } from "#domain/figures/reports/answer.ts"
import { makeReport } from "#domain/figures/reports/make.ts"
import { run } from "#test/harness/club/club.ts"
import { aFacility, aPerson, aResource } from "#test/harness/club/factories.ts"
import { everyDay } from "#test/harness/club/hours.ts"
import { aMovement, aPlayed, type Played } from "#test/harness/club/played.ts"
import { failure } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
})
afterAll(() => database.drop())

/** A club that has been there for long, with two courts. */
async function anOldClub(timezone: string, openingHours: ReturnType<typeof everyDay> | undefined = undefined) {
  const { id } = await aFacility(db, { timezone, ...(openingHours && { openingHours }) })
  const [court, other] = [await aResource(db, id, { name: "Court 1" }), await aResource(db, id, { name: "Court 2" })]
  await db`update slotbase.facilities set created_at = '2020-01-01' where id = ${id}`
  await db`update slotbase.resources set created_at = '2020-01-01' where facility_id = ${id}`
  const make = (localDate: string) => run(db, (tx) => makeReport(tx, id, localDate))
  return {
    id,
    court: court.id,
    other: other.id,
    make,
    play: (resourceId: string, given: Played) => aPlayed(db, id, resourceId, given),
    money: (given: Parameters<typeof aMovement>[2]) => aMovement(db, id, given),
    /** The report of the day before. */
    async report(localDate: string): Promise<ReportFigures> {
      expect(await make(localDate)).toBe(true)
      const [row] = await db<{ figures: ReportFigures }[]>`
        select figures - 'timezone' as figures from slotbase.daily_reports where facility_id = ${id} and day = ${localDate}::date - 1`
      if (!row) throw new Error(`no report of the day before ${localDate}`)
      return row.figures
    },
  }
}

const nothing = { bookings: 0, cancelled: 0, attended: 0, noShows: 0, unrecorded: 0 }

test("a day by hand: who came, who did not, what was paid and given back, in two currencies", async () => {
  const club = await anOldClub("Europe/Berlin", everyDay("08:00", "22:00"))
  const day = "2026-06-10"
  await club.play(club.court, { startAt: `${day}T07:00:00Z` })
  await club.play(club.court, { startAt: `${day}T08:00:00Z`, minutes: 90, status: "checked_in", price: 3_600 })
  await club.play(club.court, { startAt: `${day}T10:00:00Z`, status: "no_show" })
  await club.play(club.other, { startAt: `${day}T11:00:00Z`, status: "cancelled", price: 9_900 })
  await club.play(club.other, { startAt: `${day}T12:00:00Z`, status: "confirmed", currency: "CHF", price: 2_500 })
  // Neither is a customer who did not come.
  await club.play(club.other, {
    startAt: `${day}T13:00:00Z`,
    status: "confirmed",
    bookingType: "maintenance",
    price: 0,
  })
  // Was never a booking.
  await club.play(club.other, { startAt: `${day}T14:00:00Z`, status: "pending" })
  // Yesterday's last minute and the next midnight, in Berlin.
  await club.play(club.court, { startAt: "2026-06-09T21:59:00Z" })
  await club.play(club.court, { startAt: "2026-06-10T22:00:00Z" })
  await club.money({ at: `${day}T07:10:00Z`, kind: "offline_payment", amount: 2_400 })
  await club.money({ at: `${day}T08:10:00Z`, kind: "payment", amount: 3_600 })
  await club.money({ at: `${day}T09:10:00Z`, kind: "refund", amount: -1_200 })
  await club.money({ at: `${day}T09:20:00Z`, kind: "refund_handed_back", amount: -400 })
  await club.money({ at: `${day}T09:30:00Z`, kind: "payment", amount: 2_500, currency: "CHF" })
  await club.money({ at: `${day}T09:40:00Z`, kind: "payment", amount: 9_900, reference: "subscription" })
  await club.money({ at: "2026-06-10T22:00:00Z", kind: "payment", amount: 77 })

  const { resources, weeksBefore, usual, today, open, ...sums } = await club.report("2026-06-11")
  expect(sums).toEqual({
    ...{ bookings: 6, cancelled: 1, attended: 2, noShows: 1, unrecorded: 1 },
    ...{ bookedMinutes: 330, openMinutes: 1_680, utilisation: 0.1964 },
    money: [
      { currency: "CHF", booked: 2_500, paid: 2_500, refunded: 0, revenue: 2_500 },
      { currency: "EUR", booked: 8_400, paid: 6_000, refunded: 1_600, revenue: 4_400 },
    ],
  })
  expect(resources).toEqual([
    {
      ...{ resourceId: club.court, name: "Court 1", bookings: 3, cancelled: 0, attended: 2, noShows: 1, unrecorded: 0 },
      ...{ bookedMinutes: 210, openMinutes: 840, utilisation: 0.25 },
    },
    {
      ...{ resourceId: club.other, name: "Court 2", bookings: 3, cancelled: 1, attended: 0, noShows: 0, unrecorded: 1 },
      ...{ bookedMinutes: 120, openMinutes: 840, utilisation: 0.1429 },
    },
  ])
  expect(weeksBefore.map(({ day }) => day)).toEqual(["2026-06-03", "2026-05-27", "2026-05-20", "2026-05-13"])
  expect(usual).toEqual({ days: 4, bookings: 0, noShows: 0, utilisation: 0, revenue: [] })
  // The day that followed is long over: it brings nothing any more.
  expect(today).toBeNull()
  expect(open).toMatchObject({ approvals: 0, unpaidBookings: 5 })
})

test("a day of 25 hours in Berlin has 25, and one of 23 hours whose midnight Cairo skips has 23", async () => {
  const berlin = await anOldClub("Europe/Berlin")
  // 25 October 2026: from 22:00 UTC of the day before until 23:00 UTC.
  for (const startAt of [
    "2026-10-24T21:59:00Z",
    "2026-10-24T22:00:00Z",
    "2026-10-25T22:59:00Z",
    "2026-10-25T23:00:00Z",
  ])
    await berlin.play(berlin.court, { startAt })
  // Between the two readings of half past two.
  await berlin.money({ at: "2026-10-25T00:30:00Z", kind: "payment", amount: 100 })
  await berlin.money({ at: "2026-10-25T01:30:00Z", kind: "payment", amount: 20 })
  await berlin.money({ at: "2026-10-25T23:00:00Z", kind: "payment", amount: 3 })
  const long = await berlin.report("2026-10-26")
  expect(long).toMatchObject({ bookings: 2, bookedMinutes: 120, openMinutes: 2 * 25 * 60 })
  expect(long.money).toEqual([{ currency: "EUR", booked: 4_800, paid: 120, refunded: 0, revenue: 120 }])

  const cairo = await anOldClub("Africa/Cairo")
  // 24 April 2026 begins at 01:00, which is 22:00 UTC, and ends at 21:00 UTC.
  for (const startAt of [
    "2026-04-23T21:59:00Z",
    "2026-04-23T22:00:00Z",
    "2026-04-24T20:59:00Z",
    "2026-04-24T21:00:00Z",
  ])
    await cairo.play(cairo.court, { startAt })
  expect(await cairo.report("2026-04-25")).toMatchObject({ bookings: 2, openMinutes: 2 * 23 * 60 })
  // No hour between two days belongs to both or to none.
  expect(await cairo.report("2026-04-24")).toMatchObject({ bookings: 1, openMinutes: 2 * 24 * 60 })
  expect(await cairo.report("2026-04-26")).toMatchObject({ bookings: 1, openMinutes: 2 * 24 * 60 })
})

test("the same weekday of the four weeks before stands beside the day, with the mean", async () => {
  const club = await anOldClub("Europe/Berlin", everyDay("08:00", "18:00"))
  const played: Readonly<Record<string, number>> = {
    "2026-06-10": 5,
    "2026-06-03": 4,
    "2026-05-27": 2,
    "2026-05-13": 1,
  }
  for (const [day, count] of Object.entries(played))
    for (let hour = 0; hour < count; hour++) {
      await club.play(club.court, { startAt: `${day}T${String(8 + hour).padStart(2, "0")}:00:00Z` })
      await club.money({ at: `${day}T15:00:00Z`, kind: "payment", amount: 1_000 })
    }
  // Another weekday, and a fifth week.
  await club.play(club.court, { startAt: "2026-06-09T10:00:00Z" })
  await club.play(club.court, { startAt: "2026-05-06T10:00:00Z" })
  const { bookings, utilisation, weeksBefore, usual } = await club.report("2026-06-11")
  expect([bookings, utilisation]).toEqual([5, 0.25])
  expect(weeksBefore.map((each) => [each.day, each.bookings, each.utilisation, each.money[0]?.revenue])).toEqual([
    ["2026-06-03", 4, 0.2, 4_000],
    ["2026-05-27", 2, 0.1, 2_000],
    ["2026-05-20", 0, 0, undefined],
    ["2026-05-13", 1, 0.05, 1_000],
  ])
  expect(usual).toEqual({
    ...{ days: 4, bookings: 1.8, noShows: 0, utilisation: 0.0875 },
    revenue: [{ currency: "EUR", amount: 1_750 }],
  })
})

test("a club of two weeks is compared with one whole day, and one of today with none", async () => {
  const club = await anOldClub("Europe/Berlin")
  await db`update slotbase.facilities set created_at = '2026-06-02T22:00:00Z' where id = ${club.id}`
  expect((await club.report("2026-06-11")).weeksBefore.map(({ day }) => day)).toEqual(["2026-06-03"])
  expect((await club.report("2026-06-04")).usual).toBeNull()
})

test("what waits for a person is counted: requests, what is not paid, failing webhooks, dead addresses", async () => {
  const club = await anOldClub("Europe/Berlin")
  const soon = new Date(Date.now() + 86_400_000).toISOString()
  const today = new Date().toISOString().slice(0, 10)
  await club.play(club.court, { startAt: soon, status: "pending" })
  await club.play(club.other, { startAt: soon, status: "pending", bookingType: "coach_block" })
  // Its time has come: nobody can decide about it.
  await club.play(club.court, { startAt: new Date(Date.now() - 3_600_000).toISOString(), status: "pending" })
  const ago = (days: number) => new Date(Date.parse(`${today}T12:00:00Z`) - days * 86_400_000).toISOString()
  const [whole, part] = [
    await club.play(club.court, { startAt: ago(1) }),
    await club.play(club.court, { startAt: ago(2) }),
  ]
  await club.play(club.court, { startAt: ago(3), currency: "CHF", price: 100 })
  await club.play(club.court, { startAt: ago(4), method: "waived" })
  await club.play(club.court, { startAt: ago(5), method: "online" })
  await club.play(club.court, { startAt: ago(40) })
  const account = newId()
  await db`
    insert into slotbase.billing_accounts (id, facility_id, type, owner_id, name)
    values (${account}, ${club.id}, 'individual', ${rootUserId}, 'Root')`
  for (const [booking, amount] of [
    [whole, 2_400],
    [part, 1_000],
  ] as const)
    await db`
      insert into slotbase.offline_payments
        (id, facility_id, billing_account_id, amount, currency, payment_method, payer_name, payment_date, booking_id, recorded_by)
      values (${newId()}, ${club.id}, ${account}, ${amount}, 'EUR', 'cash', 'Mia', ${today}, ${booking}, ${rootUserId})`
  await db`
    insert into slotbase.undeliverable_addresses (address, facility_id, message_id, status, answer)
    values ('gone@example.com', ${club.id}, ${newId()}, '5.1.1', 'no such user')`
  await db`
    insert into slotbase.webhook_health (webhook_id, facility_id, began_at, failing_since, told_at)
    select gen_random_uuid(), ${club.id}, slotbase.now(), slotbase.now(), told
    from unnest(array[slotbase.now(), null]) as told`
  expect((await club.report(today)).open).toEqual({
    ...{ approvals: 1, coachBlocks: 1, unpaidBookings: 2, failingWebhooks: 1, undeliverableAddresses: 1 },
    unpaid: [
      { currency: "CHF", amount: 100 },
      { currency: "EUR", amount: 1_400 },
    ],
  })
})

test("what the next day brings: bookings, the coaches with their first lesson, and what is closed", async () => {
  const club = await anOldClub("Europe/Berlin")
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)
  const coach = await aPerson(db, { firstName: "Jonas", lastName: "Weber" })
  for (const startAt of [`${tomorrow}T15:00:00.000Z`, `${tomorrow}T10:00:00.000Z`]) {
    const booking = await club.play(club.court, { startAt, status: "confirmed", bookingType: "lesson" })
    const endAt = new Date(Date.parse(startAt) + 3_600_000).toISOString()
    await db`
      insert into slotbase.occupancies (booking_id, facility_id, resource_id, during)
      values (${booking}, ${club.id}, ${club.court}, tstzrange(${startAt}, ${endAt}))`
    await db`
      insert into slotbase.coach_occupancies (booking_id, facility_id, coach_id, during)
      values (${booking}, ${club.id}, ${coach.id}, tstzrange(${startAt}, ${endAt}))`
  }
  await club.play(club.other, { startAt: `${tomorrow}T12:00:00.000Z`, status: "cancelled" })
  await db`
    insert into slotbase.closures (id, facility_id, start_at, end_at, whole_facility, reason, created_by)
    values (${newId()}, ${club.id}, ${`${tomorrow}T18:00:00Z`}, ${`${tomorrow}T19:00:00Z`}, true, 'Party', ${rootUserId})`
  expect((await club.report(tomorrow)).today).toEqual({
    ...{ day: tomorrow, bookings: 2, bookedMinutes: 120, firstStartAt: `${tomorrow}T10:00:00.000Z` },
    coaches: [{ coachId: coach.id, name: "Jonas Weber", lessons: 2, firstStartAt: `${tomorrow}T10:00:00.000Z` }],
    closures: [
      {
        ...{ reason: "Party", resources: null },
        ...{ startAt: `${tomorrow}T18:00:00.000Z`, endAt: `${tomorrow}T19:00:00.000Z` },
      },
    ],
  })
})

test("a club without bookings has a report all the same, and a day has one for good", async () => {
  const club = await anOldClub("Europe/Berlin")
  const first = await club.report("2026-06-11")
  expect(first).toMatchObject({ ...nothing, bookedMinutes: 0, utilisation: 0, money: [] })
  await club.play(club.court, { startAt: "2026-06-10T10:00:00Z" })
  expect(await club.make("2026-06-11")).toBe(false)
  const [row] =
    await db`select figures - 'timezone' as figures from slotbase.daily_reports where facility_id = ${club.id}`
  expect(row?.figures).toEqual(first)
})

test("a court that is out of use and was not booked is no part of the day", async () => {
  const club = await anOldClub("Europe/Berlin")
  await db`update slotbase.resources set is_active = false where facility_id = ${club.id}`
  await club.play(club.other, { startAt: "2026-06-10T10:00:00Z" })
  const { resources, utilisation } = await club.report("2026-06-11")
  expect(resources.map(({ name, utilisation }) => [name, utilisation])).toEqual([["Court 2", null]])
  expect(utilisation).toBeNull()
})

test("a facility that does not exist has no report: it is not found", async () => {
  const id = newId()
  expect(await failure(run(db, (tx) => makeReport(tx, id, "2026-06-11")))).toMatchObject({
    _tag: "NotFound",
    message: expect.stringContaining("facility"),
  })
})
