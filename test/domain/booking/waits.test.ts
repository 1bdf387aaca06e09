// Lock order: strikes of one member are counted one after the other, and so are moves inside a facility. Two bookings
// that swap places therefore never deadlock.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { requireMember } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { giveStrike } from "#domain/booking/attendance/strikes.ts"
import { lockBooking } from "#domain/booking/find.ts"
import { rescheduleBooking } from "#domain/booking/reschedule.ts"
import { aClub, type Club, run } from "#test/harness/club/club.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let club: Club

beforeAll(async () => {
  database = await testDatabase()
  club = await aClub(database.db)
})
afterAll(() => database.drop())

/** Runs `second` after `first` has done its work and before it commits; `second` must wait for an advisory lock. */
async function oneAfterTheOther<T>(first: (tx: Tx) => Promise<T>, second: (tx: Tx) => Promise<T>): Promise<[T, T]> {
  const [done, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const one = run(database.db, async (tx) => {
    const result = await first(tx)
    done.resolve()
    await go.promise
    return result
  })
  await done.promise
  const two = run(database.db, second)
  try {
    await eventually(async () => {
      const waiting = await database.db`
        select from pg_locks where not granted and locktype = 'advisory'
          and database = (select oid from pg_database where datname = current_database())`
      expect(waiting).toHaveLength(1)
    })
  } finally {
    go.resolve()
  }
  return Promise.all([one, two])
}

test("two strikes of one member count each other", async () => {
  const bookings = [await club.book(club.court, 1), await club.book(club.otherCourt, 1)]
  const strike = (id: string) => async (tx: Tx) =>
    (await giveStrike(tx, await lockBooking(tx, club.id, id), club.staff.id)).strikeCount
  const [first, second] = bookings.map(({ id }) => strike(id))
  expect(await oneAfterTheOther(first as never, second as never)).toEqual([1, 2])
})

test("a move waits for the move before it, and then finds the time that it left free", async () => {
  const [one, two] = [await club.book(club.court, 3), await club.book(club.court, 4)]
  const move = (id: string, hour: number) => (tx: Tx) =>
    rescheduleBooking(tx, requireMember(club.player.caller, club.id), id, atHour(hour))
  const moved = await oneAfterTheOther(move(one.id, 5), move(two.id, 3))
  expect(moved).toMatchObject([atHour(5), atHour(3)])
})
