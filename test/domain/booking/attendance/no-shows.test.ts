// The day of play: codes for checking in, and the cost of a no-show.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { noShowDetection } from "#actors/jobs/no-show-detection.ts"
import { jobsUserId } from "#base/ids.ts"
import { countDueNoShows, detectNoShows } from "#domain/booking/attendance/no-shows.ts"
import {
  aBookingClub,
  type BookingClub,
  offline,
  online,
  outcome,
  storyOf,
  tally,
} from "#test/harness/club/booking-club.ts"
import { atMinuteOf } from "#test/harness/club/bookings.ts"
import { aMember, type Person, run } from "#test/harness/club/club.ts"
import { atHour } from "#test/harness/club/hours.ts"

let club: BookingClub
let hour = 0

beforeAll(async () => {
  club = await aBookingClub()
})
afterAll(() => club.api.database.drop())
beforeEach(() => {
  hour++
})

const db = () => club.api.database.db
const atMinute = <T>(minutes: number, work: () => Promise<T>) => atMinuteOf(db(), hour, minutes, work)
const book = async (bookerId = club.player.id, more: object = {}) =>
  (await club.post(club.staff, "/bookings", offline(club, hour, { bookerId, ...more }))).body
const miss = (id: string, by: Person = club.staff) => club.post(by, `/bookings/${id}/no-show`)
const waive = (id: string) => club.post(club.staff, `/bookings/${id}/no-show/waive`, { reason: "The tram broke down" })
const strikesOf = async (by: Person, userId: string) =>
  (await club.get(by, `/strikes?userId=${userId}`)).body.data as Record<string, unknown>[]

describe("checking in with a code", () => {
  const codesOf = async (by: Person, id: string) => (await club.get(by, `/bookings/${id}/check-in-code`)).body
  const checkIn = (by: Person | undefined, id: string, how: Record<string, unknown> = {}) =>
    club.post(by, `/bookings/${id}/check-in`, how)
  const said = async (id: string) => {
    const { checkedInBy, method } = (await storyOf(club, id)).last ?? {}
    return [checkedInBy, method]
  }

  test("the booker, their parent, staff and a door each leave their own trace", async () => {
    const each: [string, Person | undefined, string, string, string][] = [
      [club.player.id, club.player, "qr_code", "qrPayload", "self"],
      [club.child.id, club.parent, "access_code", "accessCode", "self"],
      [club.player.id, club.staff, "qr_code", "qrPayload", "staff"],
      [club.player.id, undefined, "access_code", "accessCode", "self"],
    ]
    for (const [bookerId, by, method, code, expected] of each) {
      hour++
      const { id } = await book(bookerId)
      const codes = await codesOf(club.staff, id)
      expect(codes).toEqual({
        bookingId: id,
        qrPayload: expect.stringMatching(new RegExp(`^slotbase:check-in:${club.id}:${id}:[\\w-]{22}$`)),
        accessCode: expect.stringMatching(/^\d{6}$/),
      })
      await atMinute(-10, async () => {
        expect((await checkIn(by, id, { method, code: codes[code] })).body.status).toBe("checked_in")
      })
      expect(await said(id)).toEqual([expected, method])
    }
    hour++
    const { id } = await book()
    await atMinute(-10, () => checkIn(club.staff, id))
    expect(await said(id)).toEqual(["staff", "manual"])
  })

  test("a code is valid for its own booking only, is visible to its audience, and guesses are limited", async () => {
    const [mine, other] = [await book(), await book(club.friend.id, { resourceId: club.otherCourt })]
    expect(outcome(await club.get(club.friend, `/bookings/${mine.id}/check-in-code`))).toBe("404 not_found")
    const { accessCode, qrPayload } = await codesOf(club.staff, other.id)
    await atMinute(-10, async () => {
      for (const how of [
        { method: "qr_code", code: qrPayload },
        { method: "access_code", code: accessCode },
        { method: "qr_code", code: accessCode },
      ]) {
        const { status, body } = await checkIn(club.player, mine.id, how)
        expect([status, body.code, body.errors[0].path]).toEqual([422, "wrong_check_in_code", "body.code"])
      }
      const guesses = []
      for (let n = 0; n < 4; n++)
        guesses.push(outcome(await checkIn(club.player, mine.id, { method: "access_code", code: `00000${n}` })))
      expect(guesses).toEqual([
        "422 wrong_check_in_code",
        "422 wrong_check_in_code",
        "429 too_many_requests",
        "429 too_many_requests",
      ])
      expect(outcome(await checkIn(club.staff, mine.id))).toBe("200")
    })
    expect(outcome(await club.get(club.player, `/bookings/${mine.id}/check-in-code`))).toBe("409 booking_not_confirmed")
  })
})

describe("a no-show", () => {
  test("without a policy is a strike and nothing more", async () => {
    const player = await aMember(db(), "player", club.id)
    const { id } = await book(player.id)
    const { body } = await atMinute(10, () => miss(id))
    expect(body.status).toBe("no_show")
    expect((await storyOf(club, id)).last).toEqual({
      bookingId: id,
      facilityId: club.id,
      userId: player.id,
      scheduledAt: atHour(hour).startAt,
      markedAt: body.noShowAt,
      feeCharged: 0,
      strikeCount: 1,
      restrictionApplied: false,
    })
  })

  test("costs the fee, and from the threshold on the right to book, until it is waived", async () => {
    await club.policy({ noShowFee: 500, strikeThreshold: 2, restrictionDays: 7, checkInGraceMinutes: 15 })
    const player = await aMember(db(), "player", club.id)
    const [first, second] = [await book(player.id), await book(player.id, { resourceId: club.otherCourt })]
    const events: Record<string, unknown>[] = []
    await atMinute(14, async () => expect(outcome(await miss(first.id))).toBe("409 grace_not_over"))
    await atMinute(15, async () => {
      // At once: each counts the other's strike.
      const both = await Promise.all([first, second].map(({ id }) => miss(id).then(outcome)))
      expect(both).toEqual(["200", "200"])
      for (const { id } of [first, second]) events.push((await storyOf(club, id)).last ?? {})
      events.sort((a, b) => Number(a.strikeCount) - Number(b.strikeCount))
      expect(events).toMatchObject([
        { feeCharged: 500, strikeCount: 1, restrictionApplied: false },
        { feeCharged: 500, strikeCount: 2, restrictionApplied: true },
      ])
      const wish = online(club, hour + 5, { resourceId: club.freeCourt })
      const refused = await club.post(player, "/bookings", wish)
      expect(outcome(refused)).toBe("422 booking_restricted")
      const until = new Date(Date.parse(String(events[1]?.markedAt)) + 7 * 86_400_000).toISOString().slice(0, 16)
      expect(refused.body.detail).toContain(`cannot book until ${until}`)
      expect(outcome(await club.post(club.staff, "/bookings", { ...wish, bookerId: player.id }))).toBe("201")

      const waiver = await waive(first.id)
      expect(waiver.body).toMatchObject({ bookingId: first.id, userId: player.id, feeWaived: 500, strikeCount: 1 })
      expect((await storyOf(club, first.id)).last).toEqual({
        bookingId: first.id,
        facilityId: club.id,
        userId: player.id,
        waivedBy: club.staff.id,
        waivedAt: waiver.body.waivedAt,
        reason: "The tram broke down",
        feeWaived: 500,
        strikeCount: 1,
      })
      const again = online(club, hour + 6, { resourceId: club.freeCourt })
      expect(outcome(await club.post(player, "/bookings", again))).toBe("201")
    })
    const ledger = await strikesOf(player, player.id)
    expect(ledger.map(({ points, madeBy, feeAmount, reason }) => [points, madeBy, feeAmount, reason])).toEqual([
      [1, club.staff.id, 500, "No-show"],
      [1, club.staff.id, 500, "No-show"],
      [-1, club.staff.id, 500, "The tram broke down"],
    ])
    const charges = await db()<{ booking: string; waived: boolean }[]>`
      select reference_id as booking, waived_at is not null as waived from slotbase.charges where user_id = ${player.id} order by id`
    expect(charges.map((row) => ({ ...row }))).toEqual([
      { booking: first.id, waived: true },
      { booking: second.id, waived: false },
    ])
    await club.policy({})
  })

  test("is waived once, also by many at once, and other bookings cannot be waived", async () => {
    const { id } = await book()
    expect(outcome(await waive(id))).toBe("409 booking_not_no_show")
    await atMinute(10, () => miss(id))
    const waivers = await Promise.all([waive(id), waive(id), waive(id)].map((each) => each.then(outcome)))
    expect(tally(waivers)).toEqual({ "200": 1, "409 no_show_waived": 2 })
  })
})

describe("no-show-detection", () => {
  const pass = () => noShowDetection(club.api.app).pass(new AbortController().signal)

  test("marks absent bookings once after the grace period, and no others", async () => {
    const idle = await book()
    await atMinute(59, async () => {
      expect(await pass()).toEqual({ more: false, did: { noShows: 0 } })
      // A booking that began before the facility had a grace period stays as it is.
      await club.policy({ checkInGraceMinutes: 10, noShowFee: 300 })
      expect((await pass()).did).toEqual({ noShows: 0 })
    })
    hour++
    const player = await aMember(db(), "player", club.id)
    const missed = await book(player.id)
    const here = await book(player.id, { resourceId: club.otherCourt })
    const blocked = await book(player.id, {
      resourceId: club.freeCourt,
      bookingType: "maintenance",
      paymentMethod: "waived",
    })
    await atMinute(-5, () => club.post(club.staff, `/bookings/${here.id}/check-in`))
    await atMinute(9, async () => expect((await pass()).did).toEqual({ noShows: 0 }))
    await atMinute(10, async () => {
      expect(await countDueNoShows(db(), club.id)).toBe(1)
      const passes = await Promise.all([pass(), pass(), pass()])
      expect(passes.map(({ did }) => did?.noShows).sort()).toEqual([0, 0, 1])
    })
    expect((await storyOf(club, missed.id)).last).toMatchObject({ feeCharged: 300, strikeCount: 1 })
    const [event] = await db()<{ user_id: string; correlation_id: string }[]>`
      select user_id, correlation_id from slotbase.events where aggregate_id = ${missed.id} and type = 'booking.no_show'`
    expect(event?.user_id).toBe(jobsUserId)
    const statuses = await Promise.all(
      [idle, here, blocked].map(async ({ id }) => (await club.get(club.staff, `/bookings/${id}`)).body.status),
    )
    expect(statuses).toEqual(["confirmed", "checked_in", "confirmed"])
    await club.policy({})
  })

  test("races with a check-in or a cancellation: one of them gets the booking", async () => {
    await atMinute(0, () => club.policy({ checkInGraceMinutes: 10 }))
    for (let round = 0; round < 4; round++) {
      hour++
      const { id } = await book()
      await atMinute(10, async () => {
        const [came] = await Promise.all([
          round % 2
            ? club.post(club.player, `/bookings/${id}/check-in`).then(outcome)
            : club.post(club.staff, `/bookings/${id}/cancel`, { cancellationReason: "x" }).then(outcome),
          run(db(), (tx) => detectNoShows(tx, 10)),
        ])
        const { status } = (await club.get(club.staff, `/bookings/${id}`)).body
        const won = round % 2 ? "checked_in" : "cancelled"
        expect([came, status]).toEqual(came === "200" ? ["200", won] : ["409 booking_not_confirmed", "no_show"])
      })
    }
    await club.policy({})
  })
})
