// Availability comes in pages of courts, bounded by their slots.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { requireMember } from "#access/caller.ts"
import { availabilityOf } from "#domain/booking/availability/availability.ts"
import { aMember } from "#test/harness/club/club.ts"
import { aFacility, aResource } from "#test/harness/club/factories.ts"
import { dayOf } from "#test/harness/club/hours.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

test("the resources come in pages by name, built and from the cache alike, and none is missed or twice", async () => {
  const facility = await aFacility(database.db)
  await database.db`update slotbase.facilities set slot_minutes = 5 where id = ${facility.id}`
  const names = Array.from({ length: 70 }, (_, i) => `Court ${String(i).padStart(2, "0")}`)
  for (const name of names.toReversed()) await aResource(database.db, facility.id, { name })
  const { caller } = await aMember(database.db, "player", facility.id)
  const member = requireMember(caller, facility.id)
  const page = async (limit: string, after?: string | null) =>
    availabilityOf(database.db, member, { date: dayOf(1), limit, ...(after && { after }) })
  // A page of 200 would have 57,600 slots. It has as many courts as fit into 20,000 on the longest day.
  for (const time of ["built", "from the cache"]) {
    const first = await page("200")
    const second = await page("200", first.next)
    expect([time, first.resources.length, second.resources.length, second.next]).toEqual([time, 66, 4, null])
    expect([...first.resources, ...second.resources].map(({ name }) => name)).toEqual(names)
    expect(first.resources.every(({ slots }) => slots.length === 288)).toBe(true)
  }
  expect((await page("3")).resources.map(({ name }) => name)).toEqual(names.slice(0, 3))
  await expect(page("3", "abc")).rejects.toMatchObject({ _tag: "InvalidInput" })
})
