// The rules for members: the policy, its limits, and prices by time and type.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { aBookingClub, type Body, type BookingClub, offline, online, outcome } from "#test/harness/club/booking-club.ts"
import { atHour, dayOf } from "#test/harness/club/hours.ts"

let club: BookingClub

beforeAll(async () => {
  club = await aBookingClub()
})
afterAll(() => club.api.database.drop())

const ask = (hour: number, more: Body = {}) => club.post(club.player, "/bookings", online(club, hour, more))
const settingsOf = async (ids: string | null) =>
  (
    await club.api.database.db<{ type: string; data: { changedSettings: string[]; changedBy: string } }[]>`
      select type, data from slotbase.events where id = any (${(ids ?? "").split(",").filter(Boolean)}::uuid[])`
  ).map(({ type, data }) => [type, data.changedSettings])

const defaults = {
  leadTimeMinutes: 0,
  advanceDays: null,
  approvalBookingTypes: [],
  approvalResourceIds: [],
  checkInGraceMinutes: null,
  noShowFee: 0,
  strikeThreshold: null,
  restrictionDays: null,
  rescheduleHoursBefore: 0,
  cancellationPolicy: [],
  startGridMinutes: null,
  minBookingMinutes: null,
  maxBookingMinutes: null,
  bookingStepMinutes: null,
  buffers: [],
  memberLimits: [],
  weekStartsOn: "monday",
  holdPauseMinutes: null,
}

describe("the policy", () => {
  test("sets no limits until it is written; an event names the changed fields, and without a change there is no event", async () => {
    const before = await club.get(club.player, "/booking-policy")
    expect(before.body).toEqual({ facilityId: club.id, ...defaults, updatedAt: null })
    const policy = { leadTimeMinutes: 30, approvalResourceIds: [club.court.toUpperCase()], noShowFee: 500 }
    const { status, body, headers } = await club.policy(policy)
    expect(status).toBe(200)
    expect(body).toMatchObject({ ...defaults, ...policy, approvalResourceIds: [club.court] })
    expect(await settingsOf(headers.get("x-slotbase-event-ids"))).toEqual([
      ["facility.settings_updated", ["leadTimeMinutes", "approvalResourceIds", "noShowFee"]],
    ])
    expect((await club.get(club.player, "/booking-policy")).body).toEqual(body)
    const same = await club.policy(policy)
    expect([same.body, same.headers.get("x-slotbase-event-ids")]).toEqual([body, null])
    const back = await club.policy({})
    expect(back.body).toMatchObject(defaults)
  })

  test("keeps members to its lead time and its advance, by local days; not staff", async () => {
    await club.policy({ leadTimeMinutes: 60 * 24 * 3, advanceDays: 5 })
    const free = { resourceId: club.freeCourt }
    expect(outcome(await ask(1, free))).toBe("422 lead_time_too_short")
    expect(outcome(await ask(24 * 3, free))).toBe("201")
    expect(outcome(await ask(24 * 5 - 1, free))).toBe("201")
    const early = await ask(24 * 5, free)
    expect(outcome(early)).toBe("422 too_far_ahead")
    const last = dayOf(24 * 4)
    expect([early.body.detail, early.body.errors]).toEqual([
      `Members book at most 5 days ahead: until ${last}.`,
      [{ path: "body.startAt", message: `must be on ${last} or earlier` }],
    ])
    for (const hour of [1, 24 * 30]) {
      expect(outcome(await club.post(club.staff, "/bookings", offline(club, hour, free)))).toBe("201")
    }
    await club.policy({})
  })

  test("limits the open bookings of a member, requests for approval included", async () => {
    await club.policy({ approvalBookingTypes: ["private"] })
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, (_, n) => ask(300 + n, n % 2 ? {} : { bookingType: "private" }).then(outcome)),
    )
    expect(outcomes.filter((each) => each === "201")).toHaveLength(10)
    expect(outcomes.filter((each) => each === "422 too_many_holds")).toHaveLength(2)
    await club.policy({})
  })
})

describe("price rules", () => {
  const rule = (body: Body) => club.post(undefined, "/price-rules", body)
  const priceAt = async (hour: number, more: Body = {}) =>
    (await club.post(club.staff, "/bookings", offline(club, hour, more))).body.priceAmount
  const slots = async (hour: number): Promise<number[]> =>
    (await club.get(club.player, `/availability?date=${dayOf(hour)}&resourceId=${club.court}`)).body.slots.map(
      ({ priceAmount }: { priceAmount: number }) => priceAmount,
    )
  const settle = () => club.api.database.db`select slotbase.dispatch(1000)`

  test("change the prices of bookings and of availability at once, and have no effect once deleted", async () => {
    const day = 24 * 20
    await settle()
    expect(new Set(await slots(day))).toEqual(new Set([2400]))
    const evening = await rule({ name: "Evening", fromTime: "18:00", toTime: "22:00", hourlyPrice: 3000 })
    expect(evening.status).toBe(201)
    expect(evening.body).toMatchObject({ name: "Evening", resourceId: null, weekdays: null, hourlyPrice: 3000 })
    expect(await settingsOf(evening.headers.get("x-slotbase-event-ids"))).toEqual([
      ["facility.settings_updated", ["priceRules"]],
    ])
    const league = await rule({ name: "League", bookingType: "league", resourceId: club.court, hourlyPrice: 600 })
    const shown = await slots(day)
    expect(shown.slice(16, 24)).toEqual([2400, 2400, 3000, 3000, 3000, 3000, 2400, 2400])
    expect(await priceAt(day + 18)).toBe(3000)
    expect(await priceAt(day + 17, { endAt: atHour(day + 17).endAt })).toBe(2400)
    expect(await priceAt(day + 21, { endAt: atHour(day + 22).endAt })).toBe(5400)
    expect(await priceAt(day + 19, { bookingType: "league" })).toBe(600)
    expect(await priceAt(day + 19, { bookingType: "league", resourceId: club.otherCourt })).toBe(3000)

    const list = await club.get(undefined, "/price-rules?limit=1")
    expect(list.body.data).toEqual([evening.body])
    const rest = await club.get(undefined, `/price-rules?after=${list.body.next}`)
    expect(rest.body).toEqual({ data: [league.body], next: null })
    for (const { id } of [evening.body, league.body]) {
      expect((await club.api.call("DELETE", `/v1/facilities/${club.id}/price-rules/${id}`)).status).toBe(204)
    }
    expect(new Set(await slots(day))).toEqual(new Set([2400]))
    expect(await priceAt(day + 20)).toBe(2400)
  })
})
