// Messages are sent in turn over the facilities, the urgent ones first within a facility, and each channel by itself.

import { afterEach, beforeEach, expect, test } from "bun:test"
import type { HandledEvent } from "#actors/handlers/handler.ts"
import type { Db } from "#base/database/db.ts"
import { newId } from "#base/ids.ts"
import { type Channel, type Outgoing, SendFailed } from "#outbound/messages/channels/channel.ts"
import { aFacility, aPerson, type PersonRow } from "#test/harness/club/factories.ts"
import { notifiedEvent } from "#test/harness/outbound/notified-event.ts"
import { postOffice } from "#test/harness/outbound/post-office.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let db: Db
let mia: PersonRow
let facilities: readonly string[]

beforeEach(async () => {
  database = await testDatabase()
  db = database.db
  mia = await aPerson(db)
  facilities = (await Promise.all([aFacility(db), aFacility(db), aFacility(db)])).map(({ id }) => id)
})
afterEach(() => database.drop())

test("another facility's first message is among the next that leave, however many wait before it", async () => {
  const { channel, sent } = recorder("email", { sendsAtOnce: 4 })
  const office = await postOffice({ ...testApp(db), channels: [channel] })
  const [large = "", small = "", smaller = ""] = facilities
  for (let batch = 0; batch < 2; batch++) await office.record(...Array.from({ length: 20 }, () => confirmed(large)))
  await office.record(confirmed(small), confirmed(smaller), confirmed(small))
  await office.send()
  expect(sent).toHaveLength(43)
  const places = (id: string) => sent.flatMap(({ facilityId }, nth) => (facilityId === id ? [nth] : []))
  // In the first claim each facility has one, and then each has its second.
  expect(places(small)[0]).toBeLessThan(4)
  expect(places(smaller)[0]).toBeLessThan(4)
  expect(places(small)[1]).toBeLessThan(8)
})

test("a facility whose sends hang leaves a place to the others", async () => {
  const [hanging = "", other = ""] = facilities
  const { channel, sent } = recorder("email", { sendsAtOnce: 10, hangs: ({ facilityId }) => facilityId === hanging })
  const office = await postOffice({ ...testApp(db), channels: [channel] })
  await office.record(...Array.from({ length: 30 }, () => confirmed(hanging)))
  const { signal } = new AbortController()
  await office.actor.pass(signal)
  await office.record(confirmed(other), confirmed(other))
  await office.actor.pass(signal)
  await eventually(() => expect(sent.filter(({ facilityId }) => facilityId === other)).toHaveLength(2))
  await eventually(async () => {
    const [row] = await db`select count(*) as under from slotbase.message_queue where lease is not null`
    expect(row?.under).toBe(9)
  })
})

test("within a facility the critical goes first, then the high", async () => {
  const { channel, sent } = recorder("email", { sendsAtOnce: 1 })
  const office = await postOffice({ ...testApp(db), channels: [channel] })
  const [club = ""] = facilities
  const events = Array.from({ length: 3 }, () => confirmed(club))
  await office.record(...events)
  for (const [nth, priority] of (["normal", "high", "critical"] as const).entries())
    await db`
      with changed as (update slotbase.notifications set priority = ${priority} where event_id = ${events[nth]?.id ?? ""})
      update slotbase.message_queue set urgency = ${2 - nth} where event_id = ${events[nth]?.id ?? ""}`
  await office.send()
  expect(sent.map(({ priority }) => priority)).toEqual(["critical", "high", "normal"])
})

test("a message waits for the end of quiet hours, and is sent then", async () => {
  const { channel, sent } = recorder("email")
  const office = await postOffice({ ...testApp(db), channels: [channel] })
  await office.record(confirmed(facilities[0] ?? ""))
  await db`update slotbase.message_queue set due_at = slotbase.now() + interval '8 hours'`
  await office.send()
  expect(sent).toEqual([])
  await db`select slotbase.move_clock('8 hours')`
  await office.send()
  expect(sent).toHaveLength(1)
})

test.each(["hangs", "answers nonsense", "limits"])("a service that %s delays its own channel alone", async (how) => {
  const broken = recorder("push", {
    hangs: () => how === "hangs",
    fails:
      how === "limits"
        ? new SendFailed("429 Too many requests", { outcome: "not_sent", concern: "service", retryAfterMs: 120_000 })
        : new TypeError("Unexpected token < in JSON"),
  })
  const { channel, sent } = recorder("email")
  await db`
    insert into slotbase.push_subscriptions (id, user_id, endpoint_hash, service, sealed, server_key)
    values (${newId()}, ${mia.id}, ${Buffer.from("browser")}, 'push.example.com', ${Buffer.of(1)}, 'key')`
  const office = await postOffice({ ...testApp(db), channels: [channel, broken.channel] })
  const { signal } = new AbortController()
  for (let nth = 0; nth < 3; nth++) {
    await office.record(...facilities.map((id) => confirmed(id)))
    await office.actor.pass(signal)
    await eventually(() => expect(sent).toHaveLength((nth + 1) * facilities.length))
  }
  const held = await db`select channel from slotbase.mail_service where held_until is not null`
  expect(held.map(({ channel }) => channel)).toEqual(how === "limits" ? ["push"] : [])
  if (how === "limits") {
    const [service] =
      await db`select held_until > slotbase.now() + interval '119 s' as long from slotbase.mail_service where channel = 'push'`
    expect(service).toEqual({ long: true })
  }
  await eventually(async () => {
    const states =
      await db`select channel, count(*) filter (where status = 'sent') as sent from slotbase.notifications group by 1 order by 1`
    expect(states.map((row) => ({ ...row }))).toEqual([
      { channel: "email", sent: 9 },
      { channel: "push", sent: 0 },
    ])
  })
})

const confirmed = (facilityId: string): HandledEvent =>
  notifiedEvent(facilityId, "booking.confirmed", { bookingId: newId(), facilityId, bookerId: mia.id, participants: [] })

interface Given {
  readonly sendsAtOnce?: number
  readonly hangs?: (message: Outgoing) => boolean
  readonly fails?: Error
}

/** A channel that keeps what it is given to send. */
function recorder(name: Channel["name"], { sendsAtOnce = 4, hangs, fails }: Given = {}) {
  const sent: Outgoing[] = []
  const channel: Channel = {
    name,
    unavailable: undefined,
    sendsAtOnce,
    async send(message) {
      if (hangs?.(message)) await new Promise(() => {})
      if (fails) throw fails
      sent.push(message)
    },
    close: async () => {},
  }
  return { channel, sent }
}
