// Bookings, holds and availability over HTTP: the answers, and the effect of before hooks on a request.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { newId } from "#base/ids.ts"
import type { AnyHook } from "#hooks/create-hooks.ts"
import { createHooks } from "#hooks/create-hooks.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { type Courts, makeCourts, refusalOf, rowsOf } from "#test/harness/api/booking-api.ts"
import { atHour, dayOf } from "#test/harness/club/hours.ts"

let api: TestApi
let its: Courts
let hour = 0

beforeAll(async () => {
  api = await testApi()
  its = await makeCourts(api)
})
afterAll(() => api.database.drop())
beforeEach(() => {
  hour++
})

const at = () => `/v1/facilities/${its.facilityId}`
const wanted = (more: object = {}) => ({
  resourceId: its.court,
  ...atHour(hour),
  bookerId: its.player.id,
  paymentMethod: "offline",
  ...more,
})
const held = (more: object = {}) => ({ resourceId: its.court, ...atHour(hour), ...more })
const book = (more: object = {}, options: object = {}) =>
  api.call("POST", `${at()}/bookings`, { body: wanted(more), ...options })
const refusal = (request: () => ReturnType<TestApi["call"]>) => refusalOf(api, request)
const hold = (more: object = {}) => api.call("POST", `${at()}/holds`, { body: held(more), token: its.player.token })

describe("the life of a booking", () => {
  test("booked by staff: 201 with every field of the contract, and the event's id", async () => {
    const { status, body, headers } = await book({}, { token: its.staff.token })
    expect(status).toBe(201)
    expect(body).toMatchObject({
      status: "confirmed",
      bookerId: its.player.id,
      priceAmount: 2400,
      priceCurrency: "EUR",
      ...atHour(hour),
    })
    const [event] = await api.database.db`select id, type, user_id from slotbase.events where aggregate_id = ${body.id}`
    expect(headers.get("x-slotbase-event-ids")).toBe(event?.id)
    expect({ ...event }).toMatchObject({ type: "booking.confirmed", user_id: its.staff.id })
    expect((await api.call("GET", `${at()}/bookings/${body.id}`, { token: its.player.token })).body).toMatchObject(body)
    const list = await api.call("GET", `${at()}/bookings?resourceId=${its.court}&from=${atHour(hour).startAt}`, {
      token: its.player.token,
    })
    expect(list.body).toEqual({ data: [body], next: null })
  })

  test("held by a member, confirmed by a key, checked in, completed", async () => {
    const holding = await hold()
    expect(holding.status).toBe(201)
    expect(holding.body).toMatchObject({
      status: "held",
      bookerId: its.player.id,
      priceAmount: 2400,
      priceCurrency: "EUR",
    })
    expect(Date.parse(holding.body.expiresAt)).toBeGreaterThan(Date.now())
    const booking = `${at()}/bookings/${holding.body.id}`
    expect((await api.call("POST", `${booking}/confirm`, { body: { paymentMethod: "waived" } })).body.status).toBe(
      "confirmed",
    )
    const [moved] = await api.database.db<[{ by: string }]>`
      select (${atHour(hour).startAt}::timestamptz + interval '5 minutes' - slotbase.now())::text as by`
    await api.database.db`select slotbase.move_clock(${moved.by}::interval)`
    try {
      const codes = await api.call("GET", `${booking}/check-in-code`, { token: its.player.token })
      const arrived = await api.call("POST", `${booking}/check-in`, {
        body: { method: "qr_code", code: codes.body.qrPayload },
        token: its.player.token,
      })
      expect(arrived.body).toMatchObject({ status: "checked_in" })
      const none = await refusal(() => api.call("POST", `${booking}/no-show`))
      expect(none).toEqual({ status: 409, code: "booking_not_confirmed", errors: undefined })
      expect((await api.call("POST", `${booking}/complete`)).body).toMatchObject({ status: "completed" })
    } finally {
      await api.database.db`update slotbase.clock set shift = '0'`
    }
  })

  test("releasing a hold answers its new state, and frees the slot", async () => {
    const { body } = await hold()
    const released = await api.call("DELETE", `${at()}/holds/${body.id}`, { token: its.player.token })
    expect(released.status).toBe(200)
    expect(released.body).toMatchObject({ id: body.id, status: "released", expiresAt: null })
    expect((await hold()).status).toBe(201)
  })

  test("a taken slot: 409 with the conflict and free times nearby", async () => {
    await book()
    const { status, body } = await book()
    expect(status).toBe(409)
    expect(body).toMatchObject({ code: "slot_taken", conflicts: [{ ...atHour(hour), status: "confirmed" }] })
    expect(body.conflicts[0]).toEqual({ ...atHour(hour), status: "confirmed" })
    expect(body.alternatives.length).toBeGreaterThan(0)
  })

  test("under one Idempotency-Key there is one booking, however often it is requested, also at once", async () => {
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

  test("64 requests for one slot: one 201, 63 conflicts, no server error", async () => {
    await book() // connections are opened and statements prepared
    hour++
    const answers = await Promise.all(Array.from({ length: 64 }, () => book()))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(answers.filter(({ status, body }) => status === 409 && body.code === "slot_taken")).toHaveLength(63)
  })
})

describe("availability", () => {
  test("answers the day, and 304 to its own ETag until something changes", async () => {
    const path = `${at()}/availability?date=${dayOf(hour)}&resourceId=${its.court}`
    await api.database.db`select slotbase.dispatch(1000)`
    const first = await api.call("GET", path, { token: its.player.token })
    expect(first.status).toBe(200)
    expect(first.body.slots).toHaveLength(24)
    expect(first.headers.get("etag")).toBe(`"${first.body.position}-${first.body.epoch}"`)
    const ask = (tag: string) => api.call("GET", path, { token: its.player.token, headers: { "if-none-match": tag } })
    const same = await ask(`"${first.body.position}"`)
    expect([same.status, same.body, same.headers.get("etag")]).toEqual([304, undefined, `"${first.body.position}"`])
    expect((await ask(`W/"0", "${first.body.position}"`)).status).toBe(304)
    expect((await ask(first.headers.get("etag") ?? "")).status).toBe(304)
    // The same position of a log before a restore.
    expect((await ask(`"${first.body.position}-${"0".repeat(16)}"`)).status).toBe(200)
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
  const withHooks = async (hooks: AnyHook[], work: () => Promise<void>) => {
    Object.assign(api.app, { hooks: createHooks(hooks) })
    try {
      await work()
    } finally {
      Object.assign(api.app, { hooks: [] })
    }
  }
  const hook = (run: (input: never) => unknown): AnyHook => ({
    point: "before:booking.create",
    name: "house-rules",
    run: run as never,
  })

  test("may block a booking and a hold, with their reason, and nothing is written", async () => {
    await withHooks([hook(() => ({ block: "Not on a day like this." }))], async () => {
      for (const request of [() => book(), () => hold()]) {
        const before = await rowsOf(api)
        const { status, body } = await request()
        expect(status).toBe(422)
        expect(body).toMatchObject({ code: "blocked_by_hook", detail: "Not on a day like this.", hook: "house-rules" })
        expect(await rowsOf(api)).toEqual(before)
      }
    })
  })

  test("a hook that throws refuses, without a reason", async () => {
    const throwing = hook(() => {
      throw new Error("password of the database")
    })
    await withHooks([throwing], async () => {
      const { status, body } = await book()
      expect(status).toBe(422)
      expect(JSON.stringify(body)).not.toContain("password")
    })
  })

  test("may modify the input; the changed input is authorized again and booked", async () => {
    const longer = atHour(++hour + 1).endAt
    await withHooks([hook((input: object) => ({ modify: { ...input, endAt: longer } }))], async () => {
      expect((await book()).body).toMatchObject({ startAt: atHour(hour).startAt, endAt: longer, priceAmount: 4800 })
    })
    hour += 2
    await withHooks([hook((input: object) => ({ modify: { ...input, bookerId: its.staff.id } }))], async () => {
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
        api.call("POST", `${at()}/bookings`, { token: its.player.token, body: wanted({ bookerId: its.staff.id }) }),
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
      "429",
    ])
  }
  for (const act of ["confirm", "cancel", "reschedule", "approve", "reject", "check-in", "no-show", "complete"]) {
    expect(body.paths[`${base}/bookings/{bookingId}/${act}`].post.requestBody.required).toBe(true)
  }
  expect(body.paths[`${base}/availability`].get.parameters.map(({ name }: { name: string }) => name).sort()).toEqual([
    "after",
    "date",
    "facilityId",
    "limit",
    "resourceId",
  ])
  expect(Object.keys(body.paths[`${base}/holds/{bookingId}`])).toEqual(["delete"])
})
