// maxConcurrency of a webhook over all processes: the shares, what happens when a process ends or joins, and requests
// under way at a receiver.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test"
import { claimDeliveries } from "#actors/deliveries/claim-rows.ts"
import type { ClaimedDelivery } from "#actors/deliveries/delivery.ts"
import { settleAttempts } from "#actors/deliveries/settle-rows.ts"
import type { App } from "#http/app.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"
import { actorProcess, endProcess, onlyAlive, processRow, unbalanced } from "#test/harness/pipeline/pipeline.ts"
import { aDeliverer, aWebhook, confirmed, delivered } from "#test/harness/pipeline/webhooks.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let app: App

beforeAll(async () => {
  database = await testDatabase()
  app = testApp(database.db)
})
afterEach(() => onlyAlive(database.db))
afterAll(() => database?.drop())

async function aQueue(count: number, maxConcurrency: number, url = "https://receiver.example/hook") {
  const facility = await aFacility(database.db)
  const webhook = await aWebhook(app, facility.id, { url, maxConcurrency })
  await confirmed(database.db, facility.id, count)
  return webhook.id
}

const processRows = async (count: number) => {
  const owners: number[] = []
  for (let n = 0; n < count; n++) owners.push(await processRow(database.db, true))
  return owners
}

/** The places of each process at each of many webhooks. */
const placesOf = async (owners: readonly number[], most: number) => {
  const rows = await database.db<{ places: number[] }[]>`
    select array_agg(slotbase.webhook_places(md5(n::text)::uuid, ${most}, p.id) order by p.id) as places
    from generate_series(1, 200) n cross join unnest(${owners as number[]}::bigint[]) as p (id) group by n order by n`
  return rows.map(({ places }) => places)
}
const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0)

const claim = (owner: number, webhookId: string, busy = 0) =>
  claimDeliveries(database.db, {
    process: actorProcess(owner),
    wants: [{ webhookId, after: 0, busy, ahead: 1, cap: 1_000 }],
    total: 1_000,
  })
const settle = (claimed: readonly ClaimedDelivery[]) => settleAttempts(database.db, claimed.map(delivered))

test("the shares of the live processes add up to the limit, and differ by one at most", async () => {
  const owners: number[] = []
  for (const processes of [1, 2, 3, 7]) {
    owners.push(...(await processRows(processes - owners.length)))
    for (const most of [1, 2, 5, 50])
      for (const places of await placesOf(owners, most)) {
        expect(sum(places)).toBe(most)
        expect(Math.max(...places) - Math.min(...places)).toBeLessThanOrEqual(1)
      }
  }
})

test("webhooks with one place are spread over the processes", async () => {
  const places = await placesOf(await processRows(3), 1)
  const perProcess = [0, 1, 2].map((nth) => sum(places.map((each) => each[nth] ?? 0)))
  expect(sum(perProcess)).toBe(200)
  expect(Math.min(...perProcess)).toBeGreaterThan(40)
})

test("when a process ends, no other gets fewer places, and together they get all", async () => {
  const [first, ...others] = (await processRows(4)) as [number, ...number[]]
  for (const most of [1, 5, 10]) {
    await onlyAlive(database.db, first, ...others)
    const before = await placesOf(others, most)
    await endProcess(database.db, first)
    const after = await placesOf(others, most)
    for (const [nth, places] of after.entries()) {
      expect(sum(places)).toBe(most)
      for (const [process, count] of places.entries()) expect(count).toBeGreaterThanOrEqual(before[nth]?.[process] ?? 0)
    }
  }
})

test("a process that joins waits for the requests that another sent by a larger share", async () => {
  for (const joins of ["as a new one", "again"]) {
    const later = await processRow(database.db, false)
    const [first] = (await processRows(1)) as [number]
    const webhookId = await aQueue(20, 5)
    const held = [...(await claim(first, webhookId))]
    expect(held).toHaveLength(5)
    if (joins === "again")
      await database.db`
        update slotbase.processes set alive_until = clock_timestamp() + interval '1 hour', joined_at = clock_timestamp(),
               joined_lease = nextval('slotbase.lease_seq') where id = ${later}`
    const second = joins === "again" ? later : await processRow(database.db, true)

    let [ofFirst, ofSecond] = [held.length, 0]
    const places = await database.db<{ id: number; places: number }[]>`
      select p.id, (5 + 1 - (select count(*) from slotbase.processes b
        where b.alive_until > clock_timestamp()
          and (uuid_hash_extended(${webhookId}, b.id), b.id) < (uuid_hash_extended(${webhookId}, p.id), p.id))) / 2 as places
      from slotbase.processes p where p.id in (${first}, ${second}) order by p.id = ${second}`
    const shares = places.map((row) => row.places)
    expect(sum(shares)).toBe(5)
    for (const delivery of held) {
      ofSecond += (await claim(second, webhookId, ofSecond)).length
      expect(ofFirst + ofSecond).toBeLessThanOrEqual(5)
      await settle([delivery])
      ofFirst += (await claim(first, webhookId, ofFirst - 1)).length - 1
      expect(ofFirst + ofSecond).toBeLessThanOrEqual(5)
    }
    ofSecond += (await claim(second, webhookId, ofSecond)).length
    expect([ofFirst, ofSecond]).toEqual(shares)
    await onlyAlive(database.db)
  }
})

/** A receiver that counts the requests that are in flight at once, and holds all after the first ones until told. */
function countingReceiver(answeredAtOnce: number) {
  const counts = { inFlight: 0, most: 0 }
  const { promise, resolve: release } = Promise.withResolvers<void>()
  const receiver = startReceiver(async () => {
    counts.most = Math.max(counts.most, ++counts.inFlight)
    await (receiver.received.length <= answeredAtOnce ? database.db`select 1` : promise)
    counts.inFlight--
    return new Response("ok")
  })
  return Object.assign(receiver, { counts, release })
}

const statusesOf = async (webhookId: string) => {
  const rows = await database.db<{ status: string; attempt_count: number }[]>`
    select status, attempt_count from slotbase.webhook_deliveries where webhook_id = ${webhookId}`
  return new Set(rows.map((row) => `${row.status} ${row.attempt_count}`))
}

const queued = 300
for (const processes of [2, 3])
  for (const limit of [1, 5])
    test(`${processes} processes together have ${limit} under way at most, and send everything`, async () => {
      const inbox = countingReceiver(20)
      // More than two fast processes claim ahead: each must find enough for its places.
      const webhookId = await aQueue(queued, limit, inbox.url)
      const deliverers = await Promise.all(Array.from({ length: processes }, () => aDeliverer(app)))
      const sending = eventually(async () => {
        await Promise.all(deliverers.map((each) => each.run()))
        expect(inbox.received).toHaveLength(queued)
      })
      await eventually(() => expect(inbox.counts.inFlight).toBe(limit))
      inbox.release()
      await sending
      await Promise.all(deliverers.map((each) => each.drain()))
      expect(inbox.counts).toEqual({ inFlight: 0, most: limit })
      expect(await statusesOf(webhookId)).toEqual(new Set(["delivered 1"]))
      expect(await unbalanced(database.db)).toHaveLength(0)
      await inbox.stop()
    })

for (const end of ["says good-bye", "expires with a request under way"])
  test(`a process that ${end} hands its place on`, async () => {
    const answers: (() => void)[] = []
    const inbox = startReceiver(() => new Promise((resolve) => void answers.push(() => resolve(new Response("ok")))))
    const webhookId = await aQueue(2, 1, inbox.url)
    const deliverers = [await aDeliverer(app, { graceMs: 0 }), await aDeliverer(app, { graceMs: 0 })]
    for (const each of deliverers) {
      each.requestScan()
      await each.pass()
    }
    await eventually(() => expect(answers).toHaveLength(1))
    const [row] = await database.db<[{ owner: number }]>`
      select owner from slotbase.delivery_queue where webhook_id = ${webhookId} and lease is not null`
    const holder = deliverers.find((each) => each.owner === row.owner)
    const heir = deliverers.find((each) => each !== holder)
    if (!holder || !heir) throw new Error("nobody holds the place")
    await heir.run()
    expect(answers).toHaveLength(1)

    if (end === "says good-bye") await holder.drain()
    else await onlyAlive(database.db, heir.owner)
    heir.requestScan()
    await heir.pass()
    await eventually(() => expect(answers).toHaveLength(2))
    answers[1]?.()
    await eventually(async () => {
      await heir.pass()
      expect(answers).toHaveLength(3)
    })
    answers[2]?.()
    await heir.idle()
    expect(await statusesOf(webhookId)).toEqual(new Set(["delivered 1", "delivered 2"]))
    await Promise.all(deliverers.map((each) => each.drain()))
    await inbox.stop()
  })
