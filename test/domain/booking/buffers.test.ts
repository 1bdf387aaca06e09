// The buffer of a booking is chosen in the program for new bookings, and in SQL for free slots and the waitlist.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { type BufferRule, bufferIn, bufferOf } from "#domain/booking/buffers.ts"
import { aBookingClub, type BookingClub } from "#test/harness/club/booking-club.ts"

let club: BookingClub
beforeAll(async () => {
  club = await aBookingClub()
})
afterAll(() => club.api.database.drop())

test("program and SQL choose the same buffer, for every set of entries and every booking", async () => {
  const { db } = club.api.database
  const other = Bun.randomUUIDv7()
  const entries: readonly BufferRule[] = [
    { minutes: 5 },
    { minutes: 10, bookingType: "lesson" },
    { minutes: 15, resourceId: club.court },
    { minutes: 20, resourceId: club.court, bookingType: "lesson" },
    { minutes: 25, resourceId: other },
    { minutes: 30, bookingType: "league" },
  ]
  const sets = Array.from({ length: 2 ** entries.length }, (_, bits) => entries.filter((_, n) => bits & (2 ** n)))
  const chosen: unknown[] = []
  const expected: unknown[] = []
  for (const buffers of sets) {
    await db`
      insert into slotbase.booking_policies (facility_id, buffers) values (${club.id}, ${db.json(buffers as never)})
      on conflict (facility_id) do update set buffers = excluded.buffers`
    for (const resource of [club.court, other])
      for (const type of ["open_play", "lesson", "league"]) {
        const [row] = await db<[{ minutes: number }]>`
          select ${bufferOf(db, db`${club.id}::uuid`, db`${resource}::uuid`, db`${type}::text`)} as minutes`
        chosen.push([buffers, resource, type, row.minutes])
        expected.push([buffers, resource, type, bufferIn(buffers, resource, type)])
      }
  }
  expect(chosen).toEqual(expected)
  expect(chosen).toHaveLength(384)
})
