// Receivers that do not answer take half of a process's requests at most, whether they are new or were fast before. A
// facility takes half at most. The others go on meanwhile.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test"
import { aFacility } from "#test/harness/club/factories.ts"
import { type Receiver, startReceiver } from "#test/harness/outside/receiver.ts"
import { aDeliverer, aWebhook, confirmed } from "#test/harness/pipeline/webhooks.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let app: ReturnType<typeof testApp>
const ends: (() => unknown)[] = []

beforeAll(async () => {
  database = await testDatabase()
  app = testApp(database.db, { egressAllow: ["127.0.0.0/8"] })
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})
afterAll(() => database?.drop())

function startAnswering(answer: () => Response | Promise<Response> = () => new Response("ok")): Receiver {
  const receiver = startReceiver(answer)
  ends.push(receiver.stop)
  return receiver
}

/** Far less than the time limit of a request (10 s). */
const withinMs = { withinMs: 5_000 }

const never = () => new Promise<Response>(() => {})

async function startDeliverer() {
  const deliverer = await aDeliverer(app, { graceMs: 0 })
  ends.push(() => deliverer.drain())
  return deliverer
}

/** So many webhooks to the receiver, each of a facility of its own unless one is given. Answers their facilities. */
const webhooksTo = (receiver: Receiver, count: number, facilityId?: string) =>
  Promise.all(
    Array.from({ length: count }, async () => {
      const facility = facilityId ?? (await aFacility(app.db)).id
      await aWebhook(app, facility, { url: receiver.url, maxConcurrency: 10 })
      return facility
    }),
  )

test("a hundred webhooks that have never answered take half of the requests, and one that has answered goes on", async () => {
  const good = startAnswering()
  const [known = ""] = await webhooksTo(good, 1)
  const deliverer = await startDeliverer()
  await confirmed(app.db, known)
  await deliverer.run()
  const blackHole = startAnswering(never)
  for (const facility of await webhooksTo(blackHole, 100)) await confirmed(app.db, facility, 3)

  deliverer.requestScan()
  await deliverer.pass()
  await eventually(() => expect(blackHole.received).toHaveLength(64))
  await confirmed(app.db, known, 200)
  await deliverer.pass()
  await eventually(() => expect(good.received).toHaveLength(201), withinMs)
  expect(blackHole.received).toHaveLength(64)
})

test("deliveries claimed for webhooks that were fast and then hang are returned, and the others go on", async () => {
  let hang = false
  const fickle = startAnswering(() => (hang ? never() : new Response("ok")))
  const good = startAnswering()
  const fickles = await webhooksTo(fickle, 8)
  const [known = ""] = await webhooksTo(good, 1)
  const deliverer = await startDeliverer()
  for (const facility of [...fickles, known]) await confirmed(app.db, facility, 30)
  await deliverer.run()
  hang = true
  for (const facility of fickles) await confirmed(app.db, facility, 200)
  await deliverer.pass()
  await eventually(() => expect(fickle.received.length).toBeGreaterThanOrEqual(8 * 30 + 8 * 10))

  await confirmed(app.db, known, 100)
  await eventually(async () => {
    await deliverer.pass()
    expect(good.received).toHaveLength(130)
  }, withinMs)
  expect(fickle.received).toHaveLength(8 * 30 + 8 * 10)
})

test("a facility has half of the requests at most, and another's webhook goes on", async () => {
  let hang = false
  const [busy, good] = [startAnswering(() => (hang ? never() : new Response("ok"))), startAnswering()]
  const facility = await aFacility(app.db)
  await webhooksTo(busy, 30, facility.id)
  const [other = ""] = await webhooksTo(good, 1)
  const deliverer = await startDeliverer()
  for (const each of [facility.id, other]) await confirmed(app.db, each, 10)
  await deliverer.run()
  hang = true
  await confirmed(app.db, facility.id, 20)
  await deliverer.pass()
  await eventually(() => expect(busy.received).toHaveLength(300 + 64))

  await confirmed(app.db, other, 100)
  await deliverer.pass()
  await eventually(() => expect(good.received).toHaveLength(110), withinMs)
  expect(busy.received).toHaveLength(300 + 64)
})
