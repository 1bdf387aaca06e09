// Recurring bookings over HTTP: the real bookings of the window, and conflicts. They also cover changes of one
// occurrence, of the following ones and of all, and the moving window.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { recurringExtension } from "#actors/jobs/recurring-extension.ts"
import { createHooks } from "#hooks/create-hooks.ts"
import { type Answer, type TestApi, testApi } from "#test/harness/api/api.ts"
import { refusalOf } from "#test/harness/api/booking-api.ts"

let api: TestApi
let facilityId: string
let staff: { id: string; token: string }
let player: { id: string; token: string }
/** A court of its own for each test. */
let court: string

const timezone = "Europe/Berlin"
const today = Temporal.Now.zonedDateTimeISO(timezone).toPlainDate()
const day = (n: number) => today.add({ days: n }).toString()
/** The instant of a local time, n days from today. */
const at = (n: number, time: string) =>
  new Date(
    Temporal.PlainDate.from(day(n)).toZonedDateTime({ timeZone: timezone, plainTime: time }).epochMilliseconds,
  ).toISOString()
const localTime = (instant: string) =>
  Temporal.Instant.from(instant).toZonedDateTimeISO(timezone).toPlainTime().toString().slice(0, 5)

beforeAll(async () => {
  api = await testApi()
  facilityId = await api.facility({ timezone })
  staff = await api.person("staff", facilityId)
  player = await api.person("player", facilityId)
})
afterAll(() => api.database.drop())
beforeEach(async () => {
  court = await aCourt()
})
afterEach(async () => {
  await api.database.db`update slotbase.clock set shift = '0'`
})

const base = () => `/v1/facilities/${facilityId}`
const aCourt = async (hourlyPrice = 2400): Promise<string> =>
  (
    await api.call("POST", `${base()}/resources`, {
      body: { name: "Court", resourceType: `court of its own ${crypto.randomUUID()}`, hourlyPrice },
    })
  ).body.id
const wanted = (more: object = {}) => ({
  resourceId: court,
  bookerId: player.id,
  paymentMethod: "offline",
  startDate: day(2),
  startTime: "18:00",
  durationMinutes: 60,
  rule: "FREQ=DAILY;COUNT=5",
  ...more,
})
const ask = (more: object = {}, token = staff.token) =>
  api.call("POST", `${base()}/recurring-bookings`, { body: wanted(more), token })
const series = async (more: object = {}) => {
  const answer = await ask(more)
  if (answer.status !== 201) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.body
}
const read = async (id: string) => (await api.call("GET", `${base()}/recurring-bookings/${id}`)).body
const book = (n: number, time: string, resourceId = court) =>
  api.call("POST", `${base()}/bookings`, {
    body: {
      resourceId,
      bookerId: player.id,
      paymentMethod: "waived",
      startAt: at(n, time),
      endAt: new Date(Date.parse(at(n, time)) + 3_600_000).toISOString(),
    },
  })
const cancel = (id: string, body: object, token = player.token) =>
  api.call("POST", `${base()}/recurring-bookings/${id}/cancel`, {
    body: { cancellationReason: "tired", ...body },
    token,
  })
const change = (id: string, body: object, token = staff.token) =>
  api.call("PATCH", `${base()}/recurring-bookings/${id}`, { body, token })
const eventsOf = async (answer: Answer) =>
  api.database.db<{ type: string; data: Record<string, unknown>; user_id: string }[]>`
    select type, data, user_id from slotbase.events where correlation_id = ${answer.headers.get("x-correlation-id")} order by id`
const statuses = async (id: string) => (await read(id)).occurrences.map(({ status }: { status: string }) => status)
const startsOf = async (id: string) => (await read(id)).occurrences.map(({ startAt }: { startAt: string }) => startAt)

describe("a series", () => {
  test("books each occurrence of its window, each with its own event; 18:00 stays 18:00 for a year", async () => {
    const answer = await ask({
      rule: "FREQ=WEEKLY",
      windowDays: 365,
      participants: [{ userId: staff.id, role: "guest" }],
    })
    expect(answer.status).toBe(201)
    const { id, occurrences, ...told } = answer.body
    expect(told).toMatchObject({ status: "active", rule: "FREQ=WEEKLY", startDate: day(2), timezone, skipped: [] })
    expect(occurrences).toHaveLength(53)
    expect(new Set(occurrences.map(({ startAt }: { startAt: string }) => localTime(startAt)))).toEqual(
      new Set(["18:00"]),
    )
    // Both clock changes lie inside: in UTC the series has two different hours.
    const utc = new Set(occurrences.map(({ startAt }: { startAt: string }) => startAt.slice(11)))
    expect(utc).toEqual(new Set(["16:00:00.000Z", "17:00:00.000Z"]))
    const events = await eventsOf(answer)
    const confirmed = events.filter(({ type }) => type === "booking.confirmed")
    expect(confirmed).toHaveLength(53)
    for (const { data } of confirmed) {
      expect(data).toMatchObject({
        isRecurring: true,
        recurringBookingId: id,
        bookerId: player.id,
        paymentMethod: "offline",
      })
      expect(data.participants).toEqual([{ userId: staff.id, name: "Mia Keller", role: "guest" }])
    }
    expect(events.filter(({ type }) => type !== "booking.confirmed").map(({ type, data }) => [type, data])).toEqual([
      [
        "recurring_booking.created",
        {
          recurringBookingId: id,
          facilityId,
          resourceId: court,
          bookerId: player.id,
          rule: "FREQ=WEEKLY",
          startDate: day(2),
          startTime: "18:00",
          durationMinutes: 60,
          timezone,
          bookingType: "open_play",
          bookingIds: occurrences.map(({ bookingId }: { bookingId: string }) => bookingId),
          skipped: [],
        },
      ],
    ])
    const single = await api.call("GET", `${base()}/bookings/${occurrences[0].bookingId}`, { token: player.token })
    expect(single.body).toMatchObject({ isRecurring: true, recurringBookingId: id, startAt: at(2, "18:00") })
  })

  test("is refused as a whole by one taken occurrence, and names it; skipConflicts leaves the occurrence out", async () => {
    await book(4, "18:30")
    const refused = await ask()
    expect([refused.status, refused.body.code]).toEqual([409, "occurrences_refused"])
    expect(refused.body.occurrences).toEqual([
      {
        occursOn: day(4),
        resourceId: court,
        startAt: at(4, "18:00"),
        endAt: at(4, "19:00"),
        code: "slot_taken",
        detail: "The slot is taken.",
        conflicts: [{ startAt: at(4, "18:30"), endAt: at(4, "19:30"), status: "confirmed" }],
        alternatives: expect.arrayContaining([expect.objectContaining({ resourceId: court })]),
      },
    ])
    await refusalOf(api, () => ask())
    const report = await series({ skipConflicts: true })
    expect(report.occurrences.map(({ occursOn }: { occursOn: string }) => occursOn)).toEqual([2, 3, 5, 6].map(day))
    expect(report.skipped).toEqual(refused.body.occurrences)
    expect(await statuses(report.id)).toEqual(["confirmed", "confirmed", "skipped", "confirmed", "confirmed"])
    expect((await read(report.id)).occurrences[2]).toMatchObject({ bookingId: null, skippedCode: "slot_taken" })
  })

  test("is paid online only where it costs nothing; members book for themselves, and see their own", async () => {
    const own = { bookerId: undefined, paymentMethod: "online" }
    const paid = await refusalOf(api, () => ask(own, player.token))
    expect([paid.status, paid.code]).toEqual([422, "series_not_paid_online"])
    expect((await ask({ bookerId: undefined }, player.token)).status).toBe(403)
    court = await aCourt(0)
    const free = await ask(own, player.token)
    expect(free.body.occurrences.map(({ status }: { status: string }) => status)).toEqual(Array(5).fill("confirmed"))
    const other = await api.person("player", facilityId)
    const list = async (token: string, query = "") =>
      (await api.call("GET", `${base()}/recurring-bookings?resourceId=${court}${query}`, { token })).body
    expect((await list(player.token)).data.map(({ id }: { id: string }) => id)).toEqual([free.body.id])
    expect((await list(staff.token, "&status=ended")).data).toHaveLength(1)
    expect((await list(other.token)).data).toEqual([])
    expect((await list(other.token, `&bookerId=${player.id}`)).code).toBe("not_allowed")
    const path = `${base()}/recurring-bookings/${free.body.id}`
    expect((await api.call("GET", path, { token: other.token })).status).toBe(404)
    expect((await cancel(free.body.id, { scope: "all" }, other.token)).status).toBe(404)
  })

  test("names the faults of its input, and writes nothing", async () => {
    const refused = async (more: object) => {
      const { status, code, errors } = await refusalOf(api, () => ask(more))
      return [status, code, errors?.[0]?.path]
    }
    expect(await refused({ rule: "FREQ=HOURLY" })).toEqual([422, "invalid_input", "body.rule"])
    expect(await refused({ startTime: "24:00" })).toEqual([422, "invalid_input", "body.startTime"])
    expect(await refused({ startDate: "2026-02-30" })).toEqual([422, "invalid_input", "body.startDate"])
    expect(await refused({ durationMinutes: 0 })).toEqual([422, "invalid_input", "body.durationMinutes"])
    expect(await refused({ windowDays: 366 })).toEqual([422, "invalid_input", "body.windowDays"])
    const twice = [{ userId: player.id }, { userId: player.id.toUpperCase() }]
    expect(await refused({ participants: twice })).toEqual([422, "invalid_input", "body.participants.1.userId"])
    expect(await refused({ startDate: day(-1) })).toEqual([422, "series_starts_in_the_past", "body.startDate"])
    expect(await refused({ rule: "FREQ=DAILY;UNTIL=20200101" })).toEqual([422, "no_occurrences", "body.rule"])
    expect(await refused({ resourceId: crypto.randomUUID() })).toEqual([404, "not_found", undefined])
    expect(await refused({ bookerId: crypto.randomUUID() })).toEqual([422, "invalid_input", "body.bookerId"])
  })

  test("does not let a member hold more slots with pending approval than single requests do", async () => {
    const policy = (approvalBookingTypes: string[]) =>
      api.call("PUT", `${base()}/booking-policy`, { body: { approvalBookingTypes } })
    await policy(["league"])
    const league = { bookingType: "league", paymentMethod: "online" }
    const refused = await refusalOf(api, () => ask({ ...league, rule: "FREQ=DAILY;COUNT=11" }, player.token))
    const allowed = await ask({ ...league, rule: "FREQ=DAILY;COUNT=10" }, player.token)
    await policy([])
    expect([refused.status, refused.code]).toEqual([422, "too_many_holds"])
    expect([allowed.status, await statuses(allowed.body.id)]).toEqual([201, Array(10).fill("pending")])
  })

  test("asks the before hooks about each of its bookings", async () => {
    const app = api.app as { hooks?: ReturnType<typeof createHooks> }
    let asked = 0
    app.hooks = createHooks([
      {
        point: "before:booking.create",
        name: "no third",
        run: () => (++asked === 3 ? { block: "not the third" } : undefined),
      },
    ])
    const report = await series({ skipConflicts: true })
    delete app.hooks
    expect([asked, report.occurrences.length]).toEqual([5, 4])
    expect(report.skipped).toMatchObject([{ occursOn: day(4), code: "blocked_by_hook", detail: "not the third" }])
  })

  test("is authorized again as the before hooks leave its bookings", async () => {
    const app = api.app as { hooks?: ReturnType<typeof createHooks> }
    const run = (given: object) => ({ modify: { ...given, bookerId: staff.id } })
    app.hooks = createHooks([{ point: "before:booking.create", name: "for somebody else", run }])
    const free = { bookingType: "open_play", paymentMethod: "online" }
    const refused = await refusalOf(api, () => ask(free, player.token))
    delete app.hooks
    expect([refused.status, refused.code]).toEqual([403, "not_allowed"])
  })

  test("requested twice at once: one request gets all of it, the other gets the conflicts", async () => {
    const answers = await Promise.all([ask(), ask(), ask()])
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409])
    for (const { body } of answers.filter(({ status }) => status === 409)) expect(body.occurrences).toHaveLength(5)
  })
})

describe("cancelling", () => {
  test("one, the following ones, or all future ones, each like a single booking", async () => {
    const { id, occurrences } = await series({ rule: "FREQ=DAILY", windowDays: 6 })
    const bookingIds = occurrences.map(({ bookingId }: { bookingId: string }) => bookingId)
    expect(bookingIds).toHaveLength(7)
    const one = await cancel(id, { scope: "this", bookingId: bookingIds[1] })
    const said = (scope: string, ids: string[]) => ({
      recurringBookingId: id,
      facilityId,
      bookerId: player.id,
      scope,
      bookingIds: ids,
      cancelledBy: player.id,
      cancellationReason: "tired",
    })
    expect((await eventsOf(one)).map(({ type }) => type)).toEqual(["booking.cancelled", "recurring_booking.cancelled"])
    expect((await eventsOf(one))[1]?.data).toEqual(said("this", [bookingIds[1]]))
    expect(one.body.status).toBe("active")
    const again = await cancel(id, { scope: "this", bookingId: bookingIds[1] })
    expect([again.status, again.body.code]).toEqual([409, "booking_not_confirmed"])

    const following = await cancel(id, { scope: "following", bookingId: bookingIds[4] })
    expect(following.body.status).toBe("ended")
    expect((await eventsOf(following)).at(-1)?.data).toEqual(said("following", bookingIds.slice(4)))
    const c = "cancelled"
    expect(await statuses(id)).toEqual(["confirmed", c, "confirmed", "confirmed", c, c, c])

    const all = await cancel(id, { scope: "all" })
    expect(all.body).toMatchObject({ status: c, cancelledBy: player.id, cancellationReason: "tired" })
    expect((await eventsOf(all)).at(-1)?.data).toEqual(said("all", [bookingIds[0], bookingIds[2], bookingIds[3]]))
    expect(await statuses(id)).toEqual(Array(7).fill(c))
    expect((await cancel(id, { scope: "all" })).body.code).toBe("series_cancelled")
    expect((await book(2, "18:00")).status).toBe(201)
  })

  test("needs a booking of the series, and offers the freed slots to the waitlist", async () => {
    const { id } = await series()
    const other = await series({ startTime: "20:00" })
    const foreign = other.occurrences[0].bookingId
    expect((await cancel(id, { scope: "this", bookingId: foreign })).status).toBe(404)
    const none = await refusalOf(api, () => cancel(id, { scope: "following" }))
    expect([none.status, none.errors?.[0]?.path]).toEqual([422, "body.bookingId"])
    const waiting = await Promise.all(
      [2, 4].map((n) =>
        api.call("POST", `${base()}/waitlist`, {
          body: { resourceId: court, startAt: at(n, "18:00"), endAt: at(n, "19:00"), bookerId: staff.id },
        }),
      ),
    )
    const all = await cancel(id, { scope: "all" })
    const offered = (await eventsOf(all)).filter(({ type }) => type === "waitlist.offered")
    expect(offered.map(({ data }) => data.entryId).sort()).toEqual(waiting.map(({ body }) => body.id).sort())
  })
})

describe("moving", () => {
  test("all, to another hour: each on its day, and later ones too", async () => {
    const { id, occurrences } = await series({ rule: "FREQ=DAILY;COUNT=9", windowDays: 4 })
    expect(occurrences).toHaveLength(5)
    // Each moves by an hour and conflicts with nothing, not even with its own series.
    const moved = await change(id, { scope: "all", startTime: "18:30", durationMinutes: 90 }, player.token)
    expect(moved.status).toBe(200)
    expect(moved.body).toMatchObject({ startTime: "18:30", durationMinutes: 90, skipped: [] })
    expect(await startsOf(id)).toEqual([2, 3, 4, 5, 6].map((n) => at(n, "18:30")))
    const events = await eventsOf(moved)
    expect(events.filter(({ type }) => type === "booking.rescheduled")).toHaveLength(5)
    expect(events.at(-1)).toMatchObject({
      type: "recurring_booking.changed",
      data: { change: "rescheduled", scope: "all", startTime: "18:30", durationMinutes: 90, changedBy: player.id },
    })
    await api.database.db`select slotbase.move_clock('4 days')`
    const run = recurringExtension(api.app)
    expect(await run.passIn?.(facilityId, new AbortController().signal)).toMatchObject({ did: { booked: 2 } })
    expect((await startsOf(id)).slice(-2)).toEqual([7, 8].map((n) => at(n, "18:30")))
  })

  test("one, or one and the following ones, leaves the others; one that cannot move refuses the whole change", async () => {
    const { id, occurrences } = await series()
    const bookingIds = occurrences.map(({ bookingId }: { bookingId: string }) => bookingId)
    const one = await change(id, { scope: "this", bookingId: bookingIds[0], startTime: "07:00" })
    expect(one.body.occurrences).toMatchObject([{ bookingId: bookingIds[0], startAt: at(2, "07:00") }])
    expect(one.body.startTime).toBe("18:00")
    await change(id, { scope: "following", bookingId: bookingIds[3], startTime: "09:00" })
    const present = [at(2, "07:00"), at(3, "18:00"), at(4, "18:00"), at(5, "09:00"), at(6, "09:00")]
    expect(await startsOf(id)).toEqual(present)
    await book(4, "21:00")
    const refused = await change(id, { scope: "all", startTime: "20:30" })
    expect([refused.status, refused.body.code]).toEqual([409, "occurrences_refused"])
    expect(refused.body.occurrences).toMatchObject([{ occursOn: day(4), code: "slot_taken" }])
    expect(await startsOf(id)).toEqual(present)
    expect((await read(id)).startTime).toBe("09:00")
    const nothing = await refusalOf(api, () => change(id, { scope: "all" }))
    expect([nothing.status, nothing.errors?.[0]?.path]).toEqual([422, "body.startTime"])
  })
})

describe("the window", () => {
  beforeAll(async () => {
    facilityId = await api.facility({ timezone })
    staff = await api.person("staff", facilityId)
    player = await api.person("player", facilityId)
  })

  const signal = new AbortController().signal
  const extend = async () => (await recurringExtension(api.app).passIn?.(facilityId, signal))?.did

  test("moves on day by day, skips taken times, reports them, and ends with the rule", async () => {
    const { id, occurrences, status } = await series({ rule: "FREQ=DAILY;COUNT=11", windowDays: 7 })
    expect([occurrences.length, status]).toEqual([8, "active"])
    await book(10, "18:00")
    expect(await extend()).toMatchObject({ booked: 0, skipped: 0 })
    await api.database.db`select slotbase.move_clock('3 days')`
    const both = await Promise.all([extend(), extend()])
    expect(both.map((did) => [did?.booked, did?.skipped]).sort()).toEqual([
      [0, 0],
      [0, 1],
    ])
    await api.database.db`select slotbase.move_clock('3 days')`
    expect(await extend()).toMatchObject({ booked: 2, skipped: 0 })
    expect(await extend()).toMatchObject({ booked: 0 })
    const after = await read(id)
    expect(after.status).toBe("ended")
    const events = await api.database.db<{ data: Record<string, unknown>; user_id: string }[]>`
      select data, user_id from slotbase.events where aggregate_id = ${id} and type = 'recurring_booking.changed' order by id`
    expect(events.map(({ data }) => [data.change, (data.bookingIds as string[]).length, data.skipped])).toEqual([
      ["extended", 0, [{ startAt: at(10, "18:00"), endAt: at(10, "19:00"), reason: "slot_taken" }]],
      ["extended", 2, []],
    ])
  })

  test("of a member reaches no further than the limit for members", async () => {
    await api.database.db`
      insert into slotbase.booking_policies (facility_id, advance_days) values (${facilityId}, 5)`
    try {
      court = await aCourt(0)
      const own = { bookerId: undefined, paymentMethod: "online", rule: "FREQ=DAILY" }
      const { body } = await ask(own, player.token)
      expect([body.occurrences.length, body.bookedUntil, body.skipped]).toEqual([4, day(5), []])
      await api.database.db`select slotbase.move_clock('1 day')`
      await extend()
      expect((await read(body.id)).bookedUntil).toBe(day(6))
    } finally {
      await api.database.db`delete from slotbase.booking_policies where facility_id = ${facilityId}`
    }
  })
})
