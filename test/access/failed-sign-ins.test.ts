// Wrong passwords are counted by account, address and hour, and nobody makes the counts grow without end.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { noteFailedSignIn } from "#access/failed-sign-ins.ts"
import type { Db } from "#base/database/db.ts"
import { aPerson } from "#test/harness/club/factories.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  await db`update slotbase.clock set movable = true`
})
beforeEach(async () => {
  await db`truncate slotbase.failed_sign_ins`
})
afterAll(() => database.drop())

const counts = async () => [
  ...(await db`
    select user_id, text(client_address) as address, tries from slotbase.failed_sign_ins order by user_id, client_address`),
]

test("repeated ones of an hour are one row", async () => {
  const { id } = await aPerson(db)
  await Promise.all(Array.from({ length: 20 }, () => noteFailedSignIn(db, id, "192.0.2.7")))
  expect(await counts()).toEqual([{ user_id: id, address: "192.0.2.7/32", tries: 20 }])
})

test("each hour has a row of its own", async () => {
  const { id } = await aPerson(db)
  await noteFailedSignIn(db, id, "192.0.2.7")
  await db`select slotbase.move_clock('1 hour')`
  await noteFailedSignIn(db, id, "192.0.2.7")
  expect((await counts()).map(({ tries }) => tries)).toEqual([1, 1])
})

test("addresses of one IPv6 network are one client", async () => {
  await noteFailedSignIn(db, undefined, "2001:db8::1")
  await noteFailedSignIn(db, undefined, "2001:db8::ffff:2")
  await noteFailedSignIn(db, undefined, "2001:db8:0:1::1")
  expect(await counts()).toEqual([
    { user_id: null, address: "2001:db8::/64", tries: 2 },
    { user_id: null, address: "2001:db8:0:1::/64", tries: 1 },
  ])
})

test("beyond 100 addresses of one account and hour all others share a row", async () => {
  const { id } = await aPerson(db)
  const { id: other } = await aPerson(db)
  for (let n = 0; n < 130; n++) await noteFailedSignIn(db, id, `198.51.100.${n}`)
  for (let n = 0; n < 130; n++) await noteFailedSignIn(db, undefined, `198.51.100.${n}`)
  // An address with a row keeps it.
  await noteFailedSignIn(db, id, "198.51.100.0")
  await noteFailedSignIn(db, other, "198.51.100.129")
  const rows = await counts()
  const of = (account: string | null) => rows.filter(({ user_id }) => user_id === account)
  expect(of(id)).toHaveLength(101)
  expect(of(id).find(({ address }) => address === null)?.tries).toBe(30)
  expect(of(id).find(({ address }) => address === "198.51.100.0/32")?.tries).toBe(2)
  expect(of(null)).toHaveLength(101)
  expect(of(other)).toEqual([{ user_id: other, address: "198.51.100.129/32", tries: 1 }])
})

test("old counts leave in bounded parts", async () => {
  for (let n = 0; n < 3; n++) await noteFailedSignIn(db, undefined, `198.51.100.${n}`)
  await db`select slotbase.move_clock('2 hours')`
  await noteFailedSignIn(db, undefined, "198.51.100.9")
  const [{ now }] = await db<[{ now: Date }]>`select slotbase.now() as now`
  const hourAgo = new Date(now.getTime() - 3_600_000)
  const forget = () => db`select gone from slotbase.forget_rows('failed_sign_ins', ${hourAgo}, 2)`
  expect([...(await forget()), ...(await forget())]).toEqual([{ gone: 2 }, { gone: 1 }])
  expect((await counts()).map(({ address }) => address)).toEqual(["198.51.100.9/32"])
})
