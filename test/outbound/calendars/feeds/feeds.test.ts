// Calendar feeds as people use them: made with a login, and read at their address without one.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { aBookingClub, type BookingClub, offline, outcome } from "#test/harness/club/booking-club.ts"
import { dayOf } from "#test/harness/club/hours.ts"
import { readWithIcalJs } from "#test/harness/outbound/calendar-readers.ts"

let club: BookingClub
beforeAll(async () => {
  club = await aBookingClub()
})
afterAll(() => club.api.database.drop())

const make = async (by = club.player, body = {}) => (await club.post(by, "/calendar-feeds", body)).body
const pathOf = (url: unknown) => new URL(String(url)).pathname
const read = (url: unknown, headers: Record<string, string> = {}) =>
  club.api.server.handle(new Request(`http://localhost${pathOf(url)}`, { headers }))
const [from, to] = [new Date("2020-01-01"), new Date("2100-01-01")]
const idsIn = async (url: unknown) => readWithIcalJs(await (await read(url)).text(), from, to).map(({ uid }) => uid)

test("a booking appears, moves on to be cancelled with a higher sequence, and an unchanged feed is a 304", async () => {
  const { url } = await make()
  const before = await read(url)
  expect([before.status, before.headers.get("content-type"), before.headers.get("cache-control")]).toEqual([
    200,
    "text/calendar; charset=utf-8",
    "private, no-cache",
  ])
  const tag = before.headers.get("etag") ?? ""
  expect((await read(url, { "if-none-match": `"other", W/${tag}` })).status).toBe(304)

  const { body } = await club.post(club.staff, "/bookings", offline(club, 8))
  const confirmed = await (await read(url, { "if-none-match": tag })).text()
  expect(confirmed).toContain(`UID:${body.id}\r\n`)
  const sequence = (text: string) => Number(/SEQUENCE:(\d+)/.exec(text)?.[1])
  await club.api.database.db`update slotbase.clock set shift = shift + interval '1 minute'`
  await club.post(club.staff, `/bookings/${body.id}/cancel`, { cancellationReason: "Rain" })
  const cancelled = await (await read(url)).text()
  expect(cancelled).toContain("STATUS:CANCELLED\r\n")
  expect(sequence(cancelled)).toBeGreaterThan(sequence(confirmed))
})

test("a person sees the bookings in which they play, and those of the children that they book for", async () => {
  const { url } = await make(club.parent)
  const ours = await club.post(club.staff, "/bookings", offline(club, 9, { bookerId: club.child.id }))
  const asked = { participants: [{ userId: club.parent.id, role: "partner" }] }
  const together = await club.post(club.staff, "/bookings", offline(club, 10, asked))
  await club.post(club.staff, "/bookings", offline(club, 11, { bookerId: club.watchedChild.id }))
  const hold = await club.post(club.parent, "/holds", {
    ...offline(club, 12),
    bookerId: club.parent.id,
    paymentMethod: undefined,
  })
  expect(hold.status).toBe(201)
  expect(await idsIn(url)).toEqual([String(ours.body.id), String(together.body.id)])
})

test("staff have the feed of a resource, with names when they ask for them; members have none", async () => {
  const body = { resourceId: club.freeCourt }
  expect(outcome(await club.post(club.player, "/calendar-feeds", body))).toBe("403 not_allowed")
  const unknown = { resourceId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e01" }
  expect(outcome(await club.post(club.staff, "/calendar-feeds", unknown))).toBe("422 resource_unknown")
  expect(outcome(await club.post(club.staff, "/calendar-feeds", { showNames: true }))).toBe("422 names_need_resource")
  const booked = await club.post(club.staff, "/bookings", offline(club, 8, { resourceId: club.freeCourt }))
  const [plain, named] = [await make(club.staff, body), await make(club.staff, { ...body, showNames: true })]
  const name = String(booked.body.bookerName)
  expect(await idsIn(plain.url)).toEqual([String(booked.body.id)])
  expect((await (await read(plain.url)).text()).includes(name)).toBe(false)
  expect((await (await read(named.url)).text()).includes(name)).toBe(true)
})

test("a series is one event with its rule", async () => {
  const { url } = await make(club.admin)
  const made = await club.post(club.staff, "/recurring-bookings", {
    resourceId: club.freeCourt,
    bookerId: club.admin.id,
    rule: "FREQ=DAILY;COUNT=5",
    startDate: dayOf(1),
    startTime: "19:00",
    durationMinutes: 60,
    paymentMethod: "waived",
  })
  expect(made.status).toBe(201)
  const text = await (await read(url)).text()
  expect(text).toContain(`UID:${made.body.id}\r\n`)
  expect(text).toContain("BEGIN:VTIMEZONE\r\n")
  expect(await idsIn(url)).toHaveLength(5)
})

test("another address ends the one before, and a revoked feed opens nothing", async () => {
  const feed = await make()
  const rotated = await club.post(club.player, `/calendar-feeds/${feed.id}/rotate`)
  expect(rotated.body.url).not.toBe(feed.url)
  expect(outcome(await club.post(club.admin, `/calendar-feeds/${feed.id}/rotate`))).toBe("404 not_found")
  expect([(await read(feed.url)).status, (await read(rotated.body.url)).status]).toEqual([404, 200])
  const at = `/v1/facilities/${club.id}/calendar-feeds`
  const list = await club.get(club.player, "/calendar-feeds")
  expect(JSON.stringify(list.body)).not.toContain("sbc_")
  expect((await club.api.call("DELETE", `${at}/${feed.id}`, { token: club.friend.token })).status).toBe(404)
  expect((await club.api.call("DELETE", `${at}/${feed.id}`, { token: club.admin.token })).status).toBe(204)
  expect((await read(rotated.body.url)).status).toBe(404)
})

test("no table and no audit entry holds an address", async () => {
  const { url } = await make()
  const token = pathOf(url).slice("/calendars/".length, -".ics".length)
  const { db } = club.api.database
  const [found] = await db`
    select (select count(*) from slotbase.audit_log a where a::text like ${`%${token}%`})::integer as audited,
           (select count(*) from slotbase.calendar_feeds f where f::text like ${`%${token}%`})::integer as kept`
  expect(found).toEqual({ audited: 0, kept: 0 })
})

test("after its owner has left or is no staff any more, an address opens nothing", async () => {
  const { db } = club.api.database
  const feed = await make(club.staff, { resourceId: club.court })
  await db`update slotbase.role_grants set role = 'player' where user_id = ${club.staff.id}`
  expect((await read(feed.url)).status).toBe(404)
  const own = await make(club.friend)
  expect((await read(own.url)).status).toBe(200)
  await db`delete from slotbase.role_grants where user_id = ${club.friend.id}`
  expect((await read(own.url)).status).toBe(404)
})

test("a feed that is asked for too often says when to come back, and a text that is no address is a 404", async () => {
  const { url } = await make(club.parent)
  const statuses: number[] = []
  for (let i = 0; i < 21; i++) statuses.push((await read(url)).status)
  expect(statuses).toEqual([...Array(20).fill(200), 429])
  expect(Number((await read(url)).headers.get("retry-after"))).toBeGreaterThan(0)
  for (const path of [
    "/calendars/x",
    "/calendars/sbc_x.ics",
    `/calendars/sbc_${"a".repeat(43)}.ics`,
    "/calendars/%00.ics",
  ])
    expect((await read(`http://localhost${path}`)).status).toBe(404)
})
