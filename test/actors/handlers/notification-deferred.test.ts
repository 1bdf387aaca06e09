// Mail that cannot be sent for now is tried for days with growing gaps. It is held when the answer is about the sender
// or the service. The row says how it is. A real SMTP server answers, and the test moves the clock.

import { afterEach, beforeEach, expect, test } from "bun:test"
import { GiveUp, type HandledEvent, TryLater } from "#actors/handlers/handler.ts"
import { notificationHandler } from "#actors/handlers/notification.ts"
import { settleFailedRun } from "#actors/runs/settle-failed.ts"
import { clock } from "#base/clock.ts"
import type { Db } from "#base/database/db.ts"
import { newId } from "#base/ids.ts"
import { definitionOf } from "#events/catalogue.ts"
import { aFacility, aPerson, type FacilityRow, type PersonRow } from "#test/harness/club/factories.ts"
import { type SmtpReceiver, smtpReceiver } from "#test/harness/outside/smtp.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db
let receiver: SmtpReceiver
let tools: ReturnType<typeof testApp>
let facility: FacilityRow
let mia: PersonRow
let noah: PersonRow

beforeEach(async () => {
  database = await testDatabase()
  db = database.db
  receiver = await smtpReceiver()
  tools = testApp(db, { smtpUrl: receiver.url, mailFrom: "Parkside <mail@club.example>" })
  facility = await aFacility(db)
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
  const gaps: number[] = []
  for (let nth = 0; nth < 200; nth++) {
    const failure = await failureOf(event)
    if (!(failure instanceof TryLater)) {
      expect(failure).toBeInstanceOf(GiveUp)
      expect((failure as Error).message).toBe("1 of 2 not sent: 451 Try again later")
      break
    }
    gaps.push(failure.retryAfterMs)
    await laterMs(failure.retryAfterMs + 100)
  }
  const days = gaps.reduce((sum, gap) => sum + gap, 0) / 86_400_000
  expect(days).toBeGreaterThan(5)
  expect(days).toBeLessThan(5.4)
  expect(gaps.length).toBeGreaterThan(30)
  expect(gaps.length).toBeLessThan(80)
  expect(gaps[0]).toBeLessThan(2_000)
  expect(Math.max(...gaps)).toBeLessThanOrEqual(4 * 3_600_000 * 1.2)
  expect(await rowOf(event)).toEqual({ status: "failed", reason: "451 Try again later", next: false })
})

test("a dead letter that is reprocessed begins its failed messages anew", async () => {
  receiver.refuse = () => [451, "Try again later"]
  const event = confirmed(mia)
  await failureOf(event)
  await laterMs(6 * 86_400_000)
  expect(await failureOf(event)).toBeInstanceOf(GiveUp)
  receiver.refuse = () => undefined
  expect(await failureOf(event)).toBeInstanceOf(GiveUp)
  expect(receiver.mails).toHaveLength(0)
  await db`
    insert into slotbase.dead_letters (id, facility_id, event_id, position, handler, event, errors, created_at, last_attempt_at, resolved_at, resolution)
    values (${newId()}, ${facility.id}, ${event.id}, 1, 'NotificationHandler', '{}', '[]', slotbase.now(), slotbase.now(), slotbase.now(), 'reprocessed')`
  expect(await failureOf(event)).toBe("done")
  expect(receiver.mails).toHaveLength(1)
})

test("a row says when it is tried next, and nothing is sent before", async () => {
  receiver.refuse = () => [450, "4.2.2 Mailbox full"]
  const event = confirmed(mia)
  await failureOf(event)
  expect(await rowOf(event)).toEqual({ status: "deferred", reason: "450 4.2.2 Mailbox full", next: true })
  await failureOf(event)
  await failureOf(event)
  expect(receiver.offered).toHaveLength(1)
})

test("a limit of the sender holds all mail after a second recipient, blames nobody, and one message asks again", async () => {
  receiver.refuse = () => [550, "too many messages today"]
  const [first, second, third] = [confirmed(mia), confirmed(noah), confirmed(mia)]
  await failureOf(first)
  expect(await held()).toBe(false)
  await failureOf(second)
  expect(await held()).toBe(true)
  const offered = receiver.offered.length
  await failureOf(third)
  expect(receiver.offered).toHaveLength(offered)
  expect(await rowOf(first)).toEqual({ status: "deferred", reason: "550 too many messages today", next: true })
  expect(await rowOf(third)).toMatchObject({ status: "deferred", reason: "mail is held: 550 too many messages today" })

  await laterMs(80_000)
  await failureOf(first)
  expect(receiver.offered).toHaveLength(offered + 1)
  await Promise.all([failureOf(second), failureOf(third)])
  expect(receiver.offered).toHaveLength(offered + 1)

  receiver.refuse = () => undefined
  await laterMs(4 * 60_000)
  expect(await failureOf(second)).toBe("done")
  expect(await held()).toBe(false)
  expect(await failureOf(third)).toBe("done")
  await laterMs(10 * 60_000)
  expect(await failureOf(first)).toBe("done")
  expect(receiver.mails).toHaveLength(3)
})

test("one mailbox that speaks against the sender holds nobody else's mail", async () => {
  receiver.refuse = (address) => (address === mia.email ? [550, "5.7.1 Not you"] : undefined)
  for (let nth = 0; nth < 3; nth++) {
    await failureOf(confirmed(mia))
    await laterMs(1_000)
  }
  expect(await held()).toBe(false)
  expect(await failureOf(confirmed(noah))).toBe("done")
})

test("a server that is down holds all mail for seconds at first, and every message arrives once", async () => {
  receiver.refuseSender = () => [421, "4.3.2 Shutting down"]
  const events = [confirmed(mia), confirmed(noah), confirmed(mia)]
  await Promise.all(events.map(failureOf))
  expect(await held()).toBe(true)
  receiver.refuseSender = () => undefined
  for (let nth = 0; nth < 8; nth++) {
    await laterMs(130_000)
    for (const event of events) await failureOf(event)
  }
  expect(receiver.mails).toHaveLength(3)
  expect(new Set(receiver.mails.map((mail) => mail.messageId)).size).toBe(3)
  expect(await held()).toBe(false)
})

test("a content that is refused for good is tried for a minute, not for days", async () => {
  receiver.refuseMail = () => [554, "5.6.0 Content refused"]
  const event = confirmed(mia)
  await failureOf(event)
  await laterMs(61_000)
  expect(await failureOf(event)).toBeInstanceOf(GiveUp)
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

const failureOf = (event: HandledEvent): Promise<unknown> =>
  notificationHandler(tools)
    .handle(event, { db, idempotencyKey: event.id, signal: new AbortController().signal })
    .then(
      () => "done",
      (error: unknown) => error,
    )

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
