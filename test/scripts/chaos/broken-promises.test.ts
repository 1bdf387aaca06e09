// The queries of the fault campaign find broken promises: each test plants one lie into the tables, and the lie is
// named.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { Tx } from "#base/database/transaction.ts"
import { newId } from "#base/ids.ts"
import { brokenPromises } from "#test/harness/promises/broken-promises.ts"
import { finishedWork } from "#test/harness/promises/finished-work.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
  await finishedWork(database.db)
})
afterAll(() => database.drop())

class Undone extends Error {}

/** The broken promises that are found after a lie; the lie is rolled back. */
async function foundAfter(lie: (tx: Tx) => Promise<unknown>): Promise<string[]> {
  let found: string[] = []
  await database.db
    .begin(async (tx) => {
      await lie(tx)
      found = (await brokenPromises(tx)).map(({ promise, what }) => `${promise}: ${what}`)
      throw new Undone()
    })
    .catch((error: unknown) => {
      if (!(error instanceof Undone)) throw error
    })
  return found
}

test("a healthy database has no broken promise", async () => {
  expect(await brokenPromises(database.db)).toEqual([])
})

const lies: readonly [lie: string, plant: (tx: Tx) => Promise<unknown>, found: string][] = [
  [
    "an event is lost before it gets a position",
    (tx) =>
      tx`delete from slotbase.event_positions where position = (select max(position) from slotbase.event_positions)`,
    "P2: an event without a position",
  ],
  [
    "a booking's announcement is lost",
    (tx) => tx`delete from slotbase.events where type = 'booking.cancelled'`,
    "P1: a change without its event",
  ],
  [
    "the booking of an announcement was rolled back",
    (tx) => tx`update slotbase.events set aggregate_id = gen_random_uuid()::text where type = 'booking.cancelled'`,
    "P1: an event without its change",
  ],
  [
    "a change is announced twice",
    (tx) => tx`
      insert into slotbase.events (id, facility_id, type, version, timestamp, occurred_at, source, correlation_id, data, metadata,
        aggregate_type, aggregate_id)
      select ${newId()}, facility_id, type, version, timestamp, occurred_at, source, correlation_id, data, metadata,
             aggregate_type, aggregate_id
      from slotbase.events where type = 'booking.cancelled'`,
    "P1: a change announced twice",
  ],
  [
    "a run is lost",
    (tx) => tx`delete from slotbase.handler_history where handler = 'AnalyticsHandler' and position = 1`,
    "P2: an event whose ledger is not balanced",
  ],
  [
    "one handler's run is lost and another's exists twice, so that the ledger is balanced",
    async (tx) => {
      await tx`delete from slotbase.handler_history where handler = 'AnalyticsHandler' and position = 1`
      await tx`
        insert into slotbase.handler_batches (handler, positions, runs, duration_ms, settled_at)
        values ('NotificationHandler', int8multirange(int8range(1, 2)), 1, 1, now())`
    },
    "P2: a handler that does not have exactly one run of an event",
  ],
  [
    "a delivery is lost",
    (tx) => tx`delete from slotbase.delivery_history where sequence = 2`,
    "P2: a webhook that does not have exactly one delivery of an event",
  ],
  [
    "a number is missing in a webhook's sequence",
    (tx) => tx`update slotbase.delivery_history set sequence = 4 where sequence = 3`,
    "P2: a webhook whose sequence is not dense",
  ],
  [
    "a number comes twice in a webhook's sequence",
    (tx) => tx`update slotbase.delivery_history set sequence = 1 where sequence = 2`,
    "P2: a webhook whose sequence is not dense",
  ],
  [
    "an effect happened twice",
    (tx) => tx`update slotbase.daily_figures set bookings = bookings + 1`,
    "P3: a day whose figures are not those of its bookings",
  ],
  [
    "a day was not marked as changed by its last event",
    (tx) => tx`update slotbase.availability_cache set touched_at = touched_at - 1 where touched_at > 0`,
    "P3: a day that does not say by which event it was changed last",
  ],
  [
    "a reminder was sent and its event is lost",
    (tx) => tx`update slotbase.notifications set type = 'booking.reminder.due' where channel = 'email'`,
    "P3: a reminder that was sent and is not recorded as sent, once",
  ],
  [
    "an attempt never ended",
    (tx) => tx`update slotbase.attempt_history set outcome = 'started' where attempt = 2`,
    "P4: an attempt that was started and never ended",
  ],
  [
    "a delivery was delivered twice",
    (tx) => tx`update slotbase.attempt_history set outcome = 'delivered', response_status = 200 where attempt = 2`,
    "P4: a delivery that was delivered twice, or says delivered without such an attempt",
  ],
  [
    "an addressee got no message",
    (tx) => tx`
      delete from slotbase.notifications
      where id = (select id from slotbase.notifications where channel = 'email' order by id limit 1)`,
    "P4: somebody who does not have exactly one message of an event",
  ],
  [
    "an addressee got two messages",
    (tx) => tx`
      insert into slotbase.notifications
        (id, facility_id, event_id, user_id, channel, type, template_id, priority, title, body, status)
      select gen_random_uuid(), facility_id, event_id, user_id, channel, type, 'another', priority, title, body, status
      from slotbase.notifications where channel = 'email'`,
    "P4: somebody who does not have exactly one message of an event",
  ],
  [
    "a stranger got the message",
    (tx) => tx`update slotbase.notifications set user_id = gen_random_uuid()`,
    "P4: somebody who does not have exactly one message of an event",
  ],
  [
    "a message waits although its run is over",
    (tx) => tx`update slotbase.notifications set status = 'sending' where channel = 'email'`,
    "P4: a message that is not sent and waits nowhere, although the run of its event has succeeded",
  ],
  [
    "a message was sent and still waits",
    (tx) => tx`
      insert into slotbase.message_queue (id, facility_id, event_id, channel, urgency)
      select id, facility_id, event_id, channel, 1 from slotbase.notifications where channel = 'email' limit 1`,
    "P4: a message that waits although it has ended",
  ],
  [
    "a message counts as sent and nobody tried it",
    (tx) => tx`update slotbase.notifications set attempts = 0 where channel = 'email'`,
    "P4: a message that counts as sent and was never tried, or has more unknown outcomes than tries",
  ],
  [
    "a message was refused in silence",
    (tx) => tx`update slotbase.notifications set status = 'refused', reason = null where channel = 'email'`,
    "P5: a message that ended without being sent, and has no reason",
  ],
  [
    "a message was given up in silence",
    (tx) => tx`update slotbase.notifications set status = 'failed', reason = 'no' where channel = 'email'`,
    "P5: a message that was given up without a dead letter of its event",
  ],
  [
    "an event that people were told of is told of again",
    (tx) => tx`
      insert into slotbase.message_backlog (facility_id, event_id)
      select facility_id, event_id from slotbase.notifications limit 1`,
    "P4: an event in the backlog of messages twice, or one that has messages already",
  ],
  [
    "a run was dead-lettered and left no dead letter",
    (tx) => tx`update slotbase.handler_history set status = 'dead_letter', attempts = 4 where position = 1`,
    "P5: a dead run or a failed delivery without its dead letter",
  ],
  [
    "a dead letter lacks the error of its first attempt",
    (tx) => tx`update slotbase.dead_letters set errors = errors - 0`,
    "P5: a dead letter without the error of each attempt",
  ],
  [
    "a dead letter lacks the error of its last attempt",
    (tx) => tx`update slotbase.dead_letters set errors = errors - 1`,
    "P5: a dead letter without the error of each attempt",
  ],
  [
    "a dead letter has no errors at all",
    (tx) => tx`update slotbase.dead_letters set errors = '[]'`,
    "P5: a dead letter without the error of each attempt",
  ],
  [
    "a dead letter counts fewer attempts than its run",
    async (tx) => {
      await tx`update slotbase.handler_history set status = 'dead_letter', attempts = 3 where position = 1`
      await tx`
        update slotbase.dead_letters set webhook_id = null, delivery_id = null, handler = 'AnalyticsHandler',
          event_id = (select event_id from slotbase.event_positions where position = 1)`
    },
    "P5: a dead letter without the error of each attempt",
  ],
  [
    "a dead letter is not resolved",
    (tx) => tx`update slotbase.dead_letters set resolved_at = null, resolution = null`,
    "P5: a dead letter that nobody has resolved",
  ],
  [
    "a position is missing",
    (tx) => tx`update slotbase.event_positions set position = position + 1
               where position = (select max(position) from slotbase.event_positions)`,
    "P7: positions that are not dense",
  ],
  [
    "a booking is cancelled before it is confirmed",
    (tx) => tx`
      update slotbase.event_positions p
      set event_id = other.event_id, type = other.type
      from slotbase.event_positions other
      where p.type in ('booking.confirmed', 'booking.cancelled') and other.type in ('booking.confirmed', 'booking.cancelled')
        and p.position <> other.position
        and (select aggregate_id from slotbase.events where id = p.event_id)
          = (select aggregate_id from slotbase.events where id = other.event_id)`,
    "P7: a booking whose events have positions out of the order of its life",
  ],
  [
    "two bookings have one resource at one time",
    async (tx) => {
      await tx`alter table slotbase.occupancies drop constraint slot_taken_once`
      await tx`
        insert into slotbase.occupancies (booking_id, facility_id, resource_id, during)
        select b.id, o.facility_id, o.resource_id, o.during
        from slotbase.occupancies o join slotbase.bookings b on b.id <> o.booking_id`
    },
    "P9: two bookings on one resource at one time",
  ],
  [
    "one coach gives two lessons at one time",
    async (tx) => {
      await tx`alter table slotbase.coach_occupancies drop constraint coach_in_one_place`
      await tx`
        insert into slotbase.occupancies (booking_id, facility_id, resource_id, during)
        select b.id, b.facility_id, b.resource_id, tstzrange(b.start_at, b.end_at)
        from slotbase.bookings b where b.status = 'cancelled'`
      await tx`
        insert into slotbase.coach_occupancies (booking_id, facility_id, coach_id, during)
        select o.booking_id, o.facility_id, (select id from slotbase.users order by id limit 1), '[2030-01-01, 2030-01-02)'
        from slotbase.occupancies o`
    },
    "P9: a coach in two places at one time",
  ],
  [
    "a slot is free although it is booked",
    (tx) => tx`delete from slotbase.occupancies`,
    "P9: a booking that occupies without its row in occupancies, or the other way round",
  ],
]

for (const [lie, plant, found] of lies) {
  test(`found: ${lie}`, async () => {
    expect(await foundAfter(plant)).toContain(found)
  })
}
