// offline-payment-aging: each stage of a debt once, in local days, with one overview for the staff.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { requireStaff } from "#access/caller.ts"
import type { HandledEvent } from "#actors/handlers/handler.ts"
import { notificationHandler } from "#actors/handlers/notification.ts"
import { offlinePaymentAging } from "#actors/jobs/offline-payment-aging.ts"
import type { Db } from "#base/database/db.ts"
import { newId } from "#base/ids.ts"
import { charge } from "#domain/ledger/charges.ts"
import { recordOfflinePayment } from "#domain/payments/offline.ts"
import { setEventContext } from "#events/outbox.ts"
import { aClub, aMember, type Club, run, testContext } from "#test/harness/club/club.ts"
import { aDebt, type DebtGiven, noStop, tickOf } from "#test/harness/club/debts.ts"
import { aChildLink } from "#test/harness/club/factories.ts"
import { eventsOf } from "#test/harness/club/subscriptions.ts"
import { failure } from "#test/harness/pipeline/pipeline.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db
let club: Club
let app: ReturnType<typeof testApp>

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  app = testApp(db)
})
afterAll(() => database.drop())
beforeEach(async () => {
  club = await aClub(db)
})

const inZone = (timezone: string) => db`update slotbase.facilities set timezone = ${timezone} where id = ${club.id}`
const aged = (day: string, timezone = "UTC") => offlinePaymentAging(app).run(tickOf(club.id, timezone, day), noStop)
const debt = (startAt: string, more: Partial<DebtGiven> = {}) =>
  aDebt(db, { facilityId: club.id, court: club.court, booker: club.player.id, startAt, ...more })
const told = async () =>
  (await eventsOf(db, club.id, "booking.payment_overdue")).map(({ data }) => [
    data.bookingId,
    data.stage,
    data.ageDays,
    data.amount,
  ])
const overviews = async () => (await eventsOf(db, club.id, "facility.payments_overdue")).map(({ data }) => data)
const pay = (bookingId: string, amount: number) =>
  run(db, (tx) =>
    recordOfflinePayment(tx, requireStaff(club.staff.caller, club.id), { bookingId, amount, paymentMethod: "cash" }),
  )

test("a debt is told of on its 30th, 60th and 90th day, once each, with what is still due and to whom it is due", async () => {
  const id = await debt("2031-01-05T18:00:00Z")
  expect(await aged("2031-02-03")).toEqual({ told: 0, overviews: 0 })
  expect(await aged("2031-02-04")).toEqual({ told: 1, overviews: 1 })
  expect(await aged("2031-02-04")).toEqual({ told: 0, overviews: 0 })
  for (const day of ["2031-02-05", "2031-03-05"]) expect(await aged(day)).toEqual({ told: 0, overviews: 0 })
  await pay(id, 1000)
  for (const day of ["2031-03-06", "2031-04-05", "2031-04-06"]) await aged(day)
  expect(await told()).toEqual([
    [id, "30_days", 30, 2400],
    [id, "60_days", 60, 1400],
    [id, "90_days", 90, 1400],
  ])
  const [first] = await eventsOf(db, club.id, "booking.payment_overdue")
  const [account] = await db<{ id: string }[]>`
    select id from slotbase.billing_accounts where owner_id = ${club.player.id} and facility_id = ${club.id}`
  expect(first?.data).toMatchObject({
    billingAccountId: account?.id,
    payerId: club.player.id,
    parentIds: [],
    currency: "EUR",
    resourceName: "Court 1",
    startAt: "2031-01-05T18:00:00.000Z",
  })
})

test("who has paid, has cancelled, has nothing to pay or is paying now is not told", async () => {
  const paid = await debt("2031-01-05T18:00:00Z")
  await pay(paid, 2400)
  await debt("2031-01-05T19:00:00Z", { status: "cancelled" })
  await debt("2031-01-05T20:00:00Z", { paymentMethod: "waived" })
  await debt("2031-01-05T21:00:00Z", { price: 0 })
  expect(await aged("2031-02-04")).toEqual({ told: 0, overviews: 0 })
})

test("a fee is a debt of its booking, also of one whose price is waived", async () => {
  const id = await debt("2031-01-05T18:00:00Z", { paymentMethod: "waived", status: "no_show" })
  await run(db, (tx) =>
    charge(tx, {
      facilityId: club.id,
      userId: club.player.id,
      amount: 500,
      currency: "EUR",
      reason: "no_show_fee",
      referenceType: "booking",
      referenceId: id,
    }),
  )
  await aged("2031-02-04")
  expect(await told()).toEqual([[id, "30_days", 30, 500]])
})

test("the staff have one overview of a day, with its sums by stage and the largest debts first", async () => {
  const [small, large] = [
    await debt("2031-01-05T18:00:00Z"),
    await debt("2031-01-05T19:00:00Z", { price: 9900, booker: club.friend.id }),
  ]
  const old = await debt("2030-12-06T18:00:00Z", { price: 700 })
  expect(await aged("2031-02-04")).toEqual({ told: 3, overviews: 1 })
  expect(await overviews()).toEqual([
    {
      facilityId: club.id,
      day: "2031-02-04",
      count: 3,
      totals: [
        { stage: "60_days", currency: "EUR", count: 1, amount: 700 },
        { stage: "30_days", currency: "EUR", count: 2, amount: 12_300 },
      ],
      debts: [large, small, old].map((bookingId) => expect.objectContaining({ bookingId })),
    },
  ])
})

test("more debts than a transaction takes are all told, and after an outage each in its highest stage alone", async () => {
  for (let i = 0; i < 120; i++) await debt(`2031-01-${String(1 + (i % 20)).padStart(2, "0")}T18:00:00Z`)
  await aged("2031-01-15")
  // Nothing ran for ten weeks.
  expect(await aged("2031-03-22")).toEqual({ told: 120, overviews: 1 })
  expect(new Set((await told()).map(([, stage]) => stage))).toEqual(new Set(["60_days"]))
  expect((await overviews()).at(-1)).toMatchObject({ count: 120 })
})

test("a debt that appears a few days late is found, and one of years ago is not written about anew", async () => {
  await debt("2029-01-05T18:00:00Z")
  await aged("2031-02-04")
  const late = await debt("2031-01-05T18:00:00Z")
  await aged("2031-02-09")
  expect(await told()).toEqual([[late, "30_days", 35, 2400]])
})

describe("days are those of the facility", () => {
  test("exactly 30 days, over a change of the clocks in either direction", async () => {
    for (const [start, before, day] of [
      // The clocks go forward on 30 March 2031, and back on 26 October 2031.
      ["2031-03-10T23:30:00Z", "2031-04-09", "2031-04-10"],
      ["2031-10-01T21:30:00Z", "2031-10-30", "2031-10-31"],
    ] as const) {
      club = await aClub(db)
      await inZone("Europe/Berlin")
      const id = await debt(start)
      expect(await aged(before, "Europe/Berlin")).toEqual({ told: 0, overviews: 0 })
      expect(await aged(day, "Europe/Berlin")).toEqual({ told: 1, overviews: 1 })
      expect(await told()).toEqual([[id, "30_days", 30, 2400]])
    }
  })

  test("Kiritimati and Pago Pago, 25 hours apart, age one instant on two days", async () => {
    for (const [timezone, before, day] of [
      ["Pacific/Kiritimati", "2031-02-04", "2031-02-05"],
      ["Pacific/Pago_Pago", "2031-02-02", "2031-02-03"],
    ] as const) {
      club = await aClub(db)
      await inZone(timezone)
      // In Kiritimati it is 6 January, 00:30; in Pago Pago 4 January, 23:30.
      await debt("2031-01-05T10:30:00Z")
      expect(await aged(before, timezone)).toEqual({ told: 0, overviews: 0 })
      expect(await aged(day, timezone)).toEqual({ told: 1, overviews: 1 })
    }
  })
})

describe("the reminder", () => {
  async function notify(): Promise<readonly { user_id: string; title: string; reason: string | null }[]> {
    const channels = [{ name: "email", unavailable: undefined }] as const
    const handler = notificationHandler({ channels, config: { environment: "development" } })
    const events = await db<HandledEvent[]>`
      select e.*, 0 as position from slotbase.events e
      where facility_id = ${club.id} and type in ('booking.payment_overdue', 'facility.payments_overdue') order by id`
    await db.begin(async (tx) => {
      setEventContext(tx, testContext)
      await handler.handleAll(tx, events)
    })
    return db<{ user_id: string; title: string; reason: string | null }[]>`
      select user_id, title, reason from slotbase.notifications
      where facility_id = ${club.id} and channel = 'email' order by created_at, id`
  }

  test("goes to the parents who may pay for a child, and the overview to the administrators", async () => {
    const [mother, father] = [await aMember(db, "player", club.id), await aMember(db, "player", club.id)]
    await aChildLink(db, { parent: mother.id, child: club.player.id, permissions: ["book", "pay"] })
    await aChildLink(db, { parent: father.id, child: club.player.id, permissions: ["book"] }, { isPrimary: false })
    await debt("2031-01-05T18:00:00Z")
    await aged("2031-02-04")
    const mails = await notify()
    expect(mails.map(({ user_id }) => user_id).sort()).toEqual([mother.id, club.admin.id].sort())
    expect(mails.find(({ user_id }) => user_id === mother.id)?.title).toContain("€24.00")
  })

  test("is not sent when the debt was paid meanwhile", async () => {
    const id = await debt("2031-01-05T18:00:00Z")
    await aged("2031-02-04")
    await pay(id, 2400)
    expect((await notify()).map(({ user_id }) => user_id)).toEqual([club.admin.id])
  })
})

test("a facility that there is not is an error", async () => {
  const gone = newId()
  const error = await failure(offlinePaymentAging(app).run(tickOf(gone, "UTC", "2031-02-04"), noStop))
  expect(error).toMatchObject({ _tag: "NotFound", message: expect.stringContaining(gone) })
})
