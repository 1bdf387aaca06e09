// A change of a series changes what it names. What it does not name stays as each booking has it, and what was changed
// in one booking by itself stays too. Ends by the clock, and the days on which the clocks change.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { type TestApi, testApi } from "#test/harness/api/api.ts"

let api: TestApi
let at: string
let staff: { id: string; token: string }
let player: { id: string; token: string }
/** A court of its own for each test. */
let court: string

const timezone = "Europe/Berlin"
const today = Temporal.Now.plainDateISO(timezone)
/** The local day on which Berlin's clocks next go back, and the one on which they next go forward. */
const [back, forward] = [changeOf(-1), changeOf(1)]

beforeAll(async () => {
  api = await testApi()
  const facilityId = await api.facility({ timezone })
  at = `/v1/facilities/${facilityId}`
  staff = await api.person("staff", facilityId)
  player = await api.person("player", facilityId)
})
afterAll(() => api.database.drop())
beforeEach(async () => {
  court = await aCourt()
})

describe("a change of a series", () => {
  test("of the length, after an hour that was changed for the following ones, changes only the length", async () => {
    const { id, ids } = await weekly()
    await change(id, { scope: "following", bookingId: ids[2], startTime: "20:00" })
    const { status, body } = await change(id, { scope: "all", durationMinutes: 90 })
    expect(status).toBe(200)
    expect(await times(id)).toEqual(["18:00–19:30", "18:00–19:30", "20:00–21:30", "20:00–21:30"])
    expect(body).toMatchObject({ startTime: "20:00", durationMinutes: 90, endTime: null })
  })

  test("of the hour keeps each booking's length, and of the court each booking's time", async () => {
    const { id, ids } = await weekly()
    await change(id, { scope: "following", bookingId: ids[1], durationMinutes: 120 })
    await change(id, { scope: "all", startTime: "17:00" })
    expect(await times(id)).toEqual(["17:00–18:00", "17:00–19:00", "17:00–19:00", "17:00–19:00"])
    await change(id, { scope: "following", bookingId: ids[3], startTime: "09:00" })
    const other = await aCourt()
    await change(id, { scope: "all", resourceId: other })
    expect(await times(id)).toEqual(["17:00–18:00", "17:00–19:00", "17:00–19:00", "09:00–11:00"])
    expect(await courts(id)).toEqual(Array(4).fill(other))
  })

  test("leaves a booking that was moved by itself, whose old time another one may have taken", async () => {
    const { id, ids } = await weekly()
    await change(id, { scope: "this", bookingId: ids[1], startTime: "10:00" })
    expect((await read(id)).occurrences.map((each: { movedAlone: boolean }) => each.movedAlone)).toEqual([
      ...[false, true, false, false],
    ])
    expect((await book(days[1], "18:00")).status).toBe(201)
    expect((await change(id, { scope: "all", durationMinutes: 45 })).status).toBe(200)
    expect(await times(id)).toEqual(["18:00–18:45", "10:00–10:45", "18:00–18:45", "18:00–18:45"])
    expect((await change(id, { scope: "all", startTime: "18:30" })).status).toBe(200)
    expect(await times(id)).toEqual(["18:30–19:15", "10:00–10:45", "18:30–19:15", "18:30–19:15"])
    const refused = await change(id, { scope: "all", startTime: "18:15", includeMoved: true })
    expect([refused.status, refused.body.occurrences?.[0]?.occursOn]).toEqual([409, days[1]])
    await change(id, { scope: "all", startTime: "20:00", includeMoved: true })
    expect(await times(id)).toEqual(Array(4).fill("20:00–20:45"))
    expect((await read(id)).occurrences.some((each: { movedAlone: boolean }) => each.movedAlone)).toBe(false)
  })

  test("leaves a length and a court that one booking got by itself, and what was cancelled", async () => {
    const { id, ids } = await weekly()
    const other = await aCourt()
    await change(id, { scope: "this", bookingId: ids[0], durationMinutes: 120 })
    await change(id, { scope: "this", bookingId: ids[2], resourceId: other })
    await api.call("POST", `${at}/recurring-bookings/${id}/cancel`, {
      body: { scope: "this", bookingId: ids[3], cancellationReason: "ill" },
    })
    const third = await aCourt()
    await change(id, { scope: "all", startTime: "19:00", durationMinutes: 30, resourceId: third })
    expect(await times(id)).toEqual(["19:00–21:00", "19:00–19:30", "19:00–19:30", "18:00–19:00"])
    expect(await courts(id)).toEqual([third, third, other, court])
  })

  test("moves bookings that lie behind one another, the earlier hours up and the later ones down", async () => {
    const daily = { rule: "FREQ=DAILY;COUNT=4", durationMinutes: 24 * 60, startTime: "00:00" }
    const { id, ids } = await series(daily)
    expect((await change(id, { scope: "all", startTime: "12:00" })).status).toBe(200)
    expect((await change(id, { scope: "all", startTime: "06:00" })).status).toBe(200)
    await change(id, { scope: "following", bookingId: ids[2], durationMinutes: 60 })
    expect((await change(id, { scope: "following", bookingId: ids[2], startTime: "20:00" })).status).toBe(200)
    expect(await times(id)).toEqual(["06:00–06:00", "06:00–06:00", "20:00–21:00", "20:00–21:00"])
  })
})

describe("where the clocks go back", () => {
  test("a booking at the second 02:30 stays there when only its length changes", async () => {
    const from = back.subtract({ days: 1 }).toString()
    const { id, ids } = await series({ startDate: from, startTime: "02:30", rule: "FREQ=DAILY;COUNT=3" })
    const second = back.toZonedDateTime({ timeZone: "+01:00", plainTime: "02:30" }).epochMilliseconds
    const moved = await api.call("POST", `${at}/bookings/${ids[1]}/reschedule`, {
      body: { startAt: iso(second), endAt: iso(second + 3_600_000) },
    })
    expect(moved.status).toBe(200)
    await change(id, { scope: "this", bookingId: ids[1], durationMinutes: 90 })
    expect((await booking(ids[1])).startAt).toBe(iso(second))
    await change(id, { scope: "all", durationMinutes: 45 })
    await change(id, { scope: "all", durationMinutes: 30, includeMoved: true })
    await change(id, { scope: "all", startTime: "02:30", includeMoved: true })
    expect(await booking(ids[1])).toMatchObject({ startAt: iso(second), endAt: iso(second + 30 * 60_000) })
  })

  test("a whole local day of 25 hours can be booked, and no longer time", async () => {
    const [start, end] = [back, back.add({ days: 1 })].map((day) => day.toZonedDateTime(timezone).epochMilliseconds)
    const ask = (startAt = 0, endAt = 0) =>
      api.call("POST", `${at}/bookings`, {
        body: {
          ...{ resourceId: court, bookerId: player.id, paymentMethod: "waived" },
          ...{ startAt: iso(startAt), endAt: iso(endAt) },
        },
      })
    const tooLong = await ask(start, (end ?? 0) + 60_000)
    expect([tooLong.status, tooLong.body.code, tooLong.body.errors?.[0]?.path]).toEqual([
      ...[422, "invalid_input", "body.endAt"],
    ])
    const day = await ask(start, end)
    expect([day.status, (Date.parse(day.body.endAt) - Date.parse(day.body.startAt)) / 3_600_000]).toEqual([201, 25])
    // 25 hours of another day are more than a day.
    expect((await ask((end ?? 0) + 1, (end ?? 0) + 25 * 3_600_000)).status).toBe(422)
  })
})

describe("an end by the clock", () => {
  test("is 06:00 on both sides of both changes of the clocks", async () => {
    for (const [change, hours] of [
      [back, [8, 9, 8]],
      [forward, [8, 7, 8]],
    ] as const) {
      const nights = { startDate: change.subtract({ days: 2 }).toString(), rule: "FREQ=DAILY;COUNT=3" }
      const made = await series({ ...nights, startTime: "22:00", endTime: "06:00", durationMinutes: undefined })
      expect(made).toMatchObject({ startTime: "22:00", endTime: "06:00", durationMinutes: 480 })
      expect(await times(made.id)).toEqual(Array(3).fill("22:00–06:00"))
      expect(await hoursOf(made.id)).toEqual(hours)
    }
  })

  test("is kept by a change of the start, and becomes a length when the request names one", async () => {
    const startDate = back.subtract({ days: 2 }).toString()
    const nights = { startDate, startTime: "22:00", endTime: "06:00", durationMinutes: undefined }
    const { id } = await series({ ...nights, rule: "FREQ=DAILY;COUNT=3" })
    const later = await change(id, { scope: "all", startTime: "23:00" })
    expect(later.body).toMatchObject({ startTime: "23:00", endTime: "06:00", durationMinutes: 420 })
    expect(await times(id)).toEqual(Array(3).fill("23:00–06:00"))
    await change(id, { scope: "all", endTime: "05:00" })
    expect(await hoursOf(id)).toEqual([6, 7, 6])
    const fixed = await change(id, { scope: "all", durationMinutes: 120 })
    expect(fixed.body).toMatchObject({ endTime: null, durationMinutes: 120 })
    expect(await times(id)).toEqual(Array(3).fill("23:00–01:00"))
  })

  test("leaves a booking that was moved by itself, whose end is another one", async () => {
    const { id, ids } = await weekly()
    await change(id, { scope: "this", bookingId: ids[1], startTime: "20:00" })
    await change(id, { scope: "this", bookingId: ids[2], startTime: "09:00" })
    expect((await change(id, { scope: "all", endTime: "19:30" })).status).toBe(200)
    expect(await times(id)).toEqual(["18:00–19:30", "20:00–21:00", "09:00–10:00", "18:00–19:30"])
    await change(id, { scope: "all", endTime: "22:00", includeMoved: true })
    expect(await times(id)).toEqual(["18:00–22:00", "20:00–22:00", "09:00–22:00", "18:00–22:00"])
  })

  test("may be midnight, so that each whole local day is booked: of 24 hours and of 25", async () => {
    const startDate = back.subtract({ days: 1 }).toString()
    const whole = { startDate, startTime: "00:00", endTime: "24:00", durationMinutes: undefined }
    const { id, durationMinutes } = await series({ ...whole, rule: "FREQ=DAILY;COUNT=3" })
    expect([durationMinutes, await hoursOf(id)]).toEqual([1440, [24, 25, 24]])
  })

  test("stands in place of a length, and is later than the start", async () => {
    const refused = async (more: object) => {
      const { status, body } = await ask(more)
      return [status, body.code, body.errors?.[0]?.path]
    }
    expect(await refused({ endTime: "20:00" })).toEqual([422, "invalid_input", "body.durationMinutes"])
    expect(await refused({ durationMinutes: undefined })).toEqual([422, "invalid_input", "body.durationMinutes"])
    const close = { durationMinutes: undefined, endTime: "18:02" }
    expect(await refused(close)).toEqual([422, "invalid_input", "body.endTime"])
    const { id } = await weekly()
    const both = await change(id, { scope: "all", durationMinutes: 60, endTime: "20:00" })
    expect([both.status, both.body.errors?.[0]?.path]).toEqual([422, "body.endTime"])
    await change(id, { scope: "all", endTime: "20:00" })
    const none = await change(id, { scope: "all", startTime: "19:58" })
    expect([none.status, none.body.errors?.[0]?.path]).toEqual([422, "body.startTime"])
    expect(await times(id)).toEqual(Array(4).fill("18:00–20:00"))
  })
})

const days = [1, 8, 15, 22].map((n) => today.add({ days: n + 1 }).toString())
const wanted = (more: object) => ({
  ...{ resourceId: court, bookerId: player.id, paymentMethod: "waived" },
  ...{ startDate: days[0], startTime: "18:00", durationMinutes: 60, rule: "FREQ=WEEKLY;COUNT=4", ...more },
})
const ask = (more: object) => api.call("POST", `${at}/recurring-bookings`, { body: wanted(more), token: staff.token })
async function series(more: object) {
  const { status, body } = await ask(more)
  if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`)
  return { ...body, ids: body.occurrences.map(({ bookingId }: { bookingId: string }) => bookingId) }
}
const weekly = () => series({})
const change = (id: string, body: object) =>
  api.call("PATCH", `${at}/recurring-bookings/${id}`, { body, token: staff.token })
const read = async (id: string) => (await api.call("GET", `${at}/recurring-bookings/${id}`)).body
const booking = async (id: string) => (await api.call("GET", `${at}/bookings/${id}`)).body
const book = (day = "", time = "") => {
  const start = Temporal.PlainDate.from(day).toZonedDateTime({ timeZone: timezone, plainTime: time }).epochMilliseconds
  return api.call("POST", `${at}/bookings`, {
    body: {
      ...{ resourceId: court, bookerId: player.id, paymentMethod: "waived" },
      ...{ startAt: iso(start), endAt: iso(start + 30 * 60_000) },
    },
  })
}
async function aCourt(): Promise<string> {
  const body = { name: "Court", resourceType: `court ${crypto.randomUUID()}`, hourlyPrice: 0 }
  return (await api.call("POST", `${at}/resources`, { body })).body.id
}

interface Stretch {
  readonly startAt: string
  readonly endAt: string
  readonly bookingId: string
}
const iso = (ms: number) => new Date(ms).toISOString()
const clock = (instant: string) =>
  Temporal.Instant.from(instant).toZonedDateTimeISO(timezone).toPlainTime().toString().slice(0, 5)
const times = async (id: string) =>
  (await read(id)).occurrences.map(({ startAt, endAt }: Stretch) => `${clock(startAt)}–${clock(endAt)}`)
const hoursOf = async (id: string) =>
  (await read(id)).occurrences.map(
    ({ startAt, endAt }: Stretch) => (Date.parse(endAt) - Date.parse(startAt)) / 3_600_000,
  )
const courts = async (id: string) =>
  Promise.all((await read(id)).occurrences.map(async ({ bookingId }: Stretch) => (await booking(bookingId)).resourceId))

function changeOf(direction: 1 | -1): Temporal.PlainDate {
  let at = today.add({ days: 40 }).toZonedDateTime(timezone)
  for (;;) {
    const next = at.getTimeZoneTransition("next")
    if (next === null) throw new Error("changeOf: the zone has no more changes")
    const before = next.subtract({ nanoseconds: 1 })
    if (Math.sign(next.offsetNanoseconds - before.offsetNanoseconds) === direction) return next.toPlainDate()
    at = next
  }
}
