// More time for a hold: ten times, for its booker and staff, and never while somebody waits for the slot.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { hoursFrom } from "#test/harness/club/hours.ts"
import { makeWaitlist } from "#test/harness/club/waitlist.ts"

let club: Awaited<ReturnType<typeof makeWaitlist>>
let hour = 24
const used = Array.from({ length: 10 }, (_, n) => 10 - n)

beforeAll(async () => {
  club = await makeWaitlist()
})
afterAll(() => club.api.database.drop())

const holdFor = async (person: { token: string }, start = ++hour) => {
  const body = { resourceId: club.its.court, ...hoursFrom(start, 1) }
  return (await club.api.call("POST", `${club.at}/holds`, { body, token: person.token })).body
}
const extend = (id: string, person: { token: string }) =>
  club.api.call("POST", `${club.at}/holds/${id}/extend`, { body: {}, token: person.token })
const pass = (minutes: number) => club.db`select slotbase.move_clock(make_interval(mins => ${minutes}))`

test("a hold gets its full time again ten times, each with its event, and no eleventh time", async () => {
  const held = await holdFor(club.ana)
  expect(held.extensionsLeft).toBe(10)
  let until = Date.parse(held.expiresAt)
  for (const left of used) {
    await pass(1)
    const { status, body } = await extend(held.id, club.ana)
    expect(status).toBe(200)
    expect(body.extensionsLeft).toBe(left - 1)
    expect(Date.parse(body.expiresAt)).toBeGreaterThan(until)
    until = Date.parse(body.expiresAt)
  }
  const events = await club.db<{ extensions: number; by: string }[]>`
    select (data->>'extensions')::integer as extensions, data->>'extendedBy' as by from slotbase.events
    where type = 'booking.hold.extended' and aggregate_id = ${held.id} order by id`
  expect([...events]).toEqual(used.map((left) => ({ extensions: 11 - left, by: club.ana.id })))
  expect(await extend(held.id, club.ana)).toMatchObject({ status: 409, body: { code: "no_extension_left" } })
  const read = await club.api.call("GET", `${club.at}/bookings/${held.id}`, { token: club.ana.token })
  expect(Date.parse(read.body.expiresAt)).toBe(until)
})

test("a hold for which somebody waits gets no more time", async () => {
  const held = await holdFor(club.ana)
  await club.waiting(club.ben, hour)
  expect(await extend(held.id, club.ana)).toMatchObject({ status: 409, body: { code: "somebody_waits" } })
  const read = await club.api.call("GET", `${club.at}/bookings/${held.id}`, { token: club.ana.token })
  expect(read.body).toMatchObject({ expiresAt: held.expiresAt, extensionsLeft: 10 })
})

test("an expired hold, one that was given back, and somebody else's get none", async () => {
  const held = await holdFor(club.ben)
  expect((await extend(held.id, club.cleo)).status).toBe(404)
  expect((await club.api.call("DELETE", `${club.at}/holds/${held.id}`, { token: club.ben.token })).status).toBe(200)
  expect(await extend(held.id, club.ben)).toMatchObject({ status: 409, body: { code: "booking_not_held" } })
  const other = await holdFor(club.cleo)
  await pass(6)
  expect(await extend(other.id, club.cleo)).toMatchObject({ status: 409, body: { code: "hold_expired" } })
})

test("a hold is not extended beyond the start of its slot", async () => {
  const [{ now } = { now: new Date() }] = await club.db<{ now: Date }[]>`select slotbase.now() as now`
  const start = new Date(Math.ceil(now.getTime() / 60_000 + 6) * 60_000)
  const times = { startAt: start.toISOString(), endAt: new Date(start.getTime() + 3_600_000).toISOString() }
  const wish = { resourceId: club.its.court, ...times }
  const held = (await club.api.call("POST", `${club.at}/holds`, { body: wish, token: club.ben.token })).body
  await pass(3)
  expect((await extend(held.id, club.ben)).body).toMatchObject({ expiresAt: times.startAt, extensionsLeft: 9 })
  expect((await extend(held.id, club.ben)).body).toMatchObject({ expiresAt: times.startAt, extensionsLeft: 9 })
})
