// Bookings, holds and availability over HTTP: what is refused, as which problem, with nothing written; and what is answered.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { createHooks, type Hook } from "../../src/hooks.ts"
import { newId } from "../../src/ids.ts"
import { type TestApi, testApi } from "../harness/api.ts"
import { atHour, dayOf } from "../harness/club.ts"

let api: TestApi
let facilityId: string
let otherFacilityId: string
let court: string
let foreignCourt: string
let player: { id: string; token: string }
let staff: { id: string; token: string }
let hour = 0

const week = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
const openingHours = Object.fromEntries(week.map((name) => [name, [{ open: "00:00", close: "24:00" }]]))

beforeAll(async () => {
  api = await testApi()
  facilityId = await api.facility({ timezone: "UTC", openingHours })
  otherFacilityId = await api.facility({ timezone: "UTC", openingHours: { monday: [] } })
  court = await aCourt(facilityId)
  foreignCourt = await aCourt(otherFacilityId)
  player = await api.person("player", facilityId)
  staff = await api.person("staff", facilityId)
})
afterAll(() => api.database.drop())
beforeEach(() => {
  hour++
})

const at = () => `/v1/facilities/${facilityId}`
const aCourt = async (facility: string) =>
  (
    await api.call("POST", `/v1/facilities/${facility}/resources`, {
      body: { name: "Court 1", resourceType: "court", hourlyPrice: 2400 },
    })
  ).body.id
const wanted = (more: object = {}) => ({
  resourceId: court,
  ...atHour(hour),
  bookerId: player.id,
  paymentMethod: "offline",
  ...more,
})
const held = (more: object = {}) => ({ resourceId: court, ...atHour(hour), ...more })
const book = (more: object = {}, options: object = {}) =>
  api.call("POST", `${at()}/bookings`, { body: wanted(more), ...options })
const hold = (more: object = {}, token = player.token) => api.call("POST", `${at()}/holds`, { body: held(more), token })
const rows = async () => {
  const [row] = await api.database.db<Record<string, number>[]>`
    select (select count(*) from slotbase.bookings) as bookings, (select count(*) from slotbase.occupancies) as occupancies`
  return { ...(await api.rows()), ...row }
}
/** What a refused request answers; it must have written nothing. */
async function refusal(request: () => ReturnType<TestApi["call"]>) {
  const before = await rows()
  const { status, body, headers } = await request()
  expect(await rows()).toEqual(before)
  expect(headers.get("content-type")).toBe("application/problem+json")
  expect(headers.get("x-slotbase-event-ids")).toBeNull()
  return { status, code: body.code, errors: body.errors }
}

describe("the life of a booking", () => {
  test("booked by staff: 201 with all that the contract says, and the event's id", async () => {
    const { status, body, headers } = await book({}, { token: staff.token })
    expect(status).toBe(201)
    expect(body).toMatchObject({
      status: "confirmed",
      bookerId: player.id,
      priceAmount: 2400,
      priceCurrency: "EUR",
      ...atHour(hour),
    })
    const [event] = await api.database.db`select id, type, user_id from slotbase.events where aggregate_id = ${body.id}`
    expect(headers.get("x-slotbase-event-ids")).toBe(event?.id)
    expect({ ...event }).toMatchObject({ type: "booking.confirmed", user_id: staff.id })
    expect((await api.call("GET", `${at()}/bookings/${body.id}`, { token: player.token })).body).toEqual(body)
    const list = await api.call("GET", `${at()}/bookings?resourceId=${court}&from=${atHour(hour).startAt}`, {
      token: player.token,
    })
    expect(list.body).toEqual({ data: [body], next: null })
  })

  test("held by a member, confirmed by a key, checked in, completed", async () => {
    const holding = await hold()
    expect(holding.status).toBe(201)
    expect(holding.body).toMatchObject({ status: "held", bookerId: player.id, priceAmount: 2400, priceCurrency: "EUR" })
    expect(Date.parse(holding.body.expiresAt)).toBeGreaterThan(Date.now())
    const booking = `${at()}/bookings/${holding.body.id}`
    expect((await api.call("POST", `${booking}/confirm`, { body: { paymentMethod: "waived" } })).body.status).toBe(
      "confirmed",
    )
    const [moved] = await api.database.db<[{ by: string }]>`
      select (${atHour(hour).startAt}::timestamptz + interval '5 minutes' - slotbase.now())::text as by`
    await api.database.db`select slotbase.move_clock(${moved.by}::interval)`
    try {
      const arrived = await api.call("POST", `${booking}/check-in`, {
        body: { method: "qr_code" },
        token: player.token,
      })
      expect(arrived.body).toMatchObject({ status: "checked_in" })
      const none = await refusal(() => api.call("POST", `${booking}/no-show`))
      expect(none).toEqual({ status: 409, code: "booking_not_confirmed", errors: undefined })
      expect((await api.call("POST", `${booking}/complete`)).body).toMatchObject({ status: "completed" })
    } finally {
      await api.database.db`update slotbase.clock set shift = '0'`
    }
  })

  test("a hold given back answers as it is then, and frees the slot", async () => {
    const { body } = await hold()
    const released = await api.call("DELETE", `${at()}/holds/${body.id}`, { token: player.token })
    expect(released.status).toBe(200)
    expect(released.body).toMatchObject({ id: body.id, status: "released", expiresAt: null })
    expect((await hold()).status).toBe(201)
  })

  test("a taken slot: 409 with the conflict and what is free nearby", async () => {
    await book()
    const { status, body } = await book()
    expect(status).toBe(409)
    expect(body).toMatchObject({ code: "slot_taken", conflicts: [{ ...atHour(hour), status: "confirmed" }] })
    expect(body.conflicts[0]).toEqual({ ...atHour(hour), status: "confirmed" })
    expect(body.alternatives.length).toBeGreaterThan(0)
  })

  test("under one Idempotency-Key there is one booking, however often it is asked for, also at once", async () => {
    const headers = { "idempotency-key": newId() }
    const first = await book({}, { headers })
    const again = await book({}, { headers })
    expect([first.status, again.status]).toEqual([201, 201])
    expect(again.body).toEqual(first.body)
    hour++
    const together = { "idempotency-key": newId() }
    const answers = await Promise.all(Array.from({ length: 5 }, () => book({}, { headers: together })))
    expect(new Set(answers.filter(({ status }) => status === 201).map(({ body }) => body.id)).size).toBe(1)
    expect(answers.filter(({ status, body }) => status !== 201 && body.code !== "still_in_flight")).toEqual([])
  })

  test("64 requests for one slot: one 201, 63 conflicts, no error of ours", async () => {
    await book() // connections are opened and statements prepared
    hour++
    const started = performance.now()
    const answers = await Promise.all(Array.from({ length: 64 }, () => book()))
    expect(performance.now() - started).toBeLessThan(1000)
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(answers.filter(({ status, body }) => status === 409 && body.code === "slot_taken")).toHaveLength(63)
  })
})

describe("refused, and nothing is written", () => {
  const instant = "Expected an instant such as 2026-03-01T09:00:00Z, of the years 1970 to 2200"
  const minute = (n: number) => new Date(Date.parse(atHour(hour).startAt) + n * 60_000).toISOString()
  const bad: [string, () => object, number, string, string | undefined][] = [
    ["an unknown field", () => ({ price: 1 }), 422, "invalid_input", "body.price: Expected no excess property"],
    [
      "a resource that is no id",
      () => ({ resourceId: "court-1" }),
      422,
      "invalid_input",
      "body.resourceId: Expected a UUID",
    ],
    ["a number as time", () => ({ startAt: 7 }), 422, "invalid_input", undefined],
    [
      "a time without offset",
      () => ({ startAt: "2031-01-01T10:00:00" }),
      422,
      "invalid_input",
      `body.startAt: ${instant}`,
    ],
    [
      "a day that does not exist",
      () => ({ startAt: "2031-02-30T10:00:00Z" }),
      422,
      "invalid_input",
      `body.startAt: ${instant}`,
    ],
    [
      "an end before the start",
      () => ({ endAt: minute(-60) }),
      422,
      "invalid_input",
      "body.endAt: must be after startAt",
    ],
    ["an end at the start", () => ({ endAt: minute(0) }), 422, "invalid_input", "body.endAt: must be after startAt"],
    [
      "four minutes",
      () => ({ endAt: minute(4) }),
      422,
      "invalid_input",
      "body.endAt: must be at least 5 minutes after startAt",
    ],
    [
      "more than a day",
      () => ({ endAt: minute(1441) }),
      422,
      "invalid_input",
      "body.endAt: must be at most 24 hours after startAt",
    ],
    [
      "seconds at the start",
      () => ({ startAt: "2031-01-01T10:00:01Z" }),
      422,
      "invalid_input",
      "body.startAt: must be a whole minute",
    ],
    [
      "seconds at the end",
      () => ({ startAt: "2031-01-01T10:00:00Z", endAt: "2031-01-01T10:10:00.5Z" }),
      422,
      "invalid_input",
      "body.endAt: must be a whole minute",
    ],
    ["an unknown type", () => ({ bookingType: "party" }), 422, "invalid_input", undefined],
    ["an unknown payment method", () => ({ paymentMethod: "cash" }), 422, "invalid_input", undefined],
    [
      "no payment method",
      () => ({ paymentMethod: undefined }),
      422,
      "invalid_input",
      "body.paymentMethod: Missing key",
    ],
    ["participants that are no list", () => ({ participants: "all" }), 422, "invalid_input", undefined],
    [
      "a participant twice, in two spellings",
      () => ({ participants: [{ userId: staff.id }, { userId: staff.id.toUpperCase() }] }),
      422,
      "invalid_input",
      "body.participants.1.userId: is named twice",
    ],
    [
      "65 participants",
      () => ({ participants: Array.from({ length: 65 }, () => ({ userId: newId() })) }),
      422,
      "invalid_input",
      undefined,
    ],
    [
      "no booker from a key",
      () => ({ bookerId: undefined }),
      422,
      "invalid_input",
      "body.bookerId: Missing key: an API key books for a person",
    ],
    ["a booker that nobody is", () => ({ bookerId: newId() }), 422, "invalid_input", "body.bookerId: names nobody"],
    [
      "the key itself as booker",
      () => ({ bookerId: "00000000-0000-7000-8000-000000000001" }),
      422,
      "invalid_input",
      "body.bookerId: names nobody",
    ],
    [
      "the past",
      () => ({ startAt: "2025-01-01T10:00:00Z", endAt: "2025-01-01T11:00:00Z" }),
      422,
      "starts_in_the_past",
      "body.startAt: is in the past",
    ],
    [
      "online payment",
      () => ({ paymentMethod: "online" }),
      422,
      "online_payment_unavailable",
      "body.paymentMethod: is not available yet",
    ],
    ["another facility's resource", () => ({ resourceId: foreignCourt }), 404, "not_found", undefined],
    ["a resource that is not there", () => ({ resourceId: newId() }), 404, "not_found", undefined],
  ]
  test.each(bad)("%s", async (_, more, status, code, error) => {
    const answer = await refusal(() => book(more()))
    expect(answer).toMatchObject({ status, code })
    if (error !== undefined) {
      const texts = answer.errors.map(({ path, message }: { path: string; message: string }) => `${path}: ${message}`)
      expect(texts).toEqual([error])
    }
  })

  test("ids in capitals are ids", async () => {
    const { status, body } = await book({
      resourceId: court.toUpperCase(),
      bookerId: player.id.toUpperCase(),
      participants: [{ userId: staff.id.toUpperCase() }],
    })
    expect(status).toBe(201)
    expect(body).toMatchObject({
      resourceId: court,
      bookerId: player.id,
      participants: [{ userId: staff.id, role: "player" }],
    })
  })

  test("a facility that is closed then", async () => {
    const closed = { ...wanted(), resourceId: foreignCourt }
    const answer = await refusal(() => api.call("POST", `/v1/facilities/${otherFacilityId}/bookings`, { body: closed }))
    expect(answer).toMatchObject({ status: 422, code: "outside_opening_hours" })
  })

  const strange: [string, () => Parameters<TestApi["call"]>, number, string][] = [
    ["no token", () => ["POST", `${at()}/bookings`, { token: null, body: wanted() }], 401, "not_authenticated"],
    ["a wrong token", () => ["POST", `${at()}/holds`, { token: "sb_wrong", body: held() }], 401, "not_authenticated"],
    ["a body that is no JSON", () => ["POST", `${at()}/bookings`, { body: "{" }], 422, "malformed_json"],
    ["a list as body", () => ["POST", `${at()}/bookings`, { body: [] }], 422, "invalid_input"],
    [
      "a facility that is not there",
      () => ["POST", `/v1/facilities/${newId()}/bookings`, { body: wanted() }],
      404,
      "not_found",
    ],
    [
      "a facility that is no id",
      () => ["POST", "/v1/facilities/riverside/bookings", { body: wanted() }],
      404,
      "not_found",
    ],
    [
      "a facility of others, even with a wrong body",
      () => ["POST", `/v1/facilities/${otherFacilityId}/bookings`, { token: player.token, body: {} }],
      404,
      "not_found",
    ],
    [
      "a member who pays offline",
      () => ["POST", `${at()}/bookings`, { token: player.token, body: wanted() }],
      403,
      "not_allowed",
    ],
    [
      "a member who books for another",
      () => ["POST", `${at()}/holds`, { token: player.token, body: held({ bookerId: staff.id }) }],
      403,
      "not_allowed",
    ],
    [
      "a booking that is no id",
      () => ["POST", `${at()}/bookings/7/cancel`, { body: { cancellationReason: "x" } }],
      404,
      "not_found",
    ],
    [
      "a booking that is not there",
      () => ["POST", `${at()}/bookings/${newId()}/cancel`, { body: { cancellationReason: "x" } }],
      404,
      "not_found",
    ],
    [
      "a cancellation without a reason",
      () => ["POST", `${at()}/bookings/${newId()}/cancel`, { body: {} }],
      422,
      "invalid_input",
    ],
    [
      "a hold with a payment method",
      () => ["POST", `${at()}/holds`, { token: player.token, body: held({ paymentMethod: "waived" }) }],
      422,
      "invalid_input",
    ],
    [
      "a check-in by magic",
      () => ["POST", `${at()}/bookings/${newId()}/check-in`, { body: { method: "magic" } }],
      422,
      "invalid_input",
    ],
    [
      "a no-show with a body",
      () => ["POST", `${at()}/bookings/${newId()}/no-show`, { body: { fee: 1 } }],
      422,
      "invalid_input",
    ],
    [
      "a no-show by a member",
      () => ["POST", `${at()}/bookings/${newId()}/no-show`, { token: player.token }],
      403,
      "not_allowed",
    ],
    ["a hold that is not there", () => ["DELETE", `${at()}/holds/${newId()}`], 404, "not_found"],
    ["a list by an unknown status", () => ["GET", `${at()}/bookings?status=lost`], 422, "invalid_input"],
    ["a list with an unknown filter", () => ["GET", `${at()}/bookings?court=1`], 422, "invalid_input"],
    ["a list with a made up cursor", () => ["GET", `${at()}/bookings?after=AAAA`], 422, "invalid_input"],
    [
      "a list of others",
      () => ["GET", `${at()}/bookings?bookerId=${staff.id}`, { token: player.token }],
      403,
      "not_allowed",
    ],
    ["availability without a day", () => ["GET", `${at()}/availability`], 422, "invalid_input"],
    [
      "availability of a day that does not exist",
      () => ["GET", `${at()}/availability?date=2026-02-30`],
      422,
      "invalid_input",
    ],
    ["availability of the year 0", () => ["GET", `${at()}/availability?date=0000-01-01`], 422, "invalid_input"],
    [
      "availability of another facility's court",
      () => ["GET", `${at()}/availability?date=2026-12-01&resourceId=${foreignCourt}`],
      404,
      "not_found",
    ],
    [
      "availability for a stranger",
      () => ["GET", `/v1/facilities/${otherFacilityId}/availability?date=2026-12-01`, { token: player.token }],
      404,
      "not_found",
    ],
  ]
  test.each(strange)("%s", async (_, request, status, code) => {
    expect(await refusal(() => api.call(...request()))).toMatchObject({ status, code })
  })
})

describe("availability", () => {
  test("answers the day, and 304 to its own ETag until something changes", async () => {
    const path = `${at()}/availability?date=${dayOf(hour)}&resourceId=${court}`
    await api.database.db`select slotbase.dispatch(1000)`
    const first = await api.call("GET", path, { token: player.token })
    expect(first.status).toBe(200)
    expect(first.body.slots).toHaveLength(24)
    expect(first.headers.get("etag")).toBe(`"${first.body.position}"`)
    const ask = (tag: string) => api.call("GET", path, { token: player.token, headers: { "if-none-match": tag } })
    const same = await ask(`"${first.body.position}"`)
    expect([same.status, same.body, same.headers.get("etag")]).toEqual([304, undefined, `"${first.body.position}"`])
    expect((await ask(`W/"0", "${first.body.position}"`)).status).toBe(304)
    expect((await ask('"0"')).status).toBe(200)
    expect((await ask("*")).status).toBe(200)
    await book()
    const changed = await ask(`"${first.body.position}"`)
    expect(changed.status).toBe(200)
    const mine = changed.body.slots.find(({ startAt }: { startAt: string }) => startAt === atHour(hour).startAt)
    expect(mine).toEqual({ ...atHour(hour), status: "booked", priceAmount: 2400 })
  })
})

describe("before hooks", () => {
  const withHooks = async (hooks: Hook[], work: () => Promise<void>) => {
    Object.assign(api.app, { hooks: createHooks(hooks) })
    try {
      await work()
    } finally {
      Object.assign(api.app, { hooks: [] })
    }
  }
  const hook = (run: (input: never) => unknown): Hook => ({
    point: "before:booking.create",
    name: "house-rules",
    run: run as never,
  })

  test("may block a booking and a hold, with their reason, and nothing is written", async () => {
    await withHooks([hook(() => ({ block: "Not on a day like this." }))], async () => {
      for (const request of [() => book(), () => hold()]) {
        const before = await rows()
        const { status, body } = await request()
        expect(status).toBe(422)
        expect(body).toMatchObject({ code: "blocked_by_hook", detail: "Not on a day like this.", hook: "house-rules" })
        expect(await rows()).toEqual(before)
      }
    })
  })

  test("a hook that throws refuses, and does not say why", async () => {
    const throwing = hook(() => {
      throw new Error("password of the database")
    })
    await withHooks([throwing], async () => {
      const { status, body } = await book()
      expect(status).toBe(422)
      expect(JSON.stringify(body)).not.toContain("password")
    })
  })

  test("may modify the input; what it changed is what is booked, and authorized again", async () => {
    const longer = atHour(++hour + 1).endAt
    await withHooks([hook((input: object) => ({ modify: { ...input, endAt: longer } }))], async () => {
      expect((await book()).body).toMatchObject({ startAt: atHour(hour).startAt, endAt: longer, priceAmount: 4800 })
    })
    hour += 2
    await withHooks([hook((input: object) => ({ modify: { ...input, bookerId: staff.id } }))], async () => {
      expect(await refusal(() => hold())).toMatchObject({ status: 403, code: "not_allowed" })
    })
  })

  test("fire once for each new booking: not again for a kept answer, nor when a hold is confirmed", async () => {
    let fired = 0
    const counting = hook(() => {
      fired++
      return undefined
    })
    await withHooks([counting], async () => {
      const headers = { "idempotency-key": newId() }
      await book({}, { headers })
      await book({}, { headers })
      expect(fired).toBe(1)
      hour++
      const { body } = await hold()
      expect(fired).toBe(2)
      expect(
        (await api.call("POST", `${at()}/bookings/${body.id}/confirm`, { body: { paymentMethod: "waived" } })).status,
      ).toBe(200)
      expect(fired).toBe(2)
      await refusal(() => book({ resourceId: "x" }))
      await refusal(() =>
        api.call("POST", `${at()}/bookings`, { token: player.token, body: wanted({ bookerId: staff.id }) }),
      )
      expect(fired).toBe(2)
    })
  })
})

test("the OpenAPI document has every route of bookings, with its body and its conflict", async () => {
  const { body } = await api.call("GET", "/openapi/json", { token: null })
  const base = "/v1/facilities/{facilityId}"
  for (const path of ["bookings", "holds"]) {
    expect(Object.keys(body.paths[`${base}/${path}`].post.responses).sort()).toEqual([
      "201",
      "401",
      "403",
      "404",
      "409",
      "413",
      "415",
      "422",
    ])
  }
  for (const act of ["confirm", "cancel", "check-in", "no-show", "complete"]) {
    expect(body.paths[`${base}/bookings/{bookingId}/${act}`].post.requestBody).toBeDefined()
  }
  expect(body.paths[`${base}/availability`].get.parameters.map(({ name }: { name: string }) => name).sort()).toEqual([
    "date",
    "facilityId",
    "resourceId",
  ])
  expect(body.paths[`${base}/holds/{bookingId}`].delete).toBeDefined()
})
