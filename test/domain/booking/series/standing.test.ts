// A standing order runs by the rules for its booker, whoever typed it. When it cannot go on, it waits and its
// administrators are told while its first day is still ahead.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { notificationHandler } from "#actors/handlers/notification.ts"
import { extendDue } from "#domain/booking/series/extend.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { aChildLink, aRole } from "#test/harness/club/factories.ts"
import { pipelineApp } from "#test/harness/pipeline/pipeline.ts"

let api: TestApi
let facilityId: string
let at: string
let court: string
interface Person {
  readonly id: string
  readonly token: string
}
let staff: Person
let player: Person

const timezone = "Europe/Berlin"
const day = (n: number) => Temporal.Now.plainDateISO(timezone).add({ days: n }).toString()

beforeAll(async () => {
  api = await testApi()
})
afterAll(() => api.database.drop())
beforeEach(async () => {
  await api.database.db`update slotbase.clock set shift = '0'`
  facilityId = await api.facility({ timezone })
  at = `/v1/facilities/${facilityId}`
  staff = await api.person("staff", facilityId)
  player = await api.person("player", facilityId)
  court = (await post("/resources", { name: "Court", resourceType: "court", hourlyPrice: 0 })).id
})

test("a series that staff made for a member goes on, with all its rights, after they have lost the role", async () => {
  // Members of this club book two days ahead; the club's own word reaches further.
  await api.call("PUT", `${at}/booking-policy`, { body: { advanceDays: 2 } })
  for (const keptRole of ["player", undefined]) {
    court = (await post("/resources", { name: "Court", resourceType: "court", hourlyPrice: 0 })).id
    const author = await api.person("staff", facilityId)
    const made = await series(author)
    await losesRole(author.id, "staff")
    if (keptRole !== undefined) await aRole(api.database.db, author.id, keptRole, facilityId)
    await moveDays(3)
    expect(await extend()).toEqual({ series: 1, booked: 2, skipped: 0 })
    expect(await read(made.id)).toMatchObject({ status: "active", blocked: null, bookedUntil: day(10) })
    await post(`/recurring-bookings/${made.id}/cancel`, { scope: "all", cancellationReason: "next" })
    await moveDays(-3)
  }
})

test("a series whose booker has left waits, says so once, and catches up when they return", async () => {
  const { id } = await series(staff)
  await losesRole(player.id, "player")
  await moveDays(2)
  expect(await extend()).toMatchObject({ series: 1, booked: 0 })
  await moveDays(3)
  await extend()
  const told = await blockedEvents(id)
  expect(told).toEqual([
    expect.objectContaining({
      recurringBookingId: id,
      bookerId: player.id,
      reason: "booker_left",
      blockedFrom: day(9),
    }),
  ])
  // Told a week before the first day that waits.
  const waits = await read(id)
  expect(waits).toMatchObject({ status: "active", bookedUntil: day(8), blocked: { code: "booker_left", from: day(9) } })
  await aRole(api.database.db, player.id, "player", facilityId)
  await moveDays(1)
  expect(await extend()).toEqual({ series: 1, booked: 5, skipped: 0 })
  expect(await read(id)).toMatchObject({ blocked: null, bookedUntil: day(13) })
})

test("a series waits while its court is out of use, and while its booker may not book", async () => {
  const one = await series(player, { bookerId: undefined, paymentMethod: "online" })
  await api.call("PATCH", `${at}/resources/${court}`, { body: { isActive: false } })
  await moveDays(2)
  await extend()
  expect((await read(one.id)).blocked).toMatchObject({ code: "resource_gone", from: day(9) })
  await api.call("PATCH", `${at}/resources/${court}`, { body: { isActive: true, hourlyPrice: 1200 } })
  await moveDays(3)
  await extend()
  // Each reason is told.
  expect((await blockedEvents(one.id)).map(({ reason }) => reason)).toEqual(["resource_gone", "series_not_paid_online"])
})

test("a participant who has left is left out of later days", async () => {
  const friend = await api.person("player", facilityId)
  const made = await series(staff, { participants: [{ userId: friend.id }] })
  await losesRole(friend.id, "player")
  await moveDays(2)
  expect(await extend()).toEqual({ series: 1, booked: 1, skipped: 0 })
  const last = (await read(made.id)).occurrences.at(-1)
  expect((await api.call("GET", `${at}/bookings/${last.bookingId}`)).body.participants).toEqual([])
})

test("a parent's series for a child goes on by the child's own right when the link ends", async () => {
  const parent = await api.person("parent", facilityId)
  await aChildLink(api.database.db, { parent: parent.id, child: player.id, permissions: ["book"] })
  const made = await series(parent, { paymentMethod: "online" })
  await api.database.db`delete from slotbase.child_links where parent_id = ${parent.id}`
  await moveDays(3)
  expect(await extend()).toEqual({ series: 1, booked: 2, skipped: 0 })
  await losesRole(player.id, "player")
  await moveDays(3)
  await extend()
  expect((await read(made.id)).blocked).toMatchObject({ code: "not_allowed", from: day(11) })
})

test("the administrators get mail about a series that cannot go on", async () => {
  expect(notificationHandler(api.app as never).events).toContain("recurring_booking.blocked")
})

const post = async (path: string, body: object, token?: string) => {
  const { status, body: answer } = await api.call("POST", `${at}${path}`, { body, ...(token && { token }) })
  if (status >= 300) throw new Error(`${status} ${JSON.stringify(answer)}`)
  return answer
}
const series = (by: Person, more: object = {}) =>
  post(
    "/recurring-bookings",
    {
      ...{ resourceId: court, bookerId: player.id, paymentMethod: "waived", rule: "FREQ=DAILY", windowDays: 7 },
      ...{ startDate: day(1), startTime: "18:00", durationMinutes: 60, ...more },
    },
    by.token,
  )
const read = async (id: string) => (await api.call("GET", `${at}/recurring-bookings/${id}`)).body
const extend = () => extendDue(pipelineApp(api.database.db), 10, facilityId)
const moveDays = (n: number) => api.database.db`select slotbase.move_clock(${`${n} days`}::interval)`
const losesRole = (userId: string, role: string) => api.database.db`
  delete from slotbase.role_grants where user_id = ${userId} and role = ${role} and scope_id = ${facilityId}`
const blockedEvents = async (id: string) =>
  (
    await api.database.db<{ data: Record<string, unknown> }[]>`
      select data from slotbase.events where aggregate_id = ${id} and type = 'recurring_booking.blocked' order by id`
  ).map(({ data }) => data)
