// The laws of webhook delivery find what breaks them: each test plants one lie into the tables, and the lie is found.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Tx } from "#base/database/transaction.ts"
import { newId, rootUserId } from "#base/ids.ts"
import type { Noted } from "#scripts/chaos/integrators/act.ts"
import {
  discardedUncounted,
  notDone,
  notEnded,
  overtaken,
  replaysWithGaps,
  toldTwice,
  unasked,
  wrongLastNumbers,
  wrongProgress,
} from "#scripts/chaos/integrators/laws.ts"
import { compact } from "#scripts/chaos/integrators/ranges.ts"
import { finishedWork } from "#test/harness/promises/finished-work.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
  await finishedWork(database.db)
})
afterAll(() => database.drop())

class Undone extends Error {}

/** How many rows the law finds after a lie; the lie is rolled back. */
async function foundAfter(lie: (tx: Tx) => Promise<unknown>, law: (tx: Tx) => PromiseLike<readonly unknown[]>) {
  let found = -1
  await database.db
    .begin(async (tx) => {
      await lie(tx)
      found = (await law(tx)).length
      throw new Undone()
    })
    .catch((error: unknown) => {
      if (!(error instanceof Undone)) throw error
    })
  return found
}

const replayId = newId()
const noted = (given: Partial<Record<keyof Noted, readonly string[]>> = {}): Noted => ({
  resends: new Set(given.resends),
  replays: new Set(given.replays),
  deleted: new Set(given.deleted),
  gone: new Set(given.gone),
})

/** A replay of everything, that has ended, with all its deliveries. */
async function replayed(tx: Tx): Promise<void> {
  await tx`
    insert into slotbase.replays (id, facility_id, kind, webhook_id, number, since, until, rate_per_second, status, ended_at,
      created_at, end_position, queued, delivered, failed, created_by)
    select ${replayId}, w.facility_id, 'events', w.id, 10000, now() - interval '1 hour', now() + interval '1 hour', 1, 'completed', now(),
           now() + interval '1 minute', 1000, (select count(*) from slotbase.delivery_history),
           (select count(*) from slotbase.delivery_history), 0, ${rootUserId}
    from slotbase.webhooks w`
  await sentAgain(tx, 10_000)
}
const sentAgain = (tx: Tx, number: number) => tx`
  insert into slotbase.delivery_history
    (webhook_id, event_id, replay, facility_id, position, delivery_id, sequence, status, attempts, settled_at)
  select webhook_id, event_id, ${number}, facility_id, position, slotbase.derived_id(delivery_id, ${`${number}`}::text), sequence,
         'delivered', 1, now()
  from slotbase.delivery_history`
const ended = (tx: Tx, discarded: number) => tx`
  with w as (update slotbase.webhooks set deleted_at = now() + interval '1 hour', deleted_by = ${rootUserId}, is_active = false returning id, facility_id),
  s as (insert into slotbase.hook_subscriptions (facility_id, webhook_id, event, gone_at, discarded)
        select facility_id, id, 'booking.confirmed', now(), ${discarded} from w)
  update slotbase.dead_letters set errors = errors || '{"error": {"code": "webhook_deleted"}}'`
const told = (tx: Tx) => tx`
  insert into slotbase.events (id, facility_id, type, version, timestamp, occurred_at, source, correlation_id, data, metadata, aggregate_type, aggregate_id)
  select ${newId()}, facility_id, 'webhook.failing', version, timestamp, occurred_at, source, correlation_id,
         '{"webhookId": "one", "failingSince": "then", "stage": "one_hour"}', metadata, aggregate_type, aggregate_id
  from slotbase.events limit 1`

type Law = (tx: Tx) => PromiseLike<readonly unknown[]>
const nothing = async () => {}
const cases: readonly [what: string, plant: (tx: Tx) => Promise<unknown>, law: Law, found: number][] = [
  ["the last numbers of a healthy database", nothing, wrongLastNumbers, 0],
  [
    "a number that was given and has no delivery",
    (tx) => tx`update slotbase.webhook_sequences set last_sequence = last_sequence + 1`,
    wrongLastNumbers,
    1,
  ],
  [
    "a number whose delivery waits in the queue",
    (tx) => tx`
      with given as (update slotbase.webhook_sequences set last_sequence = last_sequence + 1 returning webhook_id, last_sequence)
      insert into slotbase.delivery_queue (webhook_id, position, facility_id, event_id, delivery_id, sequence)
      select g.webhook_id, p.position, p.facility_id, p.event_id, gen_random_uuid(), g.last_sequence
      from given g cross join (select * from slotbase.event_positions order by position desc limit 1) p`,
    wrongLastNumbers,
    0,
  ],
  [
    "a replay with all its deliveries",
    replayed,
    (tx) => wrongProgress(tx).then(async (rows) => [...rows, ...(await replaysWithGaps(tx))]),
    0,
  ],
  [
    "a replay that left an event out",
    async (tx) => {
      await replayed(tx)
      await tx`delete from slotbase.delivery_history where replay = 10000 and sequence = 1`
    },
    replaysWithGaps,
    1,
  ],
  [
    "a replay that counts more than it sent",
    async (tx) => {
      await replayed(tx)
      await tx`update slotbase.replays set delivered = delivered - 1`
    },
    wrongProgress,
    1,
  ],
  ["a replay that somebody asked for", replayed, (tx) => unasked(tx, noted({ replays: [replayId] })), 0],
  ["a replay that nobody asked for", replayed, (tx) => unasked(tx, noted()), 1],
  ["a resend that nobody asked for", (tx) => sentAgain(tx, 1), (tx) => unasked(tx, noted()), 3],
  ["a replay that was answered and is not there", nothing, (tx) => notDone(tx, noted({ replays: [replayId] })), 1],
  ["a resend that was answered and is not there", nothing, (tx) => notDone(tx, noted({ resends: [newId()] })), 1],
  ["a deletion that was answered and is not done", nothing, (tx) => notDone(tx, noted({ deleted: [newId()] })), 1],
  ["an end that counts what it discards", (tx) => ended(tx, 1), discardedUncounted, 0],
  ["an end that counts less than it discards", (tx) => ended(tx, 0), discardedUncounted, 1],
  [
    "a deletion that nobody counted",
    (tx) => tx`update slotbase.dead_letters set errors = errors || '{"error": {"code": "webhook_deleted"}}'`,
    discardedUncounted,
    1,
  ],
  ["a stage that was told once", told, toldTwice, 0],
  ["a stage that was told twice", (tx) => told(tx).then(() => told(tx)), toldTwice, 1],
]

describe("the law finds", () => {
  for (const [what, plant, law, found] of cases)
    test(`${what}: ${found}`, async () => {
      expect(await foundAfter(plant, law)).toBe(found)
    })

  test("a receiver that answered 410 and whose webhook is not off", async () => {
    const [webhook] = await database.db<{ id: string }[]>`select id from slotbase.webhooks`
    const gone = noted({ gone: [webhook?.id ?? ""] })
    const answered = (tx: Tx) => tx`update slotbase.attempt_history set response_status = 410 where attempt = 2`
    expect(await foundAfter(answered, (tx) => notEnded(tx, gone))).toBe(1)
    expect(
      await foundAfter(
        (tx) => ended(tx, 1).then(() => answered(tx)),
        (tx) => notEnded(tx, gone),
      ),
    ).toBe(0)
  })
})

test("an ordered webhook that overtook itself is found, and one whose aggregates go side by side is not", () => {
  const arrival = (aggregate: string, position: number) => ({ aggregate, position })
  expect(overtaken([arrival("a", 2), arrival("b", 1), arrival("a", 3), arrival("b", 5)])).toEqual([])
  expect(overtaken([arrival("a", 3), arrival("b", 1), arrival("a", 2)]) as object[]).toEqual([arrival("a", 2)])
})

test("numbers are told as ranges", () => {
  expect(compact(new Set())).toBe("")
  expect(compact(new Set([7, 3, 1, 2, 9, 10]))).toBe("1-3,7,9-10")
})
