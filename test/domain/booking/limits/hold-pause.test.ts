// The pause after a hold that came to nothing: who kept a time and did not book it leaves it to others for a while.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { holdExpiration } from "#actors/jobs/hold-expiration.ts"
import { waitlistOffers } from "#actors/jobs/waitlist-offers.ts"
import { aBookingClub, type BookingClub, offline, online, outcome } from "#test/harness/club/booking-club.ts"
import { aMember, type Person } from "#test/harness/club/club.ts"
import { atHour, hoursFrom } from "#test/harness/club/hours.ts"

let club: BookingClub
let member: Person
let hour = 0

beforeAll(async () => {
  club = await aBookingClub()
})
afterAll(() => club.api.database.drop())
beforeEach(async () => {
  hour += 12
  await club.policy({})
  member = await aMember(club.api.database.db, "player", club.id)
})

const later = (time: string) => club.api.database.db`select slotbase.move_clock(${time}::interval)`
const hold = (by = member, span = atHour(hour), more = {}) =>
  club.post(by, "/holds", { resourceId: club.court, ...span, ...more })
const release = ({ body }: { body: { id: string } }) =>
  club.api.call("DELETE", `/v1/facilities/${club.id}/holds/${body.id}`, { token: member.token })
const paused = "422 hold_paused"

test("an hour held six times in a row: the first hold that lapses pauses the next, as long as a hold lasts", async () => {
  const first = await hold()
  expect(outcome(first)).toBe("201")
  await later("5 minutes 1 second")
  const again = await hold()
  const from = new Date(Date.parse(first.body.expiresAt) + 5 * 60_000).toISOString()
  expect([outcome(again), again.body.detail, again.body.errors]).toEqual([
    paused,
    `You kept this time and did not book it; others may have it now. From ${from} on you can hold it again.`,
    [{ path: "body.startAt", message: `can be held again from ${from} on` }],
  ])
  for (let n = 0; n < 4; n++) {
    await later("1 minute")
    expect(outcome(await hold())).toBe(paused)
  }
  await later("59 seconds")
  expect(outcome(await hold())).toBe("201")
})

test("it binds the same member on the same time of the court, and their online booking; nobody and nothing else", async () => {
  await hold()
  await later("5 minutes 1 second")
  expect(outcome(await hold(member, hoursFrom(hour - 1, 2)))).toBe(paused)
  expect(outcome(await club.post(member, "/bookings", online(club, hour)))).toBe(paused)
  expect(outcome(await hold(member, atHour(hour + 1)))).toBe("201")
  expect(outcome(await club.post(member, "/bookings", online(club, hour, { resourceId: club.otherCourt })))).toBe("201")
  expect(outcome(await club.post(club.staff, "/bookings", offline(club, hour, { bookerId: member.id })))).toBe("201")
  expect(outcome(await club.post(club.player, "/bookings", online(club, hour - 1)))).toBe("201")
})

test("a parent cannot go round it with a child", async () => {
  const forChild = { bookerId: club.child.id }
  expect(outcome(await hold(club.parent, atHour(hour), forChild))).toBe("201")
  await later("5 minutes 1 second")
  expect(outcome(await hold(club.parent))).toBe(paused)
  expect(outcome(await hold(club.parent, atHour(hour), forChild))).toBe(paused)
  expect(outcome(await hold())).toBe("201")
})

test("giving a hold back soon costs nothing; right before its end, or over and over, it does", async () => {
  const first = await hold()
  await later("1 minute")
  await release(first)
  const second = await hold(member, hoursFrom(hour, 2))
  expect(outcome(second)).toBe("201")
  await later("1 minute")
  await release(second)
  const third = await hold()
  expect(outcome(third)).toBe("201")
  await later("1 minute")
  await release(third)
  // Three minutes of five.
  expect(outcome(await hold())).toBe(paused)
  await later("3 minutes 1 second")
  const fourth = await hold()
  expect(outcome(fourth)).toBe("201")
  await later("4 minutes 59 seconds")
  await release(fourth)
  expect(outcome(await hold())).toBe(paused)
})

test("a payment that failed is forgiven once", async () => {
  await club.policy({ holdPauseMinutes: 30 })
  const holdAndTry = async () => {
    const held = await hold()
    const { status, body } = await club.post(member, "/payments", {
      referenceType: "booking",
      referenceId: held.body.id,
      cardToken: "tok_declined",
    })
    await later("5 minutes 1 second")
    return [outcome(held), status, body.status]
  }
  expect(await holdAndTry()).toEqual(["201", 201, "failed"])
  expect(await holdAndTry()).toEqual(["201", 201, "failed"])
  expect(outcome(await hold())).toBe(paused)
})

test("it is forgiven once also where the pause is as long as a hold", async () => {
  const holdAndTry = async () => {
    const held = await hold()
    const card = { referenceType: "booking", referenceId: held.body.id, cardToken: "tok_declined" }
    if (held.status === 201) await club.post(member, "/payments", card)
    await later("5 minutes 1 second")
    return outcome(held)
  }
  expect([await holdAndTry(), await holdAndTry(), await holdAndTry(), await holdAndTry()]).toEqual([
    "201",
    "201",
    paused,
    "201",
  ])
})

test("a wish for the time that its member keeps is no way round it: the offer waits for the pause", async () => {
  await hold()
  const wish = { resourceId: club.court, ...atHour(hour) }
  const [own, other] = [await club.post(member, "/waitlist", wish), await club.post(club.player, "/waitlist", wish)]
  const offered = async () => {
    const { signal } = new AbortController()
    await holdExpiration(club.api.app).pass(signal)
    await waitlistOffers(club.api.app).pass(signal)
    const entries = await Promise.all([own, other].map(({ body }) => club.get(club.staff, `/waitlist/${body.id}`)))
    return entries.map(({ body }) => body.status)
  }
  await later("5 minutes 1 second")
  expect(await offered()).toEqual(["waiting", "offered"])
  await later("15 minutes 1 second")
  expect(await offered()).toEqual(["offered", "expired"])
})

test("the policy sets another pause, or none", async () => {
  await club.policy({ holdPauseMinutes: 30 })
  await hold()
  await later("34 minutes")
  expect(outcome(await hold())).toBe(paused)
  await later("1 minute 1 second")
  expect(outcome(await hold())).toBe("201")
  await later("6 minutes")
  await club.policy({ holdPauseMinutes: 0 })
  expect(outcome(await hold())).toBe("201")
})
