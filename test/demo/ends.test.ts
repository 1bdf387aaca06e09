// The ends of the demo: a ledger that disagrees and a person in two places are named, and nothing else is.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { newId } from "#base/ids.ts"
import { endLines, endsAreRight, readEnds } from "#demo/ends.ts"
import { aBookingClub, type Body, type BookingClub, offline, outcome } from "#test/harness/club/booking-club.ts"

let club: BookingClub
beforeAll(async () => {
  club = await aBookingClub()
})
afterAll(() => club.api.database.drop())

const ends = () => readEnds(club.api.database.db, [club.id])
const book = async (hour: number, more: Body = {}) => {
  const answer = await club.post(club.staff, "/bookings", offline(club, hour, more))
  expect(outcome(answer)).toBe("201")
  return answer.body.id as string
}

test("two bookings one after the other are one place at a time, and paid money is even", async () => {
  await club.pay(await book(1), 2400)
  await book(2, { resourceId: club.otherCourt })
  const found = await ends()
  expect(found).toEqual({ accounts: 3, uneven: [], people: 1, twice: [] })
  expect(endsAreRight(found)).toBe(true)
})

test("a person on two courts at once is named, as booker and as participant; a cancelled booking does not count", async () => {
  const second = await book(1, {
    resourceId: club.otherCourt,
    bookerId: club.friend.id,
    participants: [{ userId: club.player.id }],
  })
  const found = await ends()
  expect([found.people, found.twice, endsAreRight(found)]).toEqual([2, ["Mia Keller"], false])
  expect(endLines(found)[1]).toBe("Places: 1 of 2 people are in one place at a time. WRONG: Mia Keller.")
  await club.post(club.staff, `/bookings/${second}/cancel`, { cancellationReason: "A mistake" })
  expect((await ends()).twice).toEqual([])
})

test("an account that disagrees with the payments is named", async () => {
  const source = newId()
  await club.api.database.db`
    insert into slotbase.payment_ledger (source_id, facility_id, kind, account, amount, currency, billing_account_id)
    values (${source}, ${club.id}, 'offline_payment', 'till', 500, 'EUR', ${newId()}),
           (${source}, ${club.id}, 'offline_payment', 'sales', -500, 'EUR', ${newId()})`
  const found = await ends()
  expect([found.uneven.map((name) => name.split(" ").slice(-2)), endsAreRight(found)]).toEqual([
    [["till", "EUR"]],
    false,
  ])
})
