// Sixty-four clients book one slot at the same moment: one wins, and all others get a clear conflict.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { expireHolds } from "#domain/booking/holds.ts"
import { createBooking, createHold } from "#test/harness/club/ask.ts"
import { aClub, type Club, run } from "#test/harness/club/club.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let club: Club

beforeAll(async () => {
  database = await testDatabase()
  club = await aClub(database.db)
})
afterAll(() => database.drop())

const clients = 64

interface Outcome {
  readonly result: string
  readonly alternatives: number
}

const tryToBook = (hour: number): Promise<Outcome> =>
  run(database.db, (tx) =>
    createBooking(tx, club.staff.caller, club.id, {
      resourceId: club.court,
      ...atHour(hour),
      bookerId: club.player.id,
      paymentMethod: "offline",
    }),
  ).then(
    () => ({ result: "won", alternatives: 0 }),
    (error) => ({ result: error._tag ?? String(error), alternatives: error.alternatives?.length }),
  )

const race = (hour: number) => Promise.all(Array.from({ length: clients }, () => tryToBook(hour)))

const bookingsAt = async (hour: number) =>
  (await database.db`select from slotbase.occupancies where lower(during) = ${atHour(hour).startAt}`).length

test("64 clients race for one slot: one winner, 63 clear conflicts", async () => {
  await race(1) // connections are opened and statements prepared
  const outcomes = await race(2)
  expect(outcomes.filter(({ result }) => result === "won")).toHaveLength(1)
  expect(outcomes.filter(({ result, alternatives }) => result === "SlotTaken" && alternatives === 3)).toHaveLength(
    clients - 1,
  )
  expect(await bookingsAt(2)).toBe(1)
})

test("the same with an expired hold in the way", async () => {
  for (let hour = 3; hour < 8; hour++) {
    const slot = { resourceId: club.court, ...atHour(hour) }
    const hold = await run(database.db, (tx) => createHold(tx, club.player.caller, club.id, slot))
    await database.db`select slotbase.move_clock('6 minutes')`
    const [outcomes] = await Promise.all([race(hour), run(database.db, (tx) => expireHolds(tx, 10))])
    expect(outcomes.filter(({ result }) => result === "won")).toHaveLength(1)
    expect(outcomes.filter(({ result }) => result === "SlotTaken")).toHaveLength(clients - 1)
    expect(await bookingsAt(hour)).toBe(1)
    const released = await database.db`
      select from slotbase.events where aggregate_id = ${hold.id} and type = 'booking.hold.released'`
    expect(released).toHaveLength(1)
  }
})

test("bookings of many clients with overlapping times never overlap, and none of them deadlocks", async () => {
  const stretch = (n: number) => ({
    startAt: atHour(100 + (n % 5)).startAt,
    endAt: atHour(101 + (n % 5) + (n % 3)).startAt,
  })
  const outcomes = await Promise.all(
    Array.from({ length: 200 }, (_, n) =>
      run(database.db, (tx) =>
        createBooking(tx, club.staff.caller, club.id, {
          resourceId: n % 2 ? club.court : club.otherCourt,
          ...stretch(n),
          bookerId: club.player.id,
          paymentMethod: "waived",
        }),
      ).then(
        () => "won",
        (error) => error._tag ?? String(error),
      ),
    ),
  )
  expect(new Set(outcomes)).toEqual(new Set(["won", "SlotTaken"]))
  const overlaps = await database.db`
    select from slotbase.occupancies a join slotbase.occupancies b
      on a.resource_id = b.resource_id and a.booking_id < b.booking_id and a.during && b.during`
  expect(overlaps).toHaveLength(0)
})
