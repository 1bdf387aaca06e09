// Requests to send again, beside what else happens to the same deliveries. Each test holds one transaction open while
// the other one runs, so the order of the two is decided.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { claimDeliveries } from "#actors/deliveries/claim-rows.ts"
import type { ClaimedDelivery } from "#actors/deliveries/delivery.ts"
import { reclaimAbandoned } from "#actors/deliveries/reclaim.ts"
import { settleAttempts } from "#actors/deliveries/settle-rows.ts"
import type { Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { transact } from "#events/outbox.ts"
import type { App } from "#http/app.ts"
import { retryDelivery } from "#outbound/webhooks/deliveries/deliveries.ts"
import type { WebhookInput } from "#outbound/webhooks/input.ts"
import { deleteWebhook } from "#outbound/webhooks/webhooks.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { actorProcess, context, failure, onlyAlive, processRow, unbalanced } from "#test/harness/pipeline/pipeline.ts"
import { waitingFor } from "#test/harness/pipeline/retention.ts"
import { aWebhook, confirmed, delivered, rootCaller } from "#test/harness/pipeline/webhooks.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

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

/** A webhook with one event, whose first delivery is claimed by the process `one`. */
async function claimedOnce(given: Partial<WebhookInput> = {}) {
  const facility = await aFacility(database.db)
  const { id } = await aWebhook(app, facility.id, { url: "https://receiver.example/hook", ...given })
  await confirmed(database.db, facility.id)
  const club = { facilityId: facility.id, webhookId: id }
  const [first] = (await claim(club.webhookId)) as [ClaimedDelivery]
  return { ...club, first, retry: (tx: Tx, of = first.attempt_id) => retryDelivery(tx, rootCaller, facility.id, of) }
}

/** As above; the receiver has answered 200. */
async function deliveredOnce() {
  const club = await claimedOnce()
  await settleAttempts(database.db, [delivered(club.first)])
  return club
}

const claim = (webhookId: string, owner = one, on: Db = database.db) =>
  claimDeliveries(on, {
    process: actorProcess(owner),
    wants: [{ webhookId, after: 0, busy: 0, ahead: 1, cap: 10 }],
    total: 10,
  })
const failed = (delivery: ClaimedDelivery, given: { retryAfterMs?: number } = {}) => ({
  ...delivered(delivery),
  outcome: "failed" as const,
  status: 500,
  error: { code: "http_500", message: "The receiver answered 500." },
  ...given,
})

/** Runs the transaction up to its commit, which waits until it is asked for. */
async function held<T>(work: (tx: Tx) => Promise<T>) {
  const worked = Promise.withResolvers<T>()
  const gate = Promise.withResolvers<void>()
  const over = transact(database.db, context, async (tx) => {
    worked.resolve(await work(tx))
    await gate.promise
  })
  over.catch(worked.reject)
  return {
    result: await worked.promise,
    commit: async () => {
      gate.resolve()
      await over
    },
  }
}
const run = async <T>(work: (tx: Tx) => Promise<T>) => (await transact(database.db, context, work)).result

/** Begins the second transaction, which waits for the first one; then commits the first one. */
async function behind<T>(first: { commit: () => Promise<void> }, second: Promise<T>, statement: string): Promise<T> {
  second.catch(() => {}) // its failure is looked at below, after the first one has committed
  await eventually(async () => expect(await waitingFor(database.db, statement)).toBe(1))
  await first.commit()
  return second
}
const forWebhook = "%slotbase.webhooks%"

/** The numbers of the deliveries of the webhook, by their state. */
async function numbersOf(webhookId: string) {
  const rows = await database.db<{ state: string; replay: number }[]>`
    select case when lease is null then 'waiting' else 'under way' end as state, replay
    from slotbase.delivery_queue where webhook_id = ${webhookId}
    union all
    select status, replay from slotbase.delivery_history where webhook_id = ${webhookId}
    order by replay`
  return rows.map(({ state, replay }) => `${replay} ${state}`)
}

test("two requests at once send a delivered event again as two deliveries", async () => {
  const { webhookId, retry } = await deliveredOnce()
  const first = await held((tx) => retry(tx))
  const second = await behind(first, run(retry), forWebhook)
  expect(second.id).not.toBe(first.result.id)
  expect(await numbersOf(webhookId)).toEqual(["0 delivered", "1 waiting", "2 waiting"])
})

test("an event is sent again under the next number while the settlement of the one before has not committed", async () => {
  const { webhookId, retry } = await deliveredOnce()
  await run(retry)
  const [again] = (await claim(webhookId)) as [ClaimedDelivery]
  const settling = await held((tx) => settleAttempts(tx as unknown as Db, [delivered(again)]))
  await run(retry)
  await settling.commit()
  expect(await numbersOf(webhookId)).toEqual(["0 delivered", "1 delivered", "2 waiting"])
})

test("an event is sent again under the next number while the one before is put back", async () => {
  const { webhookId, retry } = await deliveredOnce()
  const again = await run(retry)
  const [claimed] = (await claim(webhookId)) as [ClaimedDelivery]
  await settleAttempts(database.db, [failed(claimed)])
  const puttingBack = await held((tx) => retry(tx, again.id))
  await behind(puttingBack, run(retry), forWebhook)
  expect(await numbersOf(webhookId)).toEqual(["0 delivered", "1 waiting", "2 waiting"])
})

test("a request that waits for the deletion of the webhook is refused", async () => {
  const { facilityId, webhookId, retry } = await deliveredOnce()
  const deleting = await held((tx) => deleteWebhook(tx, rootCaller, facilityId, webhookId))
  const refused = await failure(behind(deleting, run(retry), forWebhook))
  expect(refused).toMatchObject({ code: "delivery_gone" })
  expect(await numbersOf(webhookId)).toEqual(["0 delivered"])
})

test("a deletion that waits for a request ends what the request has queued, with a dead letter", async () => {
  const { facilityId, webhookId, retry } = await deliveredOnce()
  const asking = await held((tx) => retry(tx))
  await behind(
    asking,
    run((tx) => deleteWebhook(tx, rootCaller, facilityId, webhookId)),
    forWebhook,
  )
  expect(await numbersOf(webhookId)).toEqual(["0 delivered", "1 failed"])
  const letters = await database.db`
    select resolution from slotbase.dead_letters where delivery_id = ${asking.result.id}`
  expect(letters.map((row) => ({ ...row }))).toEqual([{ resolution: "ignored" }])
})

test("a delivery that is being claimed is not made due a second time", async () => {
  const { webhookId, first, retry } = await claimedOnce()
  await settleAttempts(database.db, [failed(first, { retryAfterMs: 0 })])
  const claiming = await held((tx) => claim(webhookId, one, tx as unknown as Db))
  await behind(claiming, run(retry), "%update slotbase.delivery_queue%")
  expect(await claim(webhookId, other)).toEqual([])
  await settleAttempts(database.db, claiming.result.map(delivered))
  expect(await numbersOf(webhookId)).toEqual(["0 delivered"])
})

test("two requests for a failed delivery put it back once, and both are answered with it", async () => {
  const { webhookId, first, retry } = await claimedOnce()
  await settleAttempts(database.db, [failed(first)])
  const putting = await held((tx) => retry(tx))
  const second = await behind(putting, run(retry), forWebhook)
  expect([second.id, second.status]).toEqual([putting.result.id, "retrying"])
  expect(await numbersOf(webhookId)).toEqual(["0 waiting"])
})

test("a resend whose process dies after the answer is sent again under its own number", async () => {
  const { webhookId, retry } = await deliveredOnce()
  const again = await run(retry)
  const [lost] = (await claim(webhookId)) as [ClaimedDelivery]
  const meanwhile = await run((tx) => retry(tx, lost.attempt_id))
  expect([meanwhile.id, meanwhile.attempts?.map(({ id }) => id)]).toEqual([again.id, [lost.attempt_id]])
  await onlyAlive(database.db, other)
  expect(await reclaimAbandoned(database.db, other)).toBe(1)
  const [taken] = (await claim(webhookId, other)) as [ClaimedDelivery]
  await settleAttempts(database.db, [delivered(lost), delivered(taken)])
  expect(await numbersOf(webhookId)).toEqual(["0 delivered", "1 delivered"])
  expect(await unbalanced(database.db)).toHaveLength(0)
})
