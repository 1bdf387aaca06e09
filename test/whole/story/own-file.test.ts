// A club's own file (examples/my-club.ts) in the whole program: its handlers with their retries, and its hooks.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { atHour } from "#test/harness/club/hours.ts"
import { type Receiver, startReceiver } from "#test/harness/outside/receiver.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { rootKey, type System, spawnSystem, startSystem } from "#test/harness/setup/system.ts"

let database: TestDatabase
let system: System
let gate: Receiver
let answers: number[] = []

beforeAll(async () => {
  database = await testDatabase()
  await database.db.begin(async (tx) => {
    await tx`create schema my_club`
    await tx`create table my_club.visits (user_id uuid primary key, visits integer not null)`
  })
  gate = startReceiver(() => new Response("no", { status: answers.shift() ?? 200 }))
  const env = { SLOTBASE_EXTENSIONS: "examples/my-club.ts", MY_CLUB_GATE_URL: gate.url, SLOTBASE_DEMO: "off" }
  system = await startSystem({ url: database.url, env })
}, 60_000)
afterAll(async () => {
  await system.end()
  await gate.stop()
  await database.drop()
})

async function post(path: string, body: object) {
  const headers = { authorization: `Bearer ${rootKey}`, "content-type": "application/json" }
  const answer = await fetch(`${system.address}/v1${path}`, { method: "POST", headers, body: JSON.stringify(body) })
  return { status: answer.status, body: (await answer.json()) as Record<string, string> }
}

/** The first hour that is no Monday, and the first one that is. */
const isMonday = (hour: number) => new Date(atHour(hour).startAt).getUTCDay() === 1
const playHour = isMonday(10) ? 34 : 10
const mondayHour = Array.from({ length: 8 }, (_, day) => 10 + 24 * day).find(isMonday) as number

test("the gate is asked until it answers, the hook blocks Mondays, and a check-in counts a visit", async () => {
  const open = [{ open: "00:00", close: "24:00" }]
  const days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
  const openingHours = Object.fromEntries(days.map((day) => [day, open]))
  const given = { name: "Club", timezone: "UTC", currency: "EUR", sportTypes: ["tennis"], openingHours }
  const { id } = (await post("/facilities", given)).body
  const at = `/facilities/${id}`
  const court = (await post(`${at}/resources`, { name: "Court 1", resourceType: "court", hourlyPrice: 0 })).body.id
  const person = { email: "mia@example.com", password: "a long enough 9assword", firstName: "Mia", lastName: "M" }
  const member = (await post("/users", { ...person, facilityId: id })).body.id
  const book = (hour: number) =>
    post(`${at}/bookings`, { resourceId: court, ...atHour(hour), bookerId: member, paymentMethod: "waived" })

  const monday = await book(mondayHour)
  expect([monday.status, monday.body.detail]).toEqual([422, "We rest on Mondays."])

  answers = [500, 503]
  const booked = await book(playHour)
  expect(booked.status).toBe(201)
  await eventually(() => expect(gate.received).toHaveLength(3), { withinMs: 15_000 })
  const keys = gate.received.map(({ headers }) => headers.get("idempotency-key"))
  expect(new Set(keys).size).toBe(1)
  expect(keys[0]).toEndWith(":GateHandler")
  await eventually(async () => {
    const runs = await database.db<{ handler: string; status: string; attempts: number }[]>`
      select handler, status, attempts from slotbase.handler_runs
      where handler in ('GateHandler', 'AfterHooks') and facility_id = ${id ?? ""} order by handler`
    expect(runs.map((run) => ({ ...run }))).toEqual([
      { handler: "AfterHooks", status: "success", attempts: 1 },
      { handler: "GateHandler", status: "success", attempts: 3 },
    ])
  })
  expect(system.output()).toContain("Confirmed: Court 1 at")

  await database.db`
    select slotbase.record_event('booking.checked_in', ${id ?? ""}, ${database.db.json({
      ...{ bookingId: booked.body.id, facilityId: id, userId: member, checkedInAt: atHour(playHour).startAt },
      ...{ checkedInBy: "staff", method: "manual" },
    } as never)})`
  await eventually(async () => {
    const visits = await database.db<
      { visits: number }[]
    >`select visits from my_club.visits where user_id = ${member ?? ""}`
    expect(visits.map((row) => row.visits)).toEqual([1])
  })
}, 60_000)

test("a mistake in the file ends the start with one sentence, before the database is touched", async () => {
  const env = { SLOTBASE_EXTENSIONS: "examples/not-there.ts", PORT: "0" }
  const broken = spawnSystem({ url: "postgres://nobody@127.0.0.1:1/none", env })
  expect(await broken.exited).toBe(2)
  expect(broken.output()).toStartWith("examples/not-there.ts cannot be read: ")
})
