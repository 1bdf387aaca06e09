// Lessons and blocks from before a coach had one place: those that fit have the coach's time. The first one made
// wins, and the rest is listed. The migration never fails on them.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { cp, mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { migrate } from "#base/database/migrate.ts"
import { newId } from "#base/ids.ts"
import { checks } from "#operations/doctor.ts"
import { aFacility, aPerson } from "#test/harness/club/factories.ts"
import { emptyDatabase, type TestDatabase } from "#test/harness/setup/database.ts"

const sql = join(import.meta.dir, "../../sql")
let database: TestDatabase
let earlier: string

beforeAll(async () => {
  database = await emptyDatabase()
  earlier = await mkdtemp(join(tmpdir(), "slotbase-test-sql-"))
  const files = (await readdir(sql)).filter((file) => file < "0031-")
  for (const file of files) await cp(join(sql, file), join(earlier, file))
  await migrate(database.url, earlier)
})
afterAll(async () => {
  await database.drop()
  await rm(earlier, { recursive: true })
})

test("the first of two overlapping lessons has the coach, and the doctor lists the other", async () => {
  const { db } = database
  const { id: facilityId } = await aFacility(db)
  const coach = await aPerson(db)
  const at = (hour: number) => new Date(Date.parse("2099-06-01T08:00:00Z") + hour * 3_600_000).toISOString()
  const aBooking = async (from: number, to: number, kind: "lesson" | "coach_block") => {
    const [id, court] = [newId(), newId()]
    await db`
      insert into slotbase.resources (id, facility_id, name, resource_type, hourly_price)
      values (${court}, ${facilityId}, ${court}, 'court', 0)`
    await db`
      insert into slotbase.bookings (id, facility_id, resource_id, status, booking_type, booker_id, start_at, end_at,
        price_amount, price_currency, is_recurring, created_by)
      values (${id}, ${facilityId}, ${court}, 'confirmed', ${kind}, ${coach.id}, ${at(from)}, ${at(to)}, 0, 'EUR', false, ${coach.id})`
    await db`
      insert into slotbase.occupancies (booking_id, facility_id, resource_id, during)
      values (${id}, ${facilityId}, ${court}, tstzrange(${at(from)}, ${at(to)}))`
    if (kind === "lesson") {
      await db`
        insert into slotbase.coach_sessions (id, facility_id, booking_id, coach_id, session_type, created_by)
        values (${newId()}, ${facilityId}, ${id}, ${coach.id}, 'private', ${coach.id})`
    } else {
      await db`
        insert into slotbase.coach_blocks (id, facility_id, booking_id, coach_id, block_type, requires_approval, requested_by)
        values (${newId()}, ${facilityId}, ${id}, ${coach.id}, 'coaching', false, ${coach.id})`
    }
    return id
  }
  const first = await aBooking(0, 1, "lesson")
  const inTheWay = await aBooking(0, 2, "coach_block")
  const after = await aBooking(1, 2, "lesson")

  await migrate(database.url)
  const kept = await db<{ booking_id: string }[]>`select booking_id from slotbase.coach_occupancies order by during`
  expect(kept.map(({ booking_id }) => booking_id)).toEqual([first, after])
  const listed = await db`select coach_id, booking_id from slotbase.coaches_in_two_places`
  expect([...listed]).toEqual([{ coach_id: coach.id, booking_id: inTheWay }])
  const said = await Promise.all(checks.map((check) => check(db)))
  expect(said.find(({ name }) => name === "coaches")).toMatchObject({
    well: false,
    says: expect.stringContaining(`first booking ${inTheWay} of`),
  })
})
