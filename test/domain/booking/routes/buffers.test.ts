// Grid, lengths and buffers over HTTP: what members may book is what availability lists and what refusals offer. Of two
// bookings next to each other the constraint decides with their buffers, under any load.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { aBookingClub, type Body, type BookingClub, online, outcome, tally } from "#test/harness/club/booking-club.ts"
import { atHour, dayOf } from "#test/harness/club/hours.ts"

let club: BookingClub
let hour = 24

beforeAll(async () => {
  club = await aBookingClub()
})
afterAll(() => club.api.database.drop())
beforeEach(async () => {
  hour += 24
  await club.policy({})
})

const minuteMs = 60_000
const at = (from: number, minutes = 0) => new Date(Date.parse(atHour(from).startAt) + minutes * minuteMs).toISOString()
/** From so many minutes after the hour, so many minutes long. */
const stretch = (after: number, minutes: number): Body => ({
  startAt: at(hour, after),
  endAt: at(hour, after + minutes),
})
const member = (after: number, minutes: number, more: Body = {}) =>
  club.post(
    club.player,
    "/bookings",
    online(club, hour, { resourceId: club.freeCourt, ...stretch(after, minutes), ...more }),
  )
const desk = (after: number, minutes: number, more: Body = {}) =>
  club.post(
    club.staff,
    "/bookings",
    online(club, hour, { ...stretch(after, minutes), bookerId: club.player.id, paymentMethod: "offline", ...more }),
  )
const slotsOf = async (resourceId: string, date = dayOf(hour)) =>
  (await club.get(club.player, `/availability?date=${date}&resourceId=${resourceId}`)).body.slots as {
    startAt: string
    endAt: string
    status: string
  }[]
const statusesAt = async (resourceId: string, ...hours: number[]) => {
  const slots = await slotsOf(resourceId)
  return hours.map((each) => slots.find(({ startAt }) => startAt === at(each))?.status)
}
const occupiedUntil = async (id: string) =>
  (
    await club.api.database.db<{ until: Date }[]>`
      select upper(during) as until from slotbase.occupancies where booking_id = ${id}`
  )[0]?.until.toISOString()

describe("grid and lengths", () => {
  test("a member can't take five minutes out of two slots; staff can", async () => {
    await club.policy({ startGridMinutes: 60, minBookingMinutes: 60, maxBookingMinutes: 120, bookingStepMinutes: 60 })
    const refused = await member(57, 60)
    expect([outcome(refused), refused.body.errors]).toEqual([
      "422 off_grid",
      [{ path: "body.startAt", message: `must be ${at(hour, 60)} or ${at(hour)}` }],
    ])
    const short = await member(57, 5)
    expect([outcome(short), short.body.errors]).toEqual([
      "422 too_short",
      [{ path: "body.endAt", message: "must be 60 minutes after startAt" }],
    ])
    expect(outcome(await member(0, 90))).toBe("422 off_step")
    expect(outcome(await member(0, 180))).toBe("422 too_long")
    expect(outcome(await club.post(club.player, "/holds", { resourceId: club.court, ...stretch(57, 60) }))).toBe(
      "422 off_grid",
    )
    expect(outcome(await member(0, 120))).toBe("201")
    expect(outcome(await desk(57, 5))).toBe("201")
  })

  test("wishes keep the rules like bookings; a move of the member is judged by what changes", async () => {
    const { id } = (await desk(7, 60)).body
    await club.policy({ startGridMinutes: 60, maxBookingMinutes: 60 })
    const wish = { resourceId: club.court, ...stretch(7, 60) }
    expect(outcome(await club.post(club.friend, "/waitlist", wish))).toBe("422 off_grid")
    const move = (to: Body) => club.post(club.player, `/bookings/${id}/reschedule`, to)
    expect(outcome(await move(stretch(37, 60)))).toBe("422 off_grid")
    expect(outcome(await move(stretch(7, 70)))).toBe("422 too_long")
    expect(outcome(await move({ ...stretch(7, 60), resourceId: club.otherCourt }))).toBe("200")
    expect(outcome(await move(stretch(60, 60)))).toBe("200")
  })

  test("alternatives begin on the grid", async () => {
    await club.policy({ startGridMinutes: 90 })
    await desk(0, 600, { resourceId: club.freeCourt })
    const day = (await slotsOf(club.freeCourt)).map(({ startAt }) => startAt)
    const start = day[6] as string
    await desk(0, 600, { resourceId: club.court })
    await desk(0, 600, { resourceId: club.otherCourt })
    const endAt = new Date(Date.parse(start) + 60 * minuteMs).toISOString()
    const lost = await club.post(
      club.player,
      "/bookings",
      online(club, hour, { resourceId: club.freeCourt, startAt: start, endAt }),
    )
    expect(outcome(lost)).toBe("409 slot_taken")
    for (const { startAt } of lost.body.alternatives) expect(day).toContain(startAt)
    expect(lost.body.alternatives).toHaveLength(3)
  })

  test("settings that no booking could keep are refused, each with its field", async () => {
    const paths = async (body: Body) => {
      const { status, body: answer } = await club.policy(body)
      return [status, answer.code, answer.errors?.map(({ path }: { path: string }) => path)]
    }
    expect(await paths({ minBookingMinutes: 90, maxBookingMinutes: 60 })).toEqual([
      422,
      "invalid_input",
      ["body.maxBookingMinutes"],
    ])
    expect(await paths({ minBookingMinutes: 45, maxBookingMinutes: 100, bookingStepMinutes: 30 })).toEqual([
      422,
      "invalid_input",
      ["body.minBookingMinutes", "body.maxBookingMinutes"],
    ])
    expect(await paths({ buffers: [{ minutes: 5 }, { minutes: 10 }] })).toEqual([
      422,
      "invalid_input",
      ["body.buffers.1"],
    ])
    expect(await paths({ buffers: [{ minutes: 5, resourceId: club.player.id }] })).toEqual([
      422,
      "resource_unknown",
      ["body.buffers.0.resourceId"],
    ])
  })
})

describe("a buffer", () => {
  test("blocks the time after a booking for everybody, is not paid for, and shows as blocked", async () => {
    await club.policy({ buffers: [{ minutes: 10 }] })
    const first = await desk(120, 60)
    expect(first.body).toMatchObject({ bufferMinutes: 10, endAt: at(hour + 3), priceAmount: 2400 })
    expect(await occupiedUntil(first.body.id)).toBe(at(hour + 3, 10))
    // The slot before has no room for its own buffer.
    expect(await statusesAt(club.court, hour, hour + 1, hour + 2, hour + 3, hour + 4)).toEqual([
      "free",
      "blocked",
      "booked",
      "blocked",
      "free",
    ])
    const refused = await desk(185, 60)
    expect([outcome(refused), refused.body.conflicts]).toEqual([
      "409 slot_taken",
      [{ startAt: at(hour + 2), endAt: at(hour + 3, 10), status: "confirmed" }],
    ])
    expect(outcome(await desk(60, 60))).toBe("409 slot_taken")
    expect(outcome(await desk(190, 60))).toBe("201")
    expect(outcome(await desk(50, 60))).toBe("201")
  })

  test("is that of the resource before that of the type, and stays what it was until the booking moves", async () => {
    const { court, otherCourt } = club
    await club.policy({
      buffers: [
        { minutes: 5 },
        { minutes: 20, bookingType: "lesson" },
        { minutes: 7, resourceId: court.toUpperCase() },
        { minutes: 30, resourceId: court, bookingType: "lesson" },
      ],
    })
    const made = async (resourceId: string, bookingType: string, after: number) =>
      (await desk(after, 30, { resourceId, bookingType })).body.bufferMinutes
    expect([
      await made(otherCourt, "open_play", 0),
      await made(otherCourt, "lesson", 60),
      await made(court, "open_play", 0),
      await made(court, "lesson", 60),
    ]).toEqual([5, 20, 7, 30])
    const { id } = (await desk(180, 30, { resourceId: court })).body
    await club.policy({ buffers: [{ minutes: 15 }] })
    expect(await occupiedUntil(id)).toBe(at(hour, 217))
    const moved = await club.post(club.staff, `/bookings/${id}/reschedule`, stretch(240, 30))
    expect([moved.body.bufferMinutes, await occupiedUntil(id)]).toEqual([15, at(hour, 285)])
    // A move that fails leaves the old buffer where it was.
    const failed = await club.post(club.staff, `/bookings/${id}/reschedule`, stretch(0, 30))
    expect([outcome(failed), await occupiedUntil(id)]).toEqual(["409 slot_taken", at(hour, 285)])
  })

  test("may reach over the closing time and midnight, and changes the cached day behind it", async () => {
    await club.policy({ buffers: [{ minutes: 120 }] })
    const [first] = await slotsOf(club.court)
    const midnight = Date.parse(first?.startAt as string)
    const startAt = new Date(midnight - 60 * minuteMs).toISOString()
    const firstSlots = async () => (await slotsOf(club.court)).slice(0, 3).map(({ status }) => status)
    expect(await firstSlots()).toEqual(["free", "free", "free"])
    await club.post(club.staff, "/bookings", {
      ...online(club, hour, { bookerId: club.player.id, paymentMethod: "waived" }),
      startAt,
      endAt: new Date(midnight).toISOString(),
    })
    expect(await firstSlots()).toEqual(["blocked", "blocked", "free"])
    const closing = await club.post(undefined, "/closures", {
      startAt: new Date(midnight).toISOString(),
      endAt: new Date(midnight + 60 * minuteMs).toISOString(),
      reason: "The floor is cleaned",
    })
    expect([closing.status, closing.body.bookings]).toEqual([201, []])
  })

  test("of an expired hold does not stand in the way", async () => {
    await club.policy({ buffers: [{ minutes: 30 }] })
    const hold = await club.post(club.player, "/holds", { resourceId: club.court, ...stretch(0, 60) })
    expect(outcome(await desk(75, 60))).toBe("409 slot_taken")
    await club.api.database.db`
      update slotbase.bookings set hold_expires_at = slotbase.now() where id = ${hold.body.id}`
    expect(outcome(await desk(75, 60))).toBe("201")
  })

  test("frees its time with its booking: who waited for it gets the offer, and nobody whose own buffer has no room", async () => {
    await club.policy({ buffers: [{ minutes: 10 }] })
    const first = await desk(0, 60)
    await desk(180, 60)
    const wish = async (after: number, minutes: number) =>
      (await club.post(club.friend, "/waitlist", { resourceId: club.court, ...stretch(after, minutes) })).body.id
    const [behind, before] = [await wish(60, 110), await wish(-60, 60)]
    const noRoom = await wish(60, 115)
    await club.post(club.staff, `/bookings/${first.body.id}/cancel`, { cancellationReason: "rain" })
    const statusOf = async (id: string) => (await club.get(club.friend, `/waitlist/${id}`)).body.status
    expect([await statusOf(behind), await statusOf(before), await statusOf(noRoom)]).toEqual([
      "offered",
      "offered",
      "waiting",
    ])
  })

  test("decides among 64 clients: of two hours next to each other exactly one is booked", async () => {
    await club.policy({ buffers: [{ minutes: 10 }] })
    const started = performance.now()
    let worst = 0
    const outcomes = await Promise.all(
      Array.from({ length: 64 }, async (_, n) => {
        const answer = await desk((n % 2) * 60, 60)
        worst = Math.max(worst, performance.now() - started)
        return outcome(answer)
      }),
    )
    expect(tally(outcomes)).toEqual({ "201": 1, "409 slot_taken": 63 })
    console.log(`64 clients, two hours with a buffer between them: worst wait ${Math.round(worst)} ms`)
  })
})

test("each free slot can be booked by a member, with any rules, and then no two bookings are too near", async () => {
  await club.policy({
    startGridMinutes: 45,
    minBookingMinutes: 40,
    maxBookingMinutes: 80,
    bookingStepMinutes: 20,
    buffers: [{ minutes: 25 }],
  })
  await desk(7, 33, { resourceId: club.freeCourt })
  await desk(300, 55, { resourceId: club.freeCourt })
  for (let left = 30; left > 0; left--) {
    const free = (await slotsOf(club.freeCourt)).find(({ status }) => status === "free")
    if (!free) break
    const { startAt, endAt } = free
    expect(outcome(await member(0, 0, { startAt, endAt }))).toBe("201")
  }
  expect((await slotsOf(club.freeCourt)).filter(({ status }) => status === "free")).toEqual([])
})
