// The job webhook-health: an endpoint that fails is told in stages, each once, and its recovery too. A real receiver
// fails, the real deliverer tries, and the test moves the clock.

import { afterEach, beforeEach, expect, test } from "bun:test"
import { webhookHealth } from "#actors/jobs/webhook-health.ts"
import { clock } from "#base/clock.ts"
import type { Db } from "#base/database/db.ts"
import { definitionOf, facilityWebhookEvents } from "#events/catalogue.ts"
import { transact } from "#events/outbox.ts"
import { prepareTest, sendTest } from "#outbound/webhooks/deliveries/test-delivery.ts"
import { beginTest } from "#outbound/webhooks/deliveries/test-rows.ts"
import { changeWebhook, deleteWebhook } from "#outbound/webhooks/webhooks.ts"
import { aFacility, aPerson, aRole } from "#test/harness/club/factories.ts"
import { postOffice } from "#test/harness/outbound/post-office.ts"
import { type Received, startReceiver } from "#test/harness/outside/receiver.ts"
import { smtpReceiver } from "#test/harness/outside/smtp.ts"
import { context } from "#test/harness/pipeline/pipeline.ts"
import { aDeliverer, aWebhook, confirmed, rootCaller } from "#test/harness/pipeline/webhooks.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db
let app: ReturnType<typeof testApp>
let deliverer: Awaited<ReturnType<typeof aDeliverer>>
let receiver: ReturnType<typeof startReceiver>
let answer: (received: Received) => Response
let facilityId: string
let webhookId: string

beforeEach(async () => {
  database = await testDatabase()
  db = database.db
  app = testApp(db, { egressAllow: ["127.0.0.0/8"] })
  deliverer = await aDeliverer(app)
  answer = () => new Response("down", { status: 503 })
  receiver = startReceiver((received) => answer(received))
  facilityId = (await aFacility(db)).id
  webhookId = (await aWebhook(app, facilityId, { url: `${receiver.url}/secret-path`, name: "Door locks" })).id
})

afterEach(async () => {
  await deliverer.drain()
  await receiver.stop()
  await db`update slotbase.clock set shift = '0'`
  await clock.follow(db)
  await database.drop()
})

const look = async () => (await webhookHealth(app).pass(new AbortController().signal)).did

async function later(by: string): Promise<void> {
  await db`select slotbase.move_clock(${by}::text::interval)`
  await clock.follow(db)
}

/** A confirmed booking, and one attempt of each delivery that is due. */
async function attempt(): Promise<void> {
  await confirmed(db, facilityId)
  await deliverer.run()
}

/** The events that tell of webhooks, in order. */
const told = async () => [
  ...(await db<{ type: string; data: Record<string, unknown> }[]>`
    select type, data from slotbase.events where type like 'webhook.%' order by id`),
]

const stagesTold = async () => (await told()).map(({ type, data }) => data.stage ?? type)

test("an endpoint that fails is told after 15 minutes, an hour and a day, and its recovery once", async () => {
  await attempt()
  expect(await look()).toEqual({})
  expect(await told()).toEqual([])

  await later("16 minutes")
  await attempt()
  expect(await look()).toEqual({ failing: 1 })
  expect(await look()).toEqual({})
  await later("1 hour")
  await attempt()
  expect(await look()).toEqual({ failing: 1 })
  await later("1 day")
  await attempt()
  expect(await look()).toEqual({ failing: 1 })
  await later("1 day")
  await attempt()
  expect(await look()).toEqual({})
  expect(await stagesTold()).toEqual(["fifteen_minutes", "one_hour", "one_day"])
  const [first] = await told()
  expect(first?.data).toEqual({
    webhookId,
    facilityId,
    name: "Door locks",
    host: new URL(receiver.url).host,
    stage: "fifteen_minutes",
    failingSince: expect.any(String),
    lastError: expect.stringContaining("503"),
    waiting: 2,
    waitingAtLeast: false,
    givenUp: 0,
  })
  expect(JSON.stringify(await told())).not.toContain("secret-path")

  answer = () => new Response("ok")
  await later("1 hour")
  deliverer = await aDeliverer(app) // another process, whose breaker is not open
  await attempt()
  expect(await look()).toEqual({ recovered: 1 })
  expect(await look()).toEqual({})
  expect((await stagesTold()).at(-1)).toBe("webhook.recovered")
  expect((await told()).at(-1)?.data.failingSince).toBe(first?.data.failingSince as string)
  expect([...(await db`select from slotbase.webhook_health`)]).toEqual([])
})

test("a failure of a few minutes is told to nobody, and neither is its end", async () => {
  await attempt()
  await look()
  answer = () => new Response("ok")
  await later("5 minutes")
  await attempt()
  expect(await look()).toEqual({})
  await later("1 hour")
  expect(await look()).toEqual({})
  expect(await told()).toEqual([])
})

test("failed tests by hand begin no stage, and a test that arrives gives no all-clear", async () => {
  const tools = { db, secrets: app.secrets, environment: "development" as const, allow: ["127.0.0.0/8"] }
  const byHand = async () => {
    const prepared = await prepareTest(tools, facilityId, webhookId, undefined)
    const { result } = await transact(db, context, (tx) => beginTest(tx, prepared))
    return (await sendTest(tools, prepared, result.attemptId)).delivered
  }
  expect(await byHand()).toBe(false)
  await look()
  await later("16 minutes")
  expect(await byHand()).toBe(false)
  expect(await look()).toEqual({})
  expect([...(await db`select from slotbase.webhook_health`)]).toEqual([])

  await attempt()
  await look()
  await later("16 minutes")
  await attempt()
  expect(await look()).toEqual({ failing: 1 })
  answer = () => new Response("ok")
  expect(await byHand()).toBe(true)
  expect(await look()).toEqual({})
  expect(await stagesTold()).toEqual(["fifteen_minutes"])
})

test("one event that the receiver never takes, among others that it takes, is no failing endpoint", async () => {
  let refused: string | undefined
  answer = ({ body }) => {
    const { id } = JSON.parse(body) as { id: string }
    refused ??= id
    return new Response("", { status: id === refused ? 500 : 200 })
  }
  await attempt()
  for (let nth = 0; nth < 3; nth++) {
    await later("20 minutes")
    await attempt()
    await look()
  }
  expect(await told()).toEqual([])
})

test("a stage is told once, also when several processes look at the same instant", async () => {
  await attempt()
  await look()
  await later("16 minutes")
  await Promise.all([look(), look(), look(), look()])
  expect(await stagesTold()).toEqual(["fifteen_minutes"])
  answer = () => new Response("ok")
  await later("1 minute")
  await attempt()
  await Promise.all([look(), look(), look(), look()])
  expect(await stagesTold()).toEqual(["fifteen_minutes", "webhook.recovered"])
})

test("a look that breaks before its commit tells nothing, and the next look tells the stage", async () => {
  await attempt()
  await look()
  await later("16 minutes")
  await db`alter table slotbase.outbox add constraint broken check (type not like 'webhook.%') not valid`
  await expect(look()).rejects.toThrow(/broken/)
  const [row] = await db`select stage, told_at from slotbase.webhook_health`
  expect({ ...row }).toEqual({ stage: 0, told_at: null })
  await db`alter table slotbase.outbox drop constraint broken`
  await look()
  expect(await stagesTold()).toEqual(["fifteen_minutes"])
})

test("a webhook that a 410 switched off is told once, and once more when it works again", async () => {
  answer = () => new Response("", { status: 410 })
  await attempt()
  expect(await look()).toEqual({ disabled: 1 })
  await later("2 days")
  expect(await look()).toEqual({})
  const [disabled] = await told()
  expect(disabled).toMatchObject({
    type: "webhook.disabled",
    data: { webhookId, reason: "the receiver answered 410 Gone", waiting: 1 },
  })

  await transact(db, context, (tx) => changeWebhook(tx, app.secrets, facilityId, webhookId, { isActive: true }))
  expect(await look()).toEqual({})
  answer = () => new Response("ok")
  await later("1 minute")
  await attempt()
  expect(await look()).toEqual({ recovered: 1 })
  expect(await stagesTold()).toEqual(["webhook.disabled", "webhook.recovered"])

  answer = () => new Response("", { status: 410 })
  await attempt()
  expect(await look()).toEqual({ disabled: 1 })
})

test("deliveries that were given up are told at once, with their number", async () => {
  await db`update slotbase.webhooks set max_retries = 0`
  deliverer = await aDeliverer(app)
  await attempt()
  const letters = await db`select from slotbase.dead_letters where webhook_id = ${webhookId}`
  if (letters.length === 0) {
    // Where exhausted deliveries go on for days, the end of those days is written here.
    const [row] = await db<[{ id: string; position: number; event_id: string; delivery_id: string }]>`
      select gen_random_uuid() as id, position, event_id, delivery_id from slotbase.delivery_queue`
    await db`insert into slotbase.dead_letters (id, facility_id, event_id, position, webhook_id, delivery_id, event, errors, created_at, last_attempt_at)
      values (${row.id}, ${facilityId}, ${row.event_id}, ${row.position}, ${webhookId}, ${row.delivery_id}, '{}', '[]', slotbase.now(), slotbase.now())`
  }
  expect(await look()).toEqual({ failing: 1 })
  expect(await look()).toEqual({})
  expect((await told()).map(({ data }) => [data.stage, data.givenUp])).toEqual([["given_up", 1]])
})

test("a paused or deleted webhook is told of no further", async () => {
  await attempt()
  await look()
  await transact(db, context, (tx) => changeWebhook(tx, app.secrets, facilityId, webhookId, { isActive: false }))
  await later("2 hours")
  expect(await look()).toEqual({})
  await transact(db, context, (tx) => deleteWebhook(tx, rootCaller, facilityId, webhookId))
  await look()
  expect([...(await db`select from slotbase.webhook_health`)]).toEqual([])
  expect(await told()).toEqual([])
})

test("no webhook may subscribe to the events of webhooks, so no failure is told in a loop", () => {
  for (const type of ["webhook.failing", "webhook.disabled", "webhook.recovered"] as const) {
    expect(definitionOf(type)?.facilityWebhook).toBe(false)
    expect(facilityWebhookEvents).not.toContain(type)
  }
})

test("the administrators get the warning and the all-clear by mail, with what waits and what to do", async () => {
  const admin = await aPerson(db)
  await aRole(db, admin.id, "facility_admin", facilityId)
  await attempt()
  await look()
  await later("16 minutes")
  await look()
  const mails = await smtpReceiver()
  const sending = testApp(db, { smtpUrl: mails.url })
  const [row] = await db`select e.* from slotbase.events e where type = 'webhook.failing'`
  const event = { ...row, position: 1, aggregate_id: webhookId, resource_id: null } as never
  await (await postOffice(sending)).tell(event)
  expect(mails.mails.map((mail) => [mail.recipients, mail.subject])).toEqual([
    [[admin.email], "Your webhook fails: Door locks"],
  ])
  expect(mails.mails[0]?.text).toContain("Waiting: 1 event\n")
  expect(mails.mails[0]?.text).toContain("Last error: ")
  expect(mails.mails[0]?.text).toContain("Please check the receiver.")
  await sending.mail.close()
  await mails.close()
})
