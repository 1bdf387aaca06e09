// A delivery that crashes every process that sends it is found, and no delivery claimed beside it becomes a dead
// letter.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test"
import { claimDeliveries } from "#actors/deliveries/claim-rows.ts"
import type { ClaimedDelivery } from "#actors/deliveries/delivery.ts"
import { reclaimAbandoned } from "#actors/deliveries/reclaim.ts"
import { settleAttempts } from "#actors/deliveries/settle-rows.ts"
import type { ActorProcess } from "#actors/runtime/life-sign.ts"
import type { App } from "#http/app.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"
import { actorProcess, onlyAlive, processRow, unbalanced } from "#test/harness/pipeline/pipeline.ts"
import { aDeliverer, aWebhook, confirmed, delivered } from "#test/harness/pipeline/webhooks.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let app: App
let heir: number

beforeAll(async () => {
  database = await testDatabase()
  app = testApp(database.db)
  heir = await processRow(database.db, false)
})
afterEach(() => onlyAlive(database.db))
afterAll(() => database?.drop())

async function aQueue(count: number, url = "https://receiver.example/hook") {
  const facility = await aFacility(database.db)
  const webhook = await aWebhook(app, facility.id, { url, maxConcurrency: 50 })
  await confirmed(database.db, facility.id, count)
  return webhook.id
}

const processes = new Map<number, ActorProcess>()
/** Each process has one quarantine. */
function processOf(owner: number): ActorProcess {
  const process = processes.get(owner) ?? actorProcess(owner)
  processes.set(owner, process)
  return process
}

const claim = (owner: number, webhookIds: readonly string[]) =>
  claimDeliveries(database.db, {
    process: processOf(owner),
    wants: webhookIds.map((webhookId) => ({ webhookId, after: 0, busy: 0, ahead: 1, cap: 1_000 })),
    total: 512,
  })

/** A process claims all that it gets, and dies. */
async function abandon(webhookIds: readonly string[]): Promise<readonly ClaimedDelivery[]> {
  const owner = await processRow(database.db, true)
  const claimed = await claim(owner, webhookIds)
  await database.db`update slotbase.processes set alive_until = clock_timestamp() - interval '1 ms' where id = ${owner}`
  await reclaimAbandoned(database.db, heir)
  return claimed
}

const deliver = (claimed: readonly ClaimedDelivery[]) => settleAttempts(database.db, claimed.map(delivered))

const attemptsOf = (webhookId: string) => database.db<{ event_id: string; outcomes: string }[]>`
  select event_id, string_agg(outcome, ' ' order by attempt) as outcomes from slotbase.webhook_attempts
  where webhook_id = ${webhookId} group by event_id order by event_id`

test("a delivery that crashes three processes is a dead letter, and none of a hundred neighbours is", async () => {
  const [poisoned, innocent] = [await aQueue(50), await aQueue(50)]
  const [poison] = await database.db<[{ position: number; event_id: string }]>`
    select position, event_id from slotbase.delivery_queue where webhook_id = ${poisoned} order by position offset 20 limit 1`
  const isPoison = ({ position }: ClaimedDelivery) => position === poison.position
  const deaths: number[] = []
  const left = () => database.db`select from slotbase.delivery_queue where webhook_id in (${poisoned}, ${innocent})`
  while ((await left()).length > 0) {
    const owner = await processRow(database.db, true)
    await onlyAlive(database.db, owner)
    const claimed = await claim(owner, [poisoned, innocent])
    if (!claimed.some(isPoison)) {
      await deliver(claimed)
      continue
    }
    deaths.push(claimed.length)
    await database.db`update slotbase.processes set alive_until = clock_timestamp() - interval '1 ms' where id = ${owner}`
    await reclaimAbandoned(database.db, heir)
  }
  // Twice in a batch, then in quarantine.
  expect(deaths).toEqual([100, 100, 1])
  const letters = await database.db<{ event_id: string }[]>`
    select event_id from slotbase.dead_letters where webhook_id in (${poisoned}, ${innocent})`
  expect(letters.map(({ event_id }) => event_id)).toEqual([poison.event_id])
  const outcomes = [...(await attemptsOf(poisoned)), ...(await attemptsOf(innocent))].map((row) => row.outcomes)
  expect(outcomes.filter((each) => each === "unknown unknown delivered")).toHaveLength(99)
  expect(outcomes.filter((each) => each === "unknown unknown unknown")).toHaveLength(1)
  expect(await unbalanced(database.db)).toHaveLength(0)
})

test("a delivery abandoned once is claimed in a batch again; abandoned twice, by itself, one at a time per process", async () => {
  const [abandoned, fresh] = [await aQueue(3), await aQueue(2)]
  expect([(await abandon([abandoned])).length, (await abandon([abandoned])).length]).toEqual([3, 3])
  const [one, other] = [await processRow(database.db, true), await processRow(database.db, true)]
  const first = await claim(one, [fresh, abandoned])
  expect(first.map(({ webhook_id, quarantined }): unknown[] => [webhook_id, quarantined])).toEqual([[abandoned, true]])
  const second = await claim(one, [fresh, abandoned])
  expect(second.map(({ webhook_id, quarantined }): unknown[] => [webhook_id, quarantined])).toEqual([
    [fresh, false],
    [fresh, false],
  ])
  expect(await claim(one, [fresh, abandoned])).toHaveLength(0)
  const elsewhere = await claim(other, [fresh, abandoned])
  expect(elsewhere.map(({ webhook_id, quarantined }): unknown[] => [webhook_id, quarantined])).toEqual([
    [abandoned, true],
  ])

  expect((await deliver(first)).map(({ webhook_id }) => webhook_id)).toEqual([abandoned])
  const next = await claim(one, [abandoned])
  expect(next).toHaveLength(1)
  expect(await deliver([...next, ...elsewhere, ...second])).toEqual([])
})

test("a delivery that hangs stays in quarantine for a moment only, and then another webhook's comes first", async () => {
  const [hanging, steady] = [await aQueue(2), await aQueue(1)]
  await abandon([hanging, steady])
  await abandon([hanging, steady])
  const owner = await processRow(database.db, true)
  const [hung] = (await claim(owner, [hanging])) as [ClaimedDelivery]
  const wants = [hanging, steady].map((webhookId) => ({ webhookId, after: 0, ahead: 1, cap: 1_000 }))
  const again = () =>
    claimDeliveries(database.db, {
      process: processOf(owner),
      wants: wants.map((want) => ({ ...want, busy: want.webhookId === hanging ? 1 : 0 })),
      total: 512,
    })
  expect(await again()).toHaveLength(0)
  const next = await eventually(async () => {
    const claimed = await again()
    expect(claimed).toHaveLength(1)
    return claimed
  })
  expect(next.map(({ webhook_id }) => webhook_id)).toEqual([steady])
  await deliver([hung, ...next])
  await deliver(await claim(owner, [hanging]))
})

test("a quarantined run and a quarantined delivery exclude each other", async () => {
  const webhookId = await aQueue(2)
  await abandon([webhookId])
  await abandon([webhookId])
  const owner = await processRow(database.db, true)
  const [begun, handled] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const run = processOf(owner).quarantine.handleRun(async () => {
    begun.resolve()
    await handled.promise
  })
  await begun.promise
  expect(await claim(owner, [webhookId])).toHaveLength(0)
  handled.resolve()
  await run
  const first = await claim(owner, [webhookId])
  expect(first).toHaveLength(1)
  let hasRun = false
  const next = processOf(owner).quarantine.handleRun(async () => {
    hasRun = true
  })
  // A run that did not wait for the delivery would be over before the database answers.
  await database.db`select 1`
  expect(hasRun).toBe(false)
  await deliver(first)
  await next
  expect(hasRun).toBe(true)
  // Slow runs do not keep it for long.
  const claims: number[] = []
  const slow = processOf(owner).quarantine.handleRun(() =>
    eventually(async () => {
      claims.push((await claim(owner, [webhookId])).length)
      expect(claims.at(-1)).toBe(1)
    }),
  )
  await slow
  expect(claims[0]).toBe(0)
})

test("a deliverer sends quarantined deliveries one after the other, and the others as usual", async () => {
  const inbox = startReceiver()
  const [abandoned, fresh] = [await aQueue(20, inbox.url), await aQueue(20, inbox.url)]
  await abandon([abandoned])
  await abandon([abandoned])
  const deliverer = await aDeliverer(app)
  await deliverer.run()
  // Twenty of them would take ten seconds, if each stayed in quarantine for its full time.
  await eventually(() => expect(inbox.received).toHaveLength(40), { withinMs: 8_000 })
  await deliverer.idle()
  const outcomes = async (webhookId: string) => new Set((await attemptsOf(webhookId)).map((row) => row.outcomes))
  expect([await outcomes(abandoned), await outcomes(fresh)]).toEqual([
    new Set(["unknown unknown delivered"]),
    new Set(["delivered"]),
  ])
  await deliverer.drain()
  await inbox.stop()
})

test("quarantined deliveries are found by their own index, also while the queue is long", async () => {
  await aQueue(2_000)
  const plan = await database.db<{ "QUERY PLAN": string }[]>`
    explain select ctid, webhook_id, ready_at, lease from slotbase.delivery_queue where unknowns > 1`
  expect(plan.map((row) => row["QUERY PLAN"]).join("\n")).toContain("delivery_queue_alone")
})
