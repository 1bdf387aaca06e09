// Deadlines at their instant: what the actor sleeps until, and what it does then, without a tick of a job.

import { afterEach, beforeEach, expect, test } from "bun:test"
import { deadlines } from "#actors/jobs/deadlines.ts"
import type { Actor } from "#actors/runtime/actor.ts"
import { clock } from "#base/clock.ts"
import { sendHint } from "#base/hints.ts"
import { createBooking, createHold } from "#test/harness/club/ask.ts"
import { aClub, type Club, run } from "#test/harness/club/club.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { startJobs } from "#test/harness/club/jobs.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let club: Club
let actor: Actor

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

beforeEach(async () => {
  database = await testDatabase()
  club = await aClub(database.db)
  actor = deadlines(testApp(database.db))
})
afterEach(async () => {
  await database.db`update slotbase.clock set shift = '0'`
  await clock.follow(database.db)
  await database.drop()
})

const db = () => database.db
const hold = (hour = 24) =>
  run(db(), (tx) => createHold(tx, club.player.caller, club.id, { resourceId: club.court, ...atHour(hour) }))
const book = (hour: number) =>
  run(db(), (tx) =>
    createBooking(tx, club.staff.caller, club.id, {
      resourceId: club.court,
      ...atHour(hour),
      bookerId: club.friend.id,
      paymentMethod: "offline",
    }),
  )
const look = async () => (await actor.pass(new AbortController().signal)).dueAt?.toISOString()
const moveTo = async (instant: string | number, offsetMs = 0) => {
  const at = new Date(new Date(instant).getTime() + offsetMs)
  await db()`select slotbase.move_clock(${at}::timestamptz - slotbase.now())`
  await clock.follow(db())
}
const types = async () =>
  (await db()<{ type: string }[]>`select type from slotbase.events order by id`).map(({ type }) => type)
const secondsAhead = async (instant: string | undefined) => {
  const [{ now }] = await db()<[{ now: Date }]>`select slotbase.now() as now`
  return Math.round((Date.parse(instant ?? "") - now.getTime()) / 1_000)
}

test("without anything due it looks for reminders again after ten seconds", async () => {
  expect(await secondsAhead(await look())).toBe(10)
})

test("it sleeps until the end of the next hold, and ends it then", async () => {
  const { expiresAt } = await hold()
  await moveTo(expiresAt ?? "", -5_000)
  expect(await look()).toBe(expiresAt ?? "")
  expect(await types()).not.toContain("booking.hold.released")
  await moveTo(expiresAt ?? "", 1)
  expect(await secondsAhead(await look())).toBe(5)
  expect((await types()).filter((type) => type === "booking.hold.released")).toHaveLength(1)
  await look()
  expect((await types()).filter((type) => type === "booking.hold.released")).toHaveLength(1)
})

test("it sleeps until the next reminder, and decides it then", async () => {
  const { startAt } = await book(72)
  const reminderAt = Date.parse(startAt) - dayMs
  await moveTo(reminderAt, -7_000)
  expect(await look()).toBe(new Date(reminderAt).toISOString())
  await moveTo(reminderAt, 1)
  await look()
  expect((await types()).filter((type) => type === "booking.reminder.due")).toHaveLength(1)
})

test("when the clock is set back it looks for reminders anew, and does not wait for the time that it had seen", async () => {
  await moveTo(Date.now() + dayMs)
  expect(await secondsAhead(await look())).toBe(10)
  await moveTo(Date.now())
  expect(await secondsAhead(await look())).toBe(10)
})

test("a hold that another transaction has locked is tried again soon, and does not spin", async () => {
  const { id, expiresAt } = await hold()
  await moveTo(expiresAt ?? "", 1)
  const held = Promise.withResolvers<void>()
  const locked = Promise.withResolvers<void>()
  const locking = db().begin(async (tx) => {
    await tx`select from slotbase.bookings where id = ${id} for update`
    locked.resolve()
    await held.promise
  })
  await locked.promise
  const [{ now }] = await db()<[{ now: Date }]>`select slotbase.now() as now`
  const again = Date.parse((await look()) ?? "") - now.getTime()
  expect(again).toBeGreaterThanOrEqual(250)
  expect(again).toBeLessThan(10_000)
  held.resolve()
  await locking
  await look()
  expect((await types()).filter((type) => type === "booking.hold.released")).toHaveLength(1)
})

test("a hold that is made while it sleeps ends without a tick of a job", async () => {
  const jobs = await startJobs(testApp(db()), [], () => [actor])
  const { id } = await hold()
  await db()`update slotbase.bookings set hold_expires_at = slotbase.now() + interval '0.8 seconds' where id = ${id}`
  sendHint("log")
  await eventually(async () => expect(await types()).toContain("booking.hold.released"))
  await jobs.stop()
})
