// Claims and settlements between processes: a delivery is sent and settled only by the process that holds it. The
// deliveries of a dead process are reclaimed, with an unknown outcome.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { claimDeliveries, returnDeliveries, returnOrphanedClaims, type Want } from "#actors/deliveries/claim-rows.ts"
import type { ClaimedDelivery } from "#actors/deliveries/delivery.ts"
import { reclaimAbandoned } from "#actors/deliveries/reclaim.ts"
import { settleAttempts } from "#actors/deliveries/settle-rows.ts"
import { transact } from "#events/outbox.ts"
import type { App } from "#http/app.ts"
import { readDelivery, requeueDelivery } from "#outbound/webhooks/deliveries/deliveries.ts"
import { deleteWebhook } from "#outbound/webhooks/webhooks.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"
import { actorProcess, context, onlyAlive, processRow, unbalanced } from "#test/harness/pipeline/pipeline.ts"
import { aDeliverer, aWebhook, confirmed, delivered, rootCaller } from "#test/harness/pipeline/webhooks.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let app: App
let [one, other] = [0, 0]

beforeAll(async () => {
  database = await testDatabase()
  app = testApp(database.db)
  one = await processRow(database.db, true)
  other = await processRow(database.db, true)
})
beforeEach(() => onlyAlive(database.db, one, other))
afterAll(() => database?.drop())

async function aQueue(count: number, given: { maxConcurrency?: number; url?: string } = {}) {
  const facility = await aFacility(database.db)
  const webhook = await aWebhook(app, facility.id, { url: "https://receiver.example/hook", ...given })
  await confirmed(database.db, facility.id, count)
  return { facilityId: facility.id, webhookId: webhook.id }
}

const want = (webhookId: string, given: Partial<Want> = {}): Want => ({
  webhookId,
  after: 0,
  busy: 0,
  ahead: 1,
  cap: 1_000,
  ...given,
})

const claim = (owner: number, wants: readonly Want[], total = 1_000) =>
  claimDeliveries(database.db, { process: actorProcess(owner), wants, total })

const queueOf = (webhookId: string) => database.db<Record<string, unknown>[]>`
  select attempts, failures, unknowns, lease is null as free, ready_at is null as fresh from slotbase.delivery_queue
  where webhook_id = ${webhookId} order by position`
const attemptsOf = (webhookId: string) => database.db<{ outcome: string; attempt: number }[]>`
  select outcome, attempt from slotbase.webhook_attempts where webhook_id = ${webhookId} order by event_id, attempt`

async function die(owner: number) {
  await database.db`update slotbase.processes set alive_until = clock_timestamp() - interval '1 ms' where id = ${owner}`
}

test("each webhook gets up to its own concurrency, however much another has queued", async () => {
  await onlyAlive(database.db, one)
  const large = await aQueue(600, { maxConcurrency: 10 })
  const small = await Promise.all(Array.from({ length: 5 }, () => aQueue(3)))
  const claimed = await claim(
    one,
    [large, ...small].map(({ webhookId }) => want(webhookId)),
  )
  const counts = Map.groupBy(claimed, (delivery) => delivery.webhook_id)
  expect([large, ...small].map(({ webhookId }) => counts.get(webhookId)?.length)).toEqual([10, 3, 3, 3, 3, 3])
  const ofLarge = counts.get(large.webhookId) ?? []
  expect(ofLarge.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])

  const after = ofLarge.at(-1)?.position ?? 0
  const busy = want(large.webhookId, { after, busy: 10 })
  expect(await claim(one, [busy])).toHaveLength(0)
  expect(await claim(one, [{ ...busy, busy: 7 }])).toHaveLength(3)
  expect(await claim(one, [{ ...busy, ahead: 3, cap: 15 }])).toHaveLength(5)
  await onlyAlive(database.db, one, other)
  expect(await claim(other, [want(large.webhookId)], 4)).toHaveLength(4)
})

test("claimers never share a delivery, and together they take all", async () => {
  const { webhookId } = await aQueue(400, { maxConcurrency: 50 })
  const taken: number[] = []
  await Promise.all(
    Array.from({ length: 6 }, async (_, index) => {
      for (;;) {
        const claimed = await claim(index % 2 === 0 ? one : other, [want(webhookId, { ahead: 100, cap: 1_000 })], 17)
        taken.push(...claimed.map(({ sequence }) => sequence))
        if (claimed.length === 0) return
      }
    }),
  )
  expect(taken.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 400 }, (_, index) => index + 1))
  expect(
    new Set(
      (
        await database.db<{ lease: number }[]>`
    select lease from slotbase.delivery_queue where webhook_id = ${webhookId}`
      ).map(({ lease }) => lease),
    ).size,
  ).toBe(400)
})

test("the attempt is recorded as started before anything is sent, under the id that its header will carry", async () => {
  const { webhookId } = await aQueue(1)
  const [claimed] = await claim(one, [want(webhookId)])
  const [attempt] = await database.db`
    select id, attempt, outcome, url, method, started_at is not null as started from slotbase.webhook_attempts
    where webhook_id = ${webhookId}`
  expect({ ...attempt }).toEqual({
    id: claimed?.attempt_id,
    attempt: 1,
    outcome: "started",
    url: "https://receiver.example/…f2407f86",
    method: "POST",
    started: true,
  })
})

test("while its request is under way a delivery is found by its attempt, with the start of the attempt", async () => {
  const { webhookId, facilityId } = await aQueue(1)
  const [claimed] = (await claim(one, [want(webhookId)])) as [ClaimedDelivery]
  const found = await readDelivery(database.db, facilityId, claimed.attempt_id)
  const [row] = await database.db<[{ started: Date; first: Date; last: Date; status: string }]>`
    select q.started_at as started, d.first_attempt_at as first, d.last_attempt_at as last, d.status
    from slotbase.delivery_queue q join slotbase.webhook_deliveries d on d.id = q.delivery_id
    where q.webhook_id = ${webhookId}`
  expect(found.attempts).toEqual([
    {
      id: claimed.attempt_id,
      attempt: 1,
      outcome: "started",
      startedAt: row.started.toISOString(),
      webhookVersion: 1,
    },
  ])
  expect([found.firstAttemptAt, found.lastAttemptAt]).toEqual([row.started.toISOString(), row.started.toISOString()])
  expect(row).toEqual({ started: row.started, first: row.started, last: row.started, status: "pending" })
})

test("delivered and failed attempts are settled in one go", async () => {
  const { webhookId } = await aQueue(3)
  const [first, second, third] = (await claim(one, [want(webhookId)])) as [
    ClaimedDelivery,
    ClaimedDelivery,
    ClaimedDelivery,
  ]
  const error = { code: "http_500", message: "The receiver answered 500." }
  const retries = await settleAttempts(database.db, [
    { ...delivered(first), body: "thanks", headers: { "x-answer": "1" } },
    { delivery: second, outcome: "failed", sentAt: new Date(), durationMs: 2, status: 500, error, retryAfterMs: 1_000 },
    { delivery: third, outcome: "failed", sentAt: new Date(), durationMs: 2, error },
  ])
  expect(retries.map((row) => row.webhook_id)).toEqual([webhookId])
  const attempts = await database.db`
    select outcome, url, method, response_status, response_body, response_headers, error_message,
           started_at <= slotbase.now() as started
    from slotbase.webhook_attempts where webhook_id = ${webhookId} order by event_id`
  const common = { url: "https://receiver.example/…f2407f86", method: "POST", started: true }
  const failed = {
    ...common,
    outcome: "failed",
    response_body: null,
    response_headers: null,
    error_message: error.message,
  }
  expect(attempts.map((row) => ({ ...row }))).toEqual([
    {
      ...common,
      outcome: "delivered",
      response_status: 200,
      response_body: "thanks",
      response_headers: { "x-answer": "1" },
      error_message: null,
    },
    { ...failed, response_status: 500 },
    { ...failed, response_status: null },
  ] as never)
  const statuses = await database.db`
    select status, attempt_count from slotbase.webhook_deliveries where webhook_id = ${webhookId} order by position`
  expect(statuses.map((row) => ({ ...row }))).toEqual([
    { status: "delivered", attempt_count: 1 },
    { status: "retrying", attempt_count: 1 },
    { status: "failed", attempt_count: 1 },
  ])
  expect(await unbalanced(database.db)).toHaveLength(0)
})

test("claiming all rows of a page at once leaves each on its page: no index is written", async () => {
  await onlyAlive(database.db, one)
  const { webhookId } = await aQueue(100, { maxConcurrency: 100 })
  const pages = () => database.db<{ position: number; page: number }[]>`
    select position, (ctid::text::point)[0] as page from slotbase.delivery_queue where webhook_id = ${webhookId} order by position`
  const before = [...(await pages())]
  expect(await claim(one, [want(webhookId)])).toHaveLength(100)
  expect([...(await pages())]).toEqual(before)
})

test("a webhook that is switched off or deleted, and a process that is not alive, claim nothing", async () => {
  const { webhookId, facilityId } = await aQueue(2)
  const dead = await processRow(database.db, false)
  expect(await claim(dead, [want(webhookId)])).toHaveLength(0)
  await database.db`update slotbase.webhooks set is_active = false where id = ${webhookId}`
  expect(await claim(one, [want(webhookId)])).toHaveLength(0)
  await transact(database.db, context, (tx) => deleteWebhook(tx, rootCaller, facilityId, webhookId))
  expect(await claim(one, [want(webhookId)])).toHaveLength(0)
})

test("a returned delivery used up no attempt, and is claimed again although it is below the claimed position", async () => {
  const { webhookId } = await aQueue(2)
  const first = await claim(one, [want(webhookId)])
  await returnDeliveries(database.db, first)
  expect(await attemptsOf(webhookId)).toHaveLength(0)
  const untouched = { attempts: 0, failures: 0, unknowns: 0, free: true, fresh: false }
  expect((await queueOf(webhookId)).map((row) => ({ ...row }))).toEqual([untouched, untouched])
  expect(await claim(other, [want(webhookId, { after: Number.MAX_SAFE_INTEGER })])).toHaveLength(2)
})

test("returning a delivery that another process has claimed meanwhile changes nothing", async () => {
  const { webhookId } = await aQueue(1)
  const first = await claim(one, [want(webhookId)])
  await returnDeliveries(database.db, first)
  await claim(other, [want(webhookId)])
  await returnDeliveries(database.db, first)
  expect((await queueOf(webhookId)).map(({ free }) => free)).toEqual([false])
  expect((await attemptsOf(webhookId)).map(({ outcome }) => outcome)).toEqual(["started"])
})

test("an orphaned claim is found by its process and returned", async () => {
  const { webhookId } = await aQueue(3)
  const owner = await processRow(database.db, true)
  const known = await claim(owner, [want(webhookId)], 1)
  await claim(owner, [want(webhookId)], 2)
  expect(
    await returnOrphanedClaims(
      database.db,
      owner,
      known.map(({ lease }) => lease),
    ),
  ).toBe(2)
  expect((await queueOf(webhookId)).map(({ free }) => free)).toEqual([false, true, true])
  expect(await attemptsOf(webhookId)).toHaveLength(1)
})

test("a settlement under an old token is discarded: the settlement of the new holder stands", async () => {
  const { webhookId } = await aQueue(1)
  const owner = await processRow(database.db, true)
  const [mine] = (await claim(owner, [want(webhookId)])) as [ClaimedDelivery]
  await die(owner)
  expect(await reclaimAbandoned(database.db, one)).toBeGreaterThanOrEqual(1)
  const [theirs] = (await claim(other, [want(webhookId)])) as [ClaimedDelivery]
  expect(theirs.lease).toBeGreaterThan(mine.lease)
  expect([theirs.unknowns, theirs.failures]).toEqual([1, 0])

  await settleAttempts(database.db, [delivered(mine)])
  expect((await queueOf(webhookId)).map(({ free }) => free)).toEqual([false])
  expect((await attemptsOf(webhookId)).map(({ outcome }) => outcome)).toEqual(["unknown", "started"])

  await settleAttempts(database.db, [delivered(theirs)])
  await settleAttempts(database.db, [delivered(theirs)])
  expect(await queueOf(webhookId)).toHaveLength(0)
  expect((await attemptsOf(webhookId)).map(({ outcome }) => outcome)).toEqual(["unknown", "delivered"])
  const history =
    await database.db`select status, attempts from slotbase.delivery_history where webhook_id = ${webhookId}`
  expect(history.map((row) => ({ ...row }))).toEqual([{ status: "delivered", attempts: 2 }])
})

test("the third unknown outcome is a dead letter; requeued, it starts over", async () => {
  const { webhookId, facilityId } = await aQueue(1)
  for (let n = 1; n <= 3; n++) {
    const owner = await processRow(database.db, true)
    expect(await claim(owner, [want(webhookId)])).toHaveLength(1)
    await die(owner)
    await reclaimAbandoned(database.db, one)
    expect(await queueOf(webhookId)).toHaveLength(n < 3 ? 1 : 0)
  }
  const [letter] = await database.db<{ delivery_id: string; event_id: string; codes: string[]; statuses: string[] }[]>`
    select delivery_id, event_id,
           (select array_agg(e -> 'error' ->> 'code') from jsonb_array_elements(errors) e) as codes,
           (select array_agg(e ->> 'status') from jsonb_array_elements(errors) e) as statuses
    from slotbase.dead_letters where webhook_id = ${webhookId}`
  expect(letter?.codes).toEqual(["unknown_outcome", "unknown_outcome", "unknown_outcome"])
  expect(letter?.statuses).toEqual(["retrying", "retrying", "dead_letter"])

  const requeue = (facility: string) =>
    transact(database.db, context, (tx) =>
      requeueDelivery(tx, facility, letter?.delivery_id ?? "", letter?.event_id ?? ""),
    )
  expect((await requeue((await aFacility(database.db)).id)).result).toBe(false)
  expect((await requeue(facilityId)).result).toBe(true)
  expect((await requeue(facilityId)).result).toBe(false)
  expect((await queueOf(webhookId)).map((row) => ({ ...row }))).toEqual([
    { attempts: 3, failures: 0, unknowns: 0, free: true, fresh: false },
  ])
  expect(await unbalanced(database.db)).toHaveLength(0)
})

test("reclaiming does not touch the deliveries of live processes", async () => {
  const { webhookId } = await aQueue(2)
  const owner = await processRow(database.db, true)
  await claim(one, [want(webhookId)], 1)
  await claim(owner, [want(webhookId)], 1)
  await die(owner)
  await reclaimAbandoned(database.db, one)
  expect((await queueOf(webhookId)).map(({ unknowns, free }) => [unknowns, free])).toEqual([
    [0, false],
    [1, true],
  ])
})

test("the first pass of another process reclaims the deliveries of an expired one, and sends them", async () => {
  const inbox = startReceiver()
  const { webhookId } = await aQueue(2, { url: inbox.url })
  const owner = await processRow(database.db, true)
  await claim(owner, [want(webhookId)])
  await die(owner)
  const heir = await aDeliverer(app)
  await heir.run()
  expect(inbox.received).toHaveLength(2)
  expect((await attemptsOf(webhookId)).map(({ outcome }) => outcome)).toEqual([
    "unknown",
    "delivered",
    "unknown",
    "delivered",
  ])
  await heir.drain()
  await inbox.stop()
})

test("a process whose life sign is late does not count itself as expired", async () => {
  const { webhookId } = await aQueue(1)
  const owner = await processRow(database.db, true)
  const [mine] = (await claim(owner, [want(webhookId)])) as [ClaimedDelivery]
  await die(owner)
  await reclaimAbandoned(database.db, owner)
  await settleAttempts(database.db, [delivered(mine)])
  expect((await attemptsOf(webhookId)).map(({ outcome }) => outcome)).toEqual(["delivered"])
  expect(await queueOf(webhookId)).toHaveLength(0)
})
