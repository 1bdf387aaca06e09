// Mail that cannot be sent for now is tried for days with growing gaps. It is held when the answer is about the sender
// or the service. The row says how it is. A real SMTP server answers, and the test moves the clock.

import { afterEach, beforeEach, expect, test } from "bun:test"
import { type HandledEvent, TryLater } from "#actors/handlers/handler.ts"
import { mirrorHandlers } from "#actors/handlers/index.ts"
import { notificationHandler } from "#actors/handlers/notification.ts"
import { runHandler } from "#actors/runs/run-handler.ts"
import { settleFailedRun } from "#actors/runs/settle-failed.ts"
import { clock } from "#base/clock.ts"
import type { Db } from "#base/database/db.ts"
import { newId } from "#base/ids.ts"
import { definitionOf } from "#events/catalogue.ts"
import { example } from "#events/example.ts"
import { aFacility, aPerson, type FacilityRow, type PersonRow } from "#test/harness/club/factories.ts"
import { type PostOffice, postOffice } from "#test/harness/outbound/post-office.ts"
import { type SmtpReceiver, smtpReceiver } from "#test/harness/outside/smtp.ts"
import {
  actorProcess,
  dispatchAll,
  processRow,
  recordOne,
  runsOf,
  unbalanced,
} from "#test/harness/pipeline/pipeline.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db
let receiver: SmtpReceiver
let tools: ReturnType<typeof testApp>
let office: PostOffice
let facility: FacilityRow
let mia: PersonRow
let noah: PersonRow

beforeEach(async () => {
  database = await testDatabase()
  db = database.db
  receiver = await smtpReceiver()
  tools = testApp(db, { smtpUrl: receiver.url, mailFrom: "Parkside <mail@club.example>" })
  office = await postOffice(tools)
  facility = await aFacility(db, { id: example.facilityId })
  mia = await aPerson(db)
  noah = await aPerson(db, { firstName: "Noah" })
})
afterEach(async () => {
  await tools.mail.close()
  await receiver.close()
  await db`update slotbase.clock set shift = '0'`
  await clock.follow(db)
  await database.drop()
})

test("a temporary answer is tried for five days with growing gaps, and then given up with every word", async () => {
  receiver.refuse = () => [451, "Try again later"]
  const event = confirmed(mia)
  await office.tell(event)
  const gaps: number[] = []
  for (let nth = 0; nth < 200; nth++) {
    const gap = await waitsMs(event)
    if (gap === undefined) break
    gaps.push(gap)
    await laterMs(gap + 100)
    await office.send()
  }
  const days = gaps.reduce((sum, gap) => sum + gap, 0) / 86_400_000
  expect(days).toBeGreaterThan(5)
  expect(days).toBeLessThan(5.4)
  expect(gaps.length).toBeGreaterThan(30)
  expect(gaps.length).toBeLessThan(80)
  expect(gaps[0]).toBeLessThan(2_000)
  expect(Math.max(...gaps)).toBeLessThanOrEqual(4 * 3_600_000 * 1.2)
  expect(await rowOf(event)).toEqual({ status: "failed", reason: "451 Try again later", next: false })
  expect(await letterOf(event)).toContain("was given up: 451 Try again later. See to what the answer names")
})

test("a message that is given up makes the run of its event a dead letter, and reprocessing begins it anew", async () => {
  receiver.refuse = () => [451, "Try again later"]
  await mirrorHandlers(db, [notificationHandler(tools)])
  const eventId = await recordOne(db, "booking.confirmed", { bookerId: mia.id, participants: [] })
  await dispatchAll(db)
  const process = actorProcess(await processRow(db, true))
  // Each time a new loop: one asks the queue once a second.
  const run = () => runHandler(tools, notificationHandler(tools), process).pass(new AbortController().signal)
  await run()
  await office.send()
  expect(await runsOf(db, "NotificationHandler")).toMatchObject([{ status: "success", attempts: 1 }])
  await laterMs(6 * 86_400_000)
  await office.send()
  expect(await runsOf(db, "NotificationHandler")).toMatchObject([{ status: "dead_letter", attempts: 1 }])
  expect(await unbalanced(db)).toHaveLength(0)
  receiver.refuse = () => undefined
  await office.send()
  expect(receiver.mails).toHaveLength(0)

  const [letter] = await db`select id, handler, resolved_at from slotbase.dead_letters where event_id = ${eventId}`
  expect(letter).toMatchObject({ handler: "NotificationHandler", resolved_at: null })
  await db`select slotbase.reprocess(${letter?.id})`
  await run()
  await office.send()
  expect(receiver.mails).toHaveLength(1)
  expect(await runsOf(db, "NotificationHandler")).toMatchObject([{ status: "success" }])
  expect(await unbalanced(db)).toHaveLength(0)
})

test("a row says when it is tried next, and nothing is sent before", async () => {
  receiver.refuse = () => [450, "4.2.2 Mailbox full"]
  const event = confirmed(mia)
  await office.tell(event)
  expect(await rowOf(event)).toEqual({ status: "deferred", reason: "450 4.2.2 Mailbox full", next: true })
  await office.send()
  await office.tell(event)
  expect(receiver.offered).toHaveLength(1)
})

test("a limit of the sender holds all mail after a second recipient, blames nobody, and one message asks again", async () => {
  receiver.refuse = () => [550, "too many messages today"]
  const [first, second, third] = [confirmed(mia), confirmed(noah), confirmed(mia)]
  await office.tell(first)
  expect(await held()).toBe(false)
  await office.tell(second)
  expect(await held()).toBe(true)
  const offered = receiver.offered.length
  await office.tell(third)
  expect(receiver.offered).toHaveLength(offered)
  expect(await rowOf(first)).toEqual({ status: "deferred", reason: "550 too many messages today", next: true })
  expect(await rowOf(third)).toMatchObject({ status: "deferred", reason: "mail is held: 550 too many messages today" })

  await laterMs(80_000)
  await Promise.all([office.send(), (await postOffice(tools)).send()])
  expect(receiver.offered).toHaveLength(offered + 1)

  receiver.refuse = () => undefined
  for (let nth = 0; nth < 6; nth++) {
    await laterMs(4 * 60_000)
    await office.send()
  }
  expect(await held()).toBe(false)
  expect(receiver.mails).toHaveLength(3)
})

test("one mailbox that speaks against the sender holds nobody else's mail", async () => {
  receiver.refuse = (address) => (address === mia.email ? [550, "5.7.1 Not you"] : undefined)
  for (let nth = 0; nth < 3; nth++) {
    await office.tell(confirmed(mia))
    await laterMs(1_000)
  }
  expect(await held()).toBe(false)
  await office.tell(confirmed(noah))
  expect(receiver.mails).toHaveLength(1)
})

test("a server that is down holds all mail for seconds at first, and every message arrives once", async () => {
  receiver.refuseSender = () => [421, "4.3.2 Shutting down"]
  await office.record(confirmed(mia), confirmed(noah), confirmed(mia))
  await office.send()
  expect(await held()).toBe(true)
  receiver.refuseSender = () => undefined
  for (let nth = 0; nth < 8; nth++) {
    await laterMs(130_000)
    await office.send()
  }
  expect(receiver.mails).toHaveLength(3)
  expect(new Set(receiver.mails.map((mail) => mail.messageId)).size).toBe(3)
  expect(await held()).toBe(false)
})

test("a content that is refused for good is tried for a minute, not for days", async () => {
  receiver.refuseMail = () => [554, "5.6.0 Content refused"]
  const event = confirmed(mia)
  await office.tell(event)
  await laterMs(61_000)
  await office.send()
  expect(await rowOf(event)).toMatchObject({ status: "failed" })
  expect(await held()).toBe(false)
})

test("a run that waits uses up no retry, and the same words do not make its row longer", async () => {
  const event = confirmed(mia)
  await db`insert into slotbase.handler_queue (handler, position, facility_id, event_id, ready_at) values ('NotificationHandler', 1, ${facility.id}, ${event.id}, slotbase.now())`
  const policy = { maxRetries: 5, delayMs: 1_000, maxDelayMs: 60_000, backoffMultiplier: 2 }
  let attempts = 0
  for (let nth = 0; nth < 20; nth++) {
    await db`insert into slotbase.handler_claims (handler, lease, owner, positions, claimed_at) values ('NotificationHandler', ${nth}, 1, '{1}', slotbase.now())`
    const run = { ...event, attempts, quarantined: false } as never
    const held = { handler: "NotificationHandler", lease: nth, run, policy }
    const cause = new TryLater(nth < 10 ? "451 Wait" : "450 Full", 7_200_000)
    expect(await settleFailedRun(db, held, { cause, durationMs: 1 })).toBe(7_200_000)
    const [row] = await db<[{ attempts: number }]>`select attempts from slotbase.handler_queue`
    attempts = row.attempts
  }
  const [row] = await db`
    select attempts, jsonb_array_length(errors) as errors, ready_at > slotbase.now() + interval '119 minutes' as waits from slotbase.handler_queue`
  expect({ ...row }).toEqual({ attempts: 1, errors: 2, waits: true })
})

/** Until the next try; undefined: there is none. */
async function waitsMs(event: HandledEvent): Promise<number | undefined> {
  const [row] = await db<{ wait: number }[]>`
    select 1000 * extract(epoch from due_at - slotbase.now())::float8 as wait from slotbase.message_queue where event_id = ${event.id}`
  return row?.wait
}

async function letterOf(event: HandledEvent): Promise<string> {
  const [row] = await db<{ message: string }[]>`
    select errors -> -1 -> 'error' ->> 'message' as message from slotbase.dead_letters where event_id = ${event.id}`
  return row?.message ?? ""
}

async function held(): Promise<boolean> {
  const [row] = await db<
    [{ held: boolean }]
  >`select held_until is not null as held from slotbase.mail_service where channel = 'email'`
  return row.held
}

async function laterMs(ms: number): Promise<void> {
  await db`select slotbase.move_clock(${ms}::float8 * interval '1 ms')`
  await clock.follow(db)
}

async function rowOf(event: HandledEvent) {
  const [row] = await db`
    select status, reason, next_try_at > slotbase.now() is true as next
    from slotbase.notifications where event_id = ${event.id} and channel = 'email'`
  return { ...row }
}

/** Only the booker gets a mail. */
function confirmed(booker: PersonRow): HandledEvent {
  const now = new Date("2026-03-09T16:20:30.125Z")
  return {
    id: newId(),
    facility_id: facility.id,
    type: "booking.confirmed",
    version: "1.0",
    timestamp: now,
    occurred_at: now,
    source: "test",
    correlation_id: newId(),
    causation_id: null,
    user_id: null,
    organization_id: null,
    data: {
      ...(definitionOf("booking.confirmed")?.sample as object),
      bookingId: newId(),
      bookerId: booker.id,
      participants: [],
    },
    metadata: { environment: "development" },
    position: 1,
    aggregate_id: newId(),
    resource_id: null,
  }
}
