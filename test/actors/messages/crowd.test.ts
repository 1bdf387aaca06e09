// Ten thousand events or messages of one facility, and one of another. What counts is the order, not the time: so many
// of the crowd go first, at most.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { mirrorHandlers } from "#actors/handlers/index.ts"
import { notificationHandler } from "#actors/handlers/notification.ts"
import { claimMessages } from "#actors/messages/claim.ts"
import { writeMessages } from "#actors/messages/write-messages.ts"
import type { Db } from "#base/database/db.ts"
import { newId } from "#base/ids.ts"
import { record, transact } from "#events/outbox.ts"
import type { Channel } from "#outbound/messages/channels/channel.ts"
import { aFacility, aPerson, type PersonRow } from "#test/harness/club/factories.ts"
import { notifiedEvent } from "#test/harness/outbound/notified-event.ts"
import { postOffice } from "#test/harness/outbound/post-office.ts"
import { actorProcess, context, dispatchAll, processRow, sample } from "#test/harness/pipeline/pipeline.ts"
import { actorOf } from "#test/harness/pipeline/runs.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

const many = 10_000
const { signal } = new AbortController()
let database: TestDatabase
let db: Db
let mia: PersonRow

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  mia = await aPerson(db)
})
afterAll(() => database.drop())

test("the runs of a crowd write 25 of its messages before another facility's, and leave the rest to take turns", async () => {
  const [crowd, small, middle] = [await aFacility(db), await aFacility(db), await aFacility(db)]
  const handler = notificationHandler(testApp(db))
  await mirrorHandlers(db, [handler])
  const tell = (facilityId: string, count: number) =>
    transact(db, context, async (tx) => {
      for (let nth = 0; nth < count; nth++)
        record(
          tx,
          sample(
            "booking.confirmed",
            { bookingId: newId(), facilityId, bookerId: mia.id, participants: [] },
            facilityId,
          ),
        )
    })
  for (let nth = 0; nth < many; nth += 1_000) await tell(crowd.id, 1_000)
  await tell(middle.id, 40)
  await tell(small.id, 1)
  await dispatchAll(db)
  const runs = actorOf(db, await processRow(db, true), handler)
  while ((await written(small.id)) === 0) await runs.pass(signal)
  expect([await written(crowd.id), await written(middle.id)]).toEqual([25, 25])

  // A turn of each, then the next turn of each: ten turns are a pass.
  const owner = await processRow(db, true)
  await writeMessages(testApp(db), actorProcess(owner)).pass(signal)
  expect(await written(middle.id)).toBe(40)
  expect(await written(crowd.id)).toBe(25 + 9 * 25)
  await db`delete from slotbase.message_backlog`
}, 60_000)

test("the first message of another facility is in the next claim, whoever was served last", async () => {
  const [crowd, small] = [await aFacility(db), await aFacility(db)]
  await waiting(crowd.id, many)
  await waiting(small.id, 3)
  const owner = await processRow(db, true)
  for (const after of [crowd.id, small.id, newId(), "00000000-0000-0000-0000-000000000000"]) {
    const claimed = await claimMessages(db, {
      ...{ channel: "push", owner, places: 2, perFacility: 2, after, busy: new Map(), probes: false },
    })
    expect(new Set(claimed.map(({ facility_id }) => facility_id))).toEqual(new Set([crowd.id, small.id]))
    await db`update slotbase.message_queue set lease = null, owner = null where owner = ${owner}`
  }
  await db`delete from slotbase.message_queue where channel = 'push'`
})

test("while a crowd is being sent, another facility's message leaves before twice as many as are under way", async () => {
  const [crowd, small] = [await aFacility(db), await aFacility(db)]
  await db`delete from slotbase.message_queue`
  await waiting(crowd.id, many)
  const sent: string[] = []
  const channel: Channel = {
    name: "push",
    unavailable: undefined,
    sendsAtOnce: 24,
    async send({ facilityId }) {
      sent.push(facilityId)
      if (sent.length === 100) await waiting(small.id, 1)
      // What is left of the crowd proves nothing more.
      if (facilityId === small.id) await db`delete from slotbase.message_queue where lease is null`
    },
    close: async () => {},
  }
  const office = await postOffice({ ...testApp(db), channels: [channel] })
  await office.send()
  expect(sent.indexOf(small.id)).toBeGreaterThanOrEqual(100)
  expect(sent.indexOf(small.id)).toBeLessThan(100 + 2 * channel.sendsAtOnce)
}, 60_000)

/** Messages that are ready. One is recorded, and the others are its copies. */
async function waiting(facilityId: string, count: number): Promise<void> {
  const event = notifiedEvent(facilityId, "booking.confirmed", {
    bookingId: newId(),
    bookerId: mia.id,
    participants: [],
  })
  await db`
    with made as (
      insert into slotbase.notifications (id, facility_id, event_id, user_id, channel, type, template_id, priority, title, body, address, status)
      select gen_random_uuid(), ${facilityId}, ${event.id}, ${mia.id}, 'push', 'booking.confirmed', 'booking-confirmation', 'high',
             'Booked', 'Court 1', gen_random_uuid()::text, 'pending'
      from generate_series(1, ${count})
      returning id, facility_id, event_id, channel
    )
    insert into slotbase.message_queue (id, facility_id, event_id, channel, urgency)
    select id, facility_id, event_id, channel, 1 from made`
}

async function written(facilityId: string): Promise<number> {
  const [row] = await db<[{ count: number }]>`
    select count(*) from slotbase.notifications where facility_id = ${facilityId} and channel = 'email'`
  return row.count
}
