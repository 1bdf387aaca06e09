// The addresses that sign-ins leave: the latest twenty of a person, and for half a year.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { forgetOldAddresses, openSession } from "#access/sessions.ts"
import { aPerson } from "#test/harness/club/factories.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

async function addressesOf(userId: string): Promise<string[]> {
  const rows = await database.db<{ address: string }[]>`
    select address from slotbase.sign_in_addresses where user_id = ${userId} order by signed_in_at, address`
  return rows.map(({ address }) => address)
}

test("each sign-in keeps its address once, and beyond twenty the oldest is forgotten", async () => {
  const { db } = database
  const [person, other] = [await aPerson(db), await aPerson(db)]
  const from = (who: typeof person, address?: string) => db.begin((tx) => openSession(tx, who, address))
  await from(other, "198.51.100.1")
  await from(person)
  expect(await addressesOf(person.id)).toEqual([])
  const addresses = Array.from({ length: 22 }, (_, n) => `10.0.0.${n + 10}`)
  for (const address of addresses) await from(person, address)
  await from(person, "10.0.0.31")
  expect(await addressesOf(person.id)).toEqual(addresses.slice(2))
  // A sign-in from there makes an old address the latest one.
  await from(person, "10.0.0.12")
  await from(person, "10.0.0.99")
  expect(await addressesOf(person.id)).toEqual([...addresses.slice(4), "10.0.0.12", "10.0.0.99"])
  expect(await addressesOf(other.id)).toEqual(["198.51.100.1"])
})

test("an address without a sign-in for 180 days is forgotten, at most so many at once", async () => {
  const { db } = database
  const person = await aPerson(db)
  for (const address of ["10.0.0.1", "10.0.0.2", "10.0.0.3"]) {
    await db.begin((tx) => openSession(tx, person, address))
  }
  await db`
    update slotbase.sign_in_addresses
    set signed_in_at = slotbase.now() - case address when '10.0.0.3' then interval '179 days' else interval '181 days' end
    where user_id = ${person.id}`
  expect([await forgetOldAddresses(db, 1), await forgetOldAddresses(db), await forgetOldAddresses(db)]).toEqual([
    1, 1, 0,
  ])
  expect(await addressesOf(person.id)).toEqual(["10.0.0.3"])
})
