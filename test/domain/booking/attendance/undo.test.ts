// Outcomes that were a mistake: staff undo no-shows, check-ins and completions, and everything follows.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { detectNoShows } from "#domain/booking/attendance/no-shows.ts"
import { addToDailyFigures } from "#domain/figures/daily.ts"
import type { CountedEvent } from "#domain/figures/sums.ts"
import { aBookingClub, type BookingClub, offline, outcome, storyOf, tally } from "#test/harness/club/booking-club.ts"
import { atMinuteOf } from "#test/harness/club/bookings.ts"
import { aMember, type Person, run } from "#test/harness/club/club.ts"
import { aResource } from "#test/harness/club/factories.ts"
import { atHour } from "#test/harness/club/hours.ts"

let club: BookingClub
let hour = 0

beforeAll(async () => {
  club = await aBookingClub()
  await atMinuteOf(club.api.database.db, 0, 0, () =>
    club.policy({ noShowFee: 500, strikeThreshold: 1, restrictionDays: 30, checkInGraceMinutes: 10 }),
  )
})
afterAll(() => club.api.database.drop())
beforeEach(() => {
  hour += 2
})

const db = () => club.api.database.db
const atMinute = <T>(minutes: number, work: () => Promise<T>) => atMinuteOf(db(), hour, minutes, work)
const book = async (bookerId = club.player.id, more: object = {}) =>
  (await club.post(club.staff, "/bookings", offline(club, hour, { bookerId, ...more }))).body
const detect = () => run(db(), (tx) => detectNoShows(tx, 100))
const act = (id: string, what: string, by: Person = club.staff) => club.post(by, `/bookings/${id}/${what}`, {})
const undo = (id: string, what: string, by: Person = club.staff) =>
  club.post(by, `/bookings/${id}/${what}/undo`, { reason: "A mistake" })
const statusOf = async (id: string) => (await club.get(club.staff, `/bookings/${id}`)).body.status
const strikesOf = async (userId: string) =>
  (await club.get(club.staff, `/strikes?userId=${userId}`)).body.data.map(({ points }: { points: number }) => points)
const feesOf = async (userId: string) =>
  (
    await db()<{ waived: boolean }[]>`
      select waived_at is not null as waived from slotbase.charges where user_id = ${userId} order by id`
  ).map(({ waived }) => waived)

/** The figures that the booking's events add to its day. */
async function figuresOf(id: string) {
  const events = await db()<CountedEvent[]>`select * from slotbase.events where aggregate_id = ${id} order by id`
  await run(db(), async (tx) => {
    await addToDailyFigures(
      tx,
      events.filter(({ type }) => type !== "booking.no_show.waived"),
    )
  })
  const rows = await db()<{ check_ins: number; no_shows: number; completions: number }[]>`
    select sum(check_ins)::integer as check_ins, sum(no_shows)::integer as no_shows, sum(completions)::integer as completions
    from slotbase.daily_facility_figures where facility_id = ${club.id}`
  await db()`delete from slotbase.daily_figures where facility_id = ${club.id}`
  return { ...rows[0] }
}

describe("an undone no-show", () => {
  test("is confirmed again, costs nothing, restricts nobody, and no job marks it anew", async () => {
    const player = await aMember(db(), "player", club.id)
    const { id } = await book(player.id)
    const wish = { resourceId: club.freeCourt, ...atHour(hour + 5), paymentMethod: "online" }
    await atMinute(10, async () => {
      expect(await detect()).toBe(1)
      expect(outcome(await club.post(player, "/bookings", wish))).toBe("422 booking_restricted")
      const { body } = await undo(id, "no-show")
      expect([body.status, body.noShowAt]).toEqual(["confirmed", null])
      expect((await storyOf(club, id)).last).toEqual({
        bookingId: id,
        facilityId: club.id,
        resourceId: club.court,
        bookerId: player.id,
        ...atHour(hour),
        undoneBy: club.staff.id,
        undoneAt: body.updatedAt,
        reason: "A mistake",
        feeWaived: 500,
        strikeCount: 0,
      })
      expect(await detect()).toBe(0)
      expect(outcome(await club.post(player, "/bookings", wish))).toBe("201")
    })
    expect([await strikesOf(player.id), await feesOf(player.id)]).toEqual([[1, -1], [true]])
    expect(await figuresOf(id)).toEqual({ check_ins: 0, no_shows: 0, completions: 0 })
  })

  test("may be checked in by staff, and completed, after its end; its booker is too late", async () => {
    const { id } = await book()
    await atMinute(10, detect)
    await atMinute(75, async () => {
      expect(outcome(await undo(id, "no-show"))).toBe("200")
      expect(outcome(await act(id, "check-in", club.player))).toBe("409 check_in_too_late")
      expect((await act(id, "check-in")).body.status).toBe("checked_in")
      expect((await act(id, "complete")).body.status).toBe("completed")
    })
    expect(await figuresOf(id)).toEqual({ check_ins: 1, no_shows: 0, completions: 1 })
    expect(await statusOf(id)).toBe("completed")
  })

  test("may be a no-show once more, with a strike and a fee of its own, which may be waived", async () => {
    const player = await aMember(db(), "player", club.id)
    const { id } = await book(player.id)
    await atMinute(20, async () => {
      for (let round = 0; round < 3; round++) {
        expect(outcome(await act(id, "no-show"))).toBe("200")
        expect((await storyOf(club, id)).last).toMatchObject({
          feeCharged: 500,
          strikeCount: 1,
          restrictionApplied: true,
        })
        if (round < 2) expect(outcome(await undo(id, "no-show"))).toBe("200")
      }
      expect(await figuresOf(id)).toEqual({ check_ins: 0, no_shows: 1, completions: 0 })
      const waived = await club.post(club.staff, `/bookings/${id}/no-show/waive`, { reason: "x" })
      expect(waived.body).toMatchObject({ feeWaived: 500, strikeCount: 0 })
      // A waived no-show is undone without a second waiver.
      expect(outcome(await undo(id, "no-show"))).toBe("200")
      expect((await storyOf(club, id)).last).toMatchObject({ feeWaived: 0, strikeCount: 0 })
    })
    expect(await strikesOf(player.id)).toEqual([1, -1, 1, -1, 1, -1])
    expect(await feesOf(player.id)).toEqual([true, true, true])
  })

  test("gives back a fee that was paid", async () => {
    const player = await aMember(db(), "player", club.id)
    const { id, priceAmount } = await book(player.id)
    await atMinute(10, detect)
    expect(outcome(await club.pay(id, priceAmount + 500))).toBe("201")
    await atMinute(20, async () => expect(outcome(await undo(id, "no-show"))).toBe("200"))
    const refunds = await db()`select amount from slotbase.refunds where reference_id = ${id}`
    const owed = await db()`select refunded_amount from slotbase.offline_payments where booking_id = ${id}`
    expect([...refunds, ...owed].map((row) => ({ ...row }))).toContainEqual({ amount: 500 })
  })
})

describe("an undone check-in and completion", () => {
  test("leave a booking struck when its time was closed meanwhile: it is cancelled without loss", async () => {
    const { id } = await book()
    await atMinute(1, async () => {
      await act(id, "check-in")
      const closed = { ...atHour(hour), reason: "The roof leaks" }
      const closure = (await club.post(undefined, "/closures", closed)).body
      expect((await undo(id, "check-in")).body).toMatchObject({ status: "confirmed", struckReason: closed.reason })
      const cancelled = await club.post(club.player, `/bookings/${id}/cancel`, { cancellationReason: "closed" })
      expect([outcome(cancelled), cancelled.body.refundPercent]).toEqual(["200", 100])
      await club.api.call("DELETE", `/v1/facilities/${club.id}/closures/${closure.id}`)
    })
  })

  test("leave the booking as it was, and the job takes it only within the grace", async () => {
    const early = await book()
    const late = await book(club.friend.id, { resourceId: club.otherCourt })
    await atMinute(-5, async () => {
      await act(early.id, "check-in")
      const { body } = await undo(early.id, "check-in")
      expect([body.status, body.checkedInAt]).toEqual(["confirmed", null])
      await act(late.id, "check-in")
    })
    await atMinute(15, async () => {
      expect((await act(late.id, "complete")).body.status).toBe("completed")
      expect((await undo(late.id, "complete")).body).toMatchObject({ status: "checked_in", completedAt: null })
      expect((await storyOf(club, late.id)).last).toMatchObject({ status: "checked_in", reason: "A mistake" })
      expect((await undo(late.id, "check-in")).body.status).toBe("confirmed")
      // Nobody came to the first; about the second staff decide.
      expect(await detect()).toBe(1)
    })
    expect([await statusOf(early.id), await statusOf(late.id)]).toEqual(["no_show", "confirmed"])
    expect(await figuresOf(late.id)).toEqual({ check_ins: 0, no_shows: 0, completions: 0 })
    await atMinute(16, async () => {
      expect((await act(late.id, "complete")).body.status).toBe("completed")
      expect((await undo(late.id, "complete")).body.status).toBe("confirmed")
    })
  })

  test("are for staff, need a reason, and need the outcome", async () => {
    const { id } = await book()
    for (const [what, code] of [
      ["no-show", "booking_not_no_show"],
      ["check-in", "booking_not_checked_in"],
      ["complete", "booking_not_completed"],
    ] as const) {
      expect(outcome(await undo(id, what))).toBe(`409 ${code}`)
      expect(outcome(await undo(id, what, club.player))).toBe("403 not_allowed")
      const { status, body } = await club.post(club.staff, `/bookings/${id}/${what}/undo`)
      expect([status, body.errors[0].path]).toEqual([422, "body.reason"])
    }
  })
})

test("64 clients and the job at once: each booking has one outcome, and each undone no-show gives everything back", async () => {
  const players = await Promise.all(Array.from({ length: 16 }, () => aMember(db(), "player", club.id)))
  const ids: string[] = []
  for (const [n, { id }] of players.entries()) {
    const { id: resourceId } = await aResource(db(), club.id, { name: `Race ${n}` })
    ids.push((await book(id, { resourceId })).id)
  }
  await atMinute(20, async () => {
    const work = ids.flatMap((id) => [
      () => act(id, "check-in").then(outcome),
      () => act(id, "check-in").then(outcome),
      () => act(id, "no-show").then(outcome),
      () => detect().then((found) => `job found ${found}`),
    ])
    expect(work.length).toBe(64)
    const answers = await Promise.all(work.map((each) => each()))
    expect(answers.filter((each) => each.startsWith("5"))).toEqual([])
    const statuses = await Promise.all(ids.map(statusOf))
    const counted = tally(statuses)
    expect((counted.checked_in ?? 0) + (counted.no_show ?? 0)).toBe(16)
    const won = ids.map((_, n) => answers.slice(4 * n, 4 * n + 3).filter((each) => each === "200").length)
    expect(won.every((each, n) => each === 1 || (each === 0 && statuses[n] === "no_show"))).toBe(true)
    // Four undo each outcome at once: one of them does.
    const undone = await Promise.all(
      ids.flatMap((id, n) =>
        Array.from({ length: 4 }, () =>
          Promise.all([undo(id, statuses[n] === "no_show" ? "no-show" : "check-in").then(outcome), detect()]),
        ),
      ),
    )
    expect(tally(undone.map(([code]) => code.slice(0, 3)))).toEqual({ "200": 16, "409": 48 })
    expect(tally(await Promise.all(ids.map(statusOf)))).toEqual({ confirmed: 16 })
    expect(await detect()).toBe(0)
  })
  for (const { id } of players) {
    const strikes: number[] = await strikesOf(id)
    expect(strikes.reduce((sum, each) => sum + each, 0)).toBe(0)
    expect((await feesOf(id)).every(Boolean)).toBe(true)
  }
}, 30_000)
