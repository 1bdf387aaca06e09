// Mail through the sender while its server refuses connections, hangs at any step or is limited, and while addresses
// change. Two processes send at once.

import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import type { HandledEvent } from "#actors/handlers/handler.ts"
import { clock } from "#base/clock.ts"
import type { Db } from "#base/database/db.ts"
import { newId } from "#base/ids.ts"
import { markUndeliverable } from "#domain/people/undeliverable.ts"
import { aFacility, aPerson, type FacilityRow, type PersonRow } from "#test/harness/club/factories.ts"
import { notifiedEvent } from "#test/harness/outbound/notified-event.ts"
import { postOffice } from "#test/harness/outbound/post-office.ts"
import { type HangingSmtp, hangingSmtp, smtpSteps } from "#test/harness/outside/hanging-smtp.ts"
import { type SmtpReceiver, smtpReceiver } from "#test/harness/outside/smtp.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db
let facility: FacilityRow
let mia: PersonRow
const ends: (() => unknown)[] = []

beforeEach(async () => {
  database = await testDatabase()
  db = database.db
  facility = await aFacility(db)
  mia = await aPerson(db)
})
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
  await db`update slotbase.clock set shift = '0'`
  await clock.follow(db)
  await database.drop()
})

async function officeAt(smtpUrl: string, given: Parameters<typeof postOffice>[1] = {}) {
  const app = testApp(db, { smtpUrl, mailFrom: "Parkside <mail@club.example>" })
  ends.push(() => app.mail.close())
  return postOffice({ ...app, channels: [app.mail] }, given)
}

function aHangingServer(limits = ""): HangingSmtp {
  const server = hangingSmtp(limits)
  ends.push(server.stop)
  return server
}

async function aServer(): Promise<SmtpReceiver> {
  const server = await smtpReceiver()
  ends.push(server.close)
  return server
}

describe.each(smtpSteps)("a server that hangs at %s", (step) => {
  const mayHaveArrived = step === "content"

  test("is waited for as long as a step may take, and the mail arrives later", async () => {
    const server = aHangingServer("?socketTimeout=150&greetingTimeout=150")
    server.hangsAt = step
    const office = await officeAt(server.url)
    const event = confirmed()
    await office.tell(event)
    expect(await stateOf(event)).toBe(mayHaveArrived ? "sending 1 0" : "deferred 1 0")
    expect(await isHeld()).toBe(true)
    server.hangsAt = undefined
    // A hold of a minute at most, and ten seconds over which the held ones are spread.
    await laterMs(75_000)
    await office.send()
    await laterMs(11_000)
    await office.send()
    expect(await stateOf(event)).toBe(mayHaveArrived ? "sent 2 1" : "sent 2 0")
    expect(server.mails).toEqual(Array(mayHaveArrived ? 2 : 1).fill(await idOf(event)))
    expect(await isHeld()).toBe(false)
  })

  test("keeps no process from stopping, which blames nobody", async () => {
    const server = aHangingServer()
    server.hangsAt = step
    const stopping = await officeAt(server.url, { graceMs: 1 })
    const events = Array.from({ length: 10 }, () => confirmed())
    await stopping.record(...events)
    const reached = server.reached()
    void stopping.send()
    await reached
    await stopping.actor.drain?.()
    // Five connections carry a mail each; the other five wait for their place.
    const states = (await Promise.all(events.map(stateOf))).toSorted()
    const unknown = states.filter((state) => state === "sending 1 0").length
    expect(states.filter((state) => state !== "sending 1 0")).toEqual(Array(10 - unknown).fill("deferred 1 0"))
    expect(unknown > 0).toBe(mayHaveArrived)
    expect(unknown).toBeLessThanOrEqual(5)
    expect(await isHeld()).toBe(false)
    server.hangsAt = undefined
    const heir = await officeAt(server.url)
    await laterMs(61_000)
    await heir.send()
    expect(new Set((await Promise.all(events.map(stateOf))).map((state) => state.split(" ")[0]))).toEqual(
      new Set(["sent"]),
    )
    expect(new Set(server.mails).size).toBe(10)
  })
})

test("while a server refuses connections all mail waits, and each arrives once after it is back", async () => {
  const gone = await smtpReceiver()
  await gone.close()
  const refused = await officeAt(gone.url)
  const events = Array.from({ length: 30 }, () => confirmed())
  await refused.record(...events.slice(0, 20))
  await refused.record(...events.slice(20))
  for (let nth = 0; nth < 4; nth++) {
    await refused.send()
    await laterMs(15_000)
  }
  expect(new Set(await Promise.all(events.map(stateOf)))).not.toContain("sending")
  const there = await aServer()
  const office = await officeAt(there.url)
  for (let nth = 0; nth < 12; nth++) {
    await office.send()
    await laterMs(30_000)
  }
  expect(there.mails).toHaveLength(30)
  expect(
    (
      await db`select from slotbase.notifications where channel = 'email' and (status <> 'sent' or unknown_outcomes > 0)`
    ).length,
  ).toBe(0)
})

test("after a hold one message asks again, although nothing is ready at its end", async () => {
  const server = await aServer()
  server.refuseSender = () => [421, "4.3.2 Shutting down"]
  const office = await officeAt(server.url)
  const event = confirmed()
  await office.tell(event)
  server.refuseSender = () => undefined
  await db`update slotbase.mail_service set held_until = slotbase.now() + interval '5 s' where channel = 'email'`
  await db`update slotbase.message_queue set due_at = slotbase.now() + interval '9 s'`
  await laterMs(6_000)
  await office.send()
  expect(server.mails).toHaveLength(0)
  await laterMs(4_000)
  await office.send()
  expect(server.mails).toHaveLength(1)
  expect(await isHeld()).toBe(false)
})

test("when the message that asks again is no longer true, the next one asks at once", async () => {
  const server = await aServer()
  server.refuseSender = () => [421, "4.3.2 Shutting down"]
  const office = await officeAt(server.url)
  const [first, second] = [confirmed(), confirmed((await aPerson(db)).id)]
  await office.record(first)
  await office.record(second)
  await office.send()
  server.refuseSender = () => undefined
  await markUndeliverable(db, {
    id: newId(),
    facility_id: facility.id,
    address: mia.email,
    answer: "550 5.1.1 No such user",
  })
  await laterMs(75_000)
  for (let nth = 0; nth < 3; nth++) await office.send()
  expect([await stateOf(first), await stateOf(second)]).toEqual(["skipped 1 0", "sent 2 0"])
})

test("two processes send five hundred mails of two facilities, each once", async () => {
  const server = await aServer()
  const other = await aFacility(db)
  const offices = [await officeAt(server.url), await officeAt(server.url)]
  const events = Array.from({ length: 500 }, (_, nth) => confirmed(mia.id, nth % 10 === 0 ? other.id : facility.id))
  // Of more at once the run would leave some to the backlog.
  for (let from = 0; from < events.length; from += 20) await offices[0]?.record(...events.slice(from, from + 20))
  await Promise.all(offices.map((office) => office.send()))
  expect(server.mails).toHaveLength(500)
  expect(new Set(server.mails.map(({ messageId }) => messageId)).size).toBe(500)
  const states =
    await db`select status, attempts, unknown_outcomes, count(*) from slotbase.notifications where channel = 'email' group by 1, 2, 3`
  expect(states.map((row) => ({ ...row }))).toEqual([{ status: "sent", attempts: 1, unknown_outcomes: 0, count: 500 }])
})

test("a mail goes to the address that its reader has when it leaves, and to none that bounced meanwhile", async () => {
  const server = await aServer()
  const office = await officeAt(server.url)
  const [moved, bounced] = [confirmed(), confirmed()]
  await office.record(moved)
  await db`update slotbase.users set email = 'new@example.com' where id = ${mia.id}`
  await office.send()
  expect(server.mails.map(({ recipients }) => recipients)).toEqual([["new@example.com"]])
  await office.record(bounced)
  await markUndeliverable(db, {
    id: newId(),
    facility_id: facility.id,
    address: "New@Example.com",
    answer: "550 5.1.1 No such user",
  })
  await office.send()
  expect(server.mails).toHaveLength(1)
  const [row] =
    await db`select status, reason from slotbase.notifications where event_id = ${bounced.id} and channel = 'email'`
  expect({ ...row }).toEqual({ status: "skipped", reason: "the address takes no mail: 550 5.1.1 No such user" })
})

/** Only the booker is told. */
const confirmed = (bookerId = mia.id, facilityId = facility.id): HandledEvent =>
  notifiedEvent(facilityId, "booking.confirmed", { bookingId: newId(), bookerId, participants: [] })

/** Status, attempts and unknown outcomes of the event's mail. */
async function stateOf(event: HandledEvent): Promise<string> {
  const [row] = await db`
    select status || ' ' || attempts || ' ' || unknown_outcomes as state from slotbase.notifications
    where event_id = ${event.id} and channel = 'email'`
  return row?.state
}

async function idOf(event: HandledEvent): Promise<string> {
  const [row] = await db`select id from slotbase.notifications where event_id = ${event.id} and channel = 'email'`
  return row?.id
}

async function isHeld(): Promise<boolean> {
  const [row] = await db<[{ held: boolean }]>`
    select held_until is not null as held from slotbase.mail_service where channel = 'email'`
  return row.held
}

async function laterMs(ms: number): Promise<void> {
  await db`select slotbase.move_clock(${ms}::float8 * interval '1 ms')`
  await clock.follow(db)
}
