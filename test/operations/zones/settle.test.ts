// Bookings that stand when a zone's law changes are listed with their agreed local time. An operator decides whether
// the local time stays or the instant. The law of the tests is one that moves the clocks by an hour.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { checks } from "#operations/doctor.ts"
import { unsettledBookings } from "#operations/zones/standing.ts"
import { aBookingClub, type BookingClub, offline, storyOf } from "#test/harness/club/booking-club.ts"
import { hoursFrom } from "#test/harness/club/hours.ts"
import { slotbase } from "#test/harness/setup/command-line.ts"

let club: BookingClub
beforeAll(async () => {
  club = await aBookingClub()
})
afterAll(() => club.api.database.drop())

beforeEach(async () => {
  const { db } = club.api.database
  await db`update slotbase.facilities set timezone = 'America/Vancouver' where id = ${club.id}`
  await db`delete from slotbase.occupancies where facility_id = ${club.id}`
  await db`update slotbase.bookings set status = 'released' where facility_id = ${club.id}`
})

const hourMs = 3_600_000
const wall = (at: Date) => new Date(at.getTime() - 7 * hourMs).toISOString().slice(0, 19)

/** Books neighbouring hours, and then says that they were agreed for an hour earlier by the clock. */
async function agreedEarlier(hours: readonly number[]): Promise<string[]> {
  const { db } = club.api.database
  const ids: string[] = []
  for (const hour of hours) ids.push((await club.post(club.admin, "/bookings", offline(club, hour))).body.id)
  await db`
    update slotbase.bookings set agreed_start = agreed_start - interval '1 hour', agreed_end = agreed_end - interval '1 hour'
    where id = any (${ids}::uuid[]) and facility_id = ${club.id}`
  return ids
}

const rowsOf = async (ids: readonly string[]) => {
  const rows = await club.api.database.db<{ start: Date; agreed: string; during: string }[]>`
    select b.start_at as start, to_char(b.agreed_start, 'YYYY-MM-DD"T"HH24:MI:SS') as agreed, lower(o.during)::text as during
    from slotbase.bookings b left join slotbase.occupancies o on o.booking_id = b.id and o.facility_id = b.facility_id
    where b.id = any (${[...ids]}::uuid[]) order by b.id`
  return [...rows]
}

const zonesCheck = async () => {
  const results = await Promise.all(checks.map((check) => check(club.api.database.db)))
  return results.find(({ name }) => name === "zones")
}

const command = (...words: string[]) => slotbase(club.api.database.url, "zones", ...words)

test("a booking keeps zone and local time as agreed, also after a move", async () => {
  const booking = (await club.post(club.admin, "/bookings", offline(club, 8))).body
  const [made] = await rowsOf([booking.id])
  expect(made?.agreed).toBe(wall(new Date(booking.startAt)))
  const to = {
    startAt: new Date(Date.parse(booking.startAt) + 2 * hourMs).toISOString(),
    endAt: new Date(Date.parse(booking.endAt) + 2 * hourMs).toISOString(),
  }
  expect((await club.post(club.admin, `/bookings/${booking.id}/reschedule`, to)).status).toBe(200)
  const [moved] = await rowsOf([booking.id])
  expect(moved?.agreed).toBe(wall(new Date(to.startAt)))
  expect(await Array.fromAsync(unsettledBookings(club.api.database.db))).toEqual([])
})

test("keeping the local time moves neighbours into each other's hours, and tells the members", async () => {
  const ids = await agreedEarlier([8, 9, 10])
  const before = await rowsOf(ids)
  expect((await zonesCheck())?.says).toContain("are no longer at their agreed local time")
  const listed = await command()
  expect(listed.code).toBe(1)
  expect(listed.output).toContain(
    `Facility ${club.id} (America/Vancouver): 3 bookings are no longer at their agreed local time`,
  )

  expect(await command("keep-wall-time", club.id)).toEqual({
    code: 0,
    output: "3 bookings keep their local time. Their members get a mail.\n",
  })
  const after = await rowsOf(ids)
  expect(after.map(({ start }) => start.getTime())).toEqual(before.map(({ start }) => start.getTime() - hourMs))
  expect(after.map(({ start }) => wall(start))).toEqual(before.map(({ agreed }) => agreed))
  expect(after.map(({ during }) => new Date(during).getTime())).toEqual(after.map(({ start }) => start.getTime()))
  for (const id of ids) expect((await storyOf(club, id)).types.at(-1)).toBe("booking.rescheduled")
  expect((await zonesCheck())?.well).toBe(true)
  expect(await command("keep-wall-time", club.id)).toEqual({ code: 0, output: "Nothing was to be decided.\n" })
})

test("keeping the instant changes the agreed time alone, and tells the members", async () => {
  const ids = await agreedEarlier([8])
  const [before] = await rowsOf(ids)
  expect(await command("keep-instant", club.id)).toEqual({
    code: 0,
    output: "1 bookings keep their instant. Their members get a mail.\n",
  })
  const [after] = await rowsOf(ids)
  expect(after?.start).toEqual(before?.start as Date)
  expect(after?.agreed).toBe(wall(before?.start as Date))
  const story = await storyOf(club, ids[0] ?? "")
  expect(story.types.at(-1)).toBe("booking.local_time_changed")
  expect(story.last).toMatchObject({
    previousLocalStart: before?.agreed,
    localStart: after?.agreed,
    timezone: "America/Vancouver",
  })
})

test("a booking in closed time is struck after the decision too, and one that is open then is not", async () => {
  const { db } = club.api.database
  const struck = async () => {
    const { body } = await club.get(club.admin, "/bookings?struck=true")
    return body.data.map(({ id }: { id: string }) => id)
  }
  const [id = "", opened = ""] = await agreedEarlier([20, 23])
  const close = (from: number, hours: number) => ({ ...hoursFrom(from, hours), reason: "The roof leaks" })
  expect((await club.post(undefined, "/closures", close(19, 2))).status).toBe(201)
  expect((await club.post(undefined, "/closures", close(23, 1))).status).toBe(201)
  expect(await struck()).toEqual([id, opened])
  expect((await command("keep-wall-time", club.id)).code).toBe(0)
  expect(await struck()).toEqual([id])
  const [told] = await db`select struck_told_at is not null as told from slotbase.bookings where id = ${id}`
  expect(told).toEqual({ told: true })
})

test("when another booking has the agreed time by now, nothing is moved and the booking is named", async () => {
  const [id = ""] = await agreedEarlier([9])
  const inTheWay = (await club.post(club.admin, "/bookings", offline(club, 8))).body.id
  const before = await rowsOf([id, inTheWay])
  const answer = await command("keep-wall-time", club.id)
  expect(answer.code).toBe(1)
  expect(answer.output).toContain(
    "Nothing was changed: 1 bookings can't keep their local time, because another has it now.",
  )
  expect(answer.output).toContain(id)
  expect(await rowsOf([id, inTheWay])).toEqual(before)
})

test("a booking of an earlier version, which the runtime's data resolved, is listed with that data's local time", async () => {
  const { db } = club.api.database
  const booking = (await club.post(club.admin, "/bookings", offline(club, 8))).body
  await db`
    update slotbase.bookings set agreed_timezone = null, agreed_start = null, agreed_end = null,
      start_at = '2027-01-16T02:00:00Z', end_at = '2027-01-16T03:00:00Z'
    where id = ${booking.id} and facility_id = ${club.id}`
  const [found] = await Array.fromAsync(unsettledBookings(db, club.id))
  expect(found).toMatchObject({ agreedStart: "2027-01-15T18:00:00", presentStart: "2027-01-15T19:00:00" })
})

test("a decision without a facility, or with a word that is none, is refused", async () => {
  for (const words of [["keep-wall-time"], ["keep-wall-time", "x"], ["keep", club.id]])
    expect((await command(...words)).code).toBe(2)
})
