// Turns of the dispatcher that claim for the deliverer of the same process: which deliveries they claim, and that their
// requests leave without another claim.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { turnLimits } from "#actors/deliveries/turn-offers.ts"
import { dispatchOnce } from "#actors/dispatch/dispatcher.ts"
import type { Db } from "#base/database/db.ts"
import { newId } from "#base/ids.ts"
import { transact } from "#events/outbox.ts"
import { changeWebhook, createWebhook, rotateSecret } from "#outbound/webhooks/webhooks.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { type Receiver, startReceiver } from "#test/harness/outside/receiver.ts"
import { actorProcess, context, onlyAlive, processRow, unbalanced } from "#test/harness/pipeline/pipeline.ts"
import {
  aDeliverer,
  aWebhook,
  confirmed,
  rootCaller,
  type TestDeliverer,
  undispatched,
} from "#test/harness/pipeline/webhooks.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let app: ReturnType<typeof testApp>
let deliverer: TestDeliverer
const receivers: Receiver[] = []

beforeAll(async () => {
  database = await testDatabase()
  app = testApp(database.db, { egressAllow: ["127.0.0.0/8"] })
  deliverer = await aDeliverer(app)
})
beforeEach(() => onlyAlive(database.db, deliverer.owner))
afterAll(async () => {
  await deliverer?.drain()
  for (const receiver of receivers) await receiver.stop()
  await database?.drop()
})

function receiver(answer?: Parameters<typeof startReceiver>[0]): Receiver {
  const started = startReceiver(answer)
  receivers.push(started)
  return started
}

/** A webhook that has answered once, so that turns claim for it. */
async function aKnownWebhook(given: Partial<Parameters<typeof aWebhook>[2]> = {}, facilityId?: string) {
  const inbox = receiver()
  const facility = facilityId ?? (await aFacility(database.db)).id
  const webhook = await aWebhook(app, facility, { url: inbox.url, ...given })
  await confirmed(database.db, facility)
  await deliverer.run()
  expect(inbox.received).toHaveLength(1)
  return { inbox, webhook, facilityId: facility, received: () => inbox.received.slice(1) }
}

const turn = () => dispatchOnce(database.db, deliverer.turns.join)

/** The deliveries of the facility that nobody has claimed. */
const unclaimed = async (facilityId: string) =>
  (await database.db`select from slotbase.delivery_queue where facility_id = ${facilityId} and lease is null`).length

test("a delivery of a webhook that answers is sent by the turn alone, and is settled as any other", async () => {
  const { received, facilityId } = await aKnownWebhook()
  const [eventId] = (await undispatched(database.db, facilityId, 1)) as [string]
  await turn()
  await deliverer.idle()
  expect(received().map(({ headers }) => headers.get("x-slotbase-event-id"))).toEqual([eventId])
  const rows = await database.db<Record<string, unknown>[]>`
    select d.status, d.sequence, a.outcome, a.attempt, a.version from slotbase.webhook_deliveries d
    join slotbase.webhook_attempts a on a.event_id = d.event_id and a.delivery_id = d.id where d.event_id = ${eventId}`
  expect(rows.map((row) => ({ ...row }))).toEqual([
    { status: "delivered", sequence: 2, outcome: "delivered", attempt: 1, version: 1 },
  ])
  expect(await unbalanced(database.db)).toHaveLength(0)
})

test("an event that is dispatched, sent and settled costs two statements, and the next pass has nothing to claim", async () => {
  const texts: string[] = []
  const db = Object.assign((strings: TemplateStringsArray, ...values: never[]) => {
    const text = Array.isArray(strings) && "raw" in strings ? strings.join("") : ""
    // The rest are parts of statements.
    if (/^\s*(select|with)\b/.test(text)) texts.push(text)
    return database.db(strings, ...values)
  }, database.db) as unknown as Db
  const counted = await aDeliverer({ ...app, db })
  await onlyAlive(database.db, counted.owner)
  const inbox = receiver()
  const { id: facilityId } = await aFacility(database.db)
  await aWebhook(app, facilityId, { url: inbox.url })
  await confirmed(database.db, facilityId)
  await counted.run()
  await undispatched(database.db, facilityId, 1)
  texts.length = 0
  await dispatchOnce(db, counted.turns.join)
  await counted.idle()
  expect(inbox.received).toHaveLength(2)
  expect(texts).toHaveLength(2)
  expect(texts[0]).toContain("slotbase.turn(")
  expect(texts[1]?.trim()).toBe("with")
  await counted.pass()
  expect(texts.filter((text) => text.includes("claim_deliveries"))).toEqual([])
  await counted.drain()
})

test("at the receiver's first byte the attempt of each delivery stands in the database as started", async () => {
  const seen: { outcome: string; id: string }[] = []
  const wanted: string[] = []
  const inbox = receiver(async ({ headers }) => {
    const id = headers.get("x-slotbase-delivery-id") as string
    wanted.push(id)
    seen.push(
      ...(await database.db<
        { outcome: string; id: string }[]
      >`select outcome, id from slotbase.webhook_attempts where id = ${id}`),
    )
    return new Response()
  })
  const { id: facilityId } = await aFacility(database.db)
  await aWebhook(app, facilityId, { url: inbox.url })
  await confirmed(database.db, facilityId)
  await deliverer.run()
  for (let n = 0; n < 60; n++) {
    await undispatched(database.db, facilityId, 1 + (n % 3))
    await turn()
  }
  await deliverer.run()
  expect(wanted).toHaveLength(121)
  expect(seen.map(({ id, outcome }) => `${id} ${outcome}`).sort()).toEqual(wanted.map((id) => `${id} started`).sort())
})

test("after a change of the address has committed, no request goes to the old one", async () => {
  const { received, webhook, facilityId } = await aKnownWebhook()
  const next = receiver()
  await undispatched(database.db, facilityId, 1)
  await transact(database.db, context, (tx) =>
    changeWebhook(tx, app.secrets, facilityId, webhook.id, { url: next.url }),
  )
  await turn()
  expect(await unclaimed(facilityId)).toBe(1)
  await deliverer.pass()
  await deliverer.idle()
  expect([received().length, next.received.length]).toEqual([0, 1])
  await undispatched(database.db, facilityId, 1)
  await turn()
  await deliverer.idle()
  expect([received().length, next.received.length]).toEqual([0, 2])
})

test("while a new secret is being introduced, a turn leaves the webhook to the ordinary claim", async () => {
  const { received, webhook, facilityId } = await aKnownWebhook({ authType: "signature" })
  await transact(database.db, context, (tx) => rotateSecret(tx, app.secrets, facilityId, webhook.id, {}))
  for (let n = 0; n < 2; n++) {
    await undispatched(database.db, facilityId, 1)
    await turn()
    expect(await unclaimed(facilityId)).toBe(1)
    await deliverer.pass()
    await deliverer.idle()
  }
  expect(received().map(({ headers }) => headers.has("x-slotbase-signature-next"))).toEqual([true, true])
})

test.each([
  ["is switched off", { is_active: false }],
  ["has a rate", { rate_per_second: 5 }],
  ["is ordered", { ordered: true }],
])("nothing is claimed by a turn for a webhook that %s meanwhile", async (_, change) => {
  const { webhook, facilityId } = await aKnownWebhook()
  // The version stays, as if the change had come between the offer and the turn.
  await database.db.begin(async (tx) => {
    await tx`set local session_replication_role = replica`
    await tx`update slotbase.webhooks set ${tx(change)} where id = ${webhook.id}`
  })
  await undispatched(database.db, facilityId, 1)
  await turn()
  expect(await unclaimed(facilityId)).toBe(1)
})

test("nothing is claimed by a turn for a webhook with a pause or a backlog", async () => {
  const { webhook, facilityId } = await aKnownWebhook()
  for (const change of [{ paused_until: new Date(Date.now() + 60_000) }, { catch_up_to: 1 }]) {
    await database.db`
      insert into slotbase.webhook_pace ${database.db({ webhook_id: webhook.id, facility_id: facilityId, ...change })}
      on conflict (webhook_id) do update set paused_until = excluded.paused_until`
    await undispatched(database.db, facilityId, 1)
    await turn()
  }
  expect(await unclaimed(facilityId)).toBe(2)
})

test("a webhook whose last request failed is not offered, until one succeeds", async () => {
  let status = 200
  const inbox = receiver(() => new Response("", { status }))
  const { id: facilityId } = await aFacility(database.db)
  await aWebhook(app, facilityId, { url: inbox.url, retryConfig: { retryDelayMs: 1_000 } })
  await confirmed(database.db, facilityId)
  await deliverer.run()
  status = 500
  await undispatched(database.db, facilityId, 1)
  await turn()
  await deliverer.idle()
  status = 200
  await undispatched(database.db, facilityId, 1)
  await turn()
  expect(await unclaimed(facilityId)).toBe(2)
  await deliverer.run()
  await undispatched(database.db, facilityId, 1)
  await turn()
  expect(await unclaimed(facilityId)).toBe(1)
})

test("while a delivery is suspected of crashing its process, a turn claims nothing", async () => {
  const { facilityId } = await aKnownWebhook()
  const other = await aFacility(database.db)
  await aWebhook(app, other.id, { url: "http://127.0.0.1:9/" })
  await confirmed(database.db, other.id)
  await database.db`update slotbase.delivery_queue set unknowns = 2, attempts = 2, ready_at = slotbase.now() + interval '1 hour' where facility_id = ${other.id}`
  await undispatched(database.db, facilityId, 1)
  await turn()
  expect(await unclaimed(facilityId)).toBe(1)
  await database.db`update slotbase.delivery_queue set unknowns = 0, attempts = 0 where facility_id = ${other.id}`
  await deliverer.run()
  await undispatched(database.db, facilityId, 1)
  await turn()
  expect(await unclaimed(facilityId)).toBe(0)
  await deliverer.idle()
})

test("while an open transaction holds the floor of the dispatcher down, turns go on claiming", async () => {
  const { facilityId } = await aKnownWebhook()
  const [drawn, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const open = database.db.begin(async (tx) => {
    await tx`insert into slotbase.outbox (event_id, facility_id, type) values (${newId()}, ${facilityId}, 'user.created')`
    drawn.resolve()
    await end.promise
    throw new Error("rolled back")
  })
  await drawn.promise
  await database.db`
    update slotbase.outbox_floor set noted_at = '-infinity', watched_at = '-infinity', candidate_xid = pg_current_xact_id()`
  const left: number[] = []
  for (let n = 0; n < 3; n++) {
    await undispatched(database.db, facilityId, 1)
    await turn()
    left.push(await unclaimed(facilityId))
    await deliverer.run()
  }
  end.resolve()
  await open.catch(() => {})
  // The first one watched what holds the floor.
  expect(left).toEqual([1, 0, 0])
})

test("while a suspected run is handled in the process, nothing is offered", async () => {
  const process = actorProcess(await processRow(database.db, true))
  const beside = await aDeliverer(app, { process })
  await onlyAlive(database.db, process.owner())
  const inbox = receiver()
  const { id: facilityId } = await aFacility(database.db)
  await aWebhook(app, facilityId, { url: inbox.url })
  await confirmed(database.db, facilityId)
  await beside.run()
  const offered = async () => {
    const share = await beside.turns.join()
    share.lost()
    return share.offer.webhooks.length
  }
  await process.quarantine.handleRun(async () => expect(await offered()).toBe(0))
  expect(await offered()).toBe(1)
  await beside.drain()
})

test("a process that the others count as expired claims nothing by its turns", async () => {
  const { facilityId } = await aKnownWebhook()
  await onlyAlive(database.db)
  await undispatched(database.db, facilityId, 1)
  await turn()
  expect(await unclaimed(facilityId)).toBe(1)
})

test("events that 180 webhooks want reach each once, and a turn claims its share of them", async () => {
  const inbox = receiver()
  const facilities: string[] = []
  for (let club = 0; club < 3; club++) {
    const { id } = await aFacility(database.db)
    facilities.push(id)
    for (let n = 0; n < 60; n++) await aWebhook(app, id, { url: `${inbox.url}?${club}-${n}` })
  }
  const left = async () => (await Promise.all(facilities.map(unclaimed))).reduce((sum, each) => sum + each, 0)
  const sentToAll = (times: number) =>
    eventually(async () => {
      await deliverer.pass()
      expect(inbox.received).toHaveLength(180 * times)
    })
  for (const id of facilities) await confirmed(database.db, id)
  await deliverer.run()
  await sentToAll(1)
  for (let n = 2; n <= 4; n++) {
    await deliverer.idle()
    for (const id of facilities) await undispatched(database.db, id, 1)
    await turn()
    expect(await left()).toBe(180 - turnLimits.most)
    await sentToAll(n)
  }
  await deliverer.idle()
  const times = Map.groupBy(inbox.received, ({ url }) => url)
  expect([...times.values()].map((each) => each.length)).toEqual(Array.from({ length: 180 }, () => 4))
  expect(await unbalanced(database.db)).toHaveLength(0)
}, 60_000)

test("a subscription that commits in the middle of a turn begins behind the turn's events", async () => {
  const { id: facilityId } = await aFacility(database.db)
  const [eventId] = (await undispatched(database.db, facilityId, 1)) as [string]
  let turning: Promise<unknown> | undefined
  // The turn has looked for subscriptions that begin, and waits for the event's row in the outbox.
  await database.db.begin(async (tx) => {
    await tx`select from slotbase.outbox where event_id = ${eventId} for update`
    turning = dispatchOnce(database.db)
    await eventually(async () => {
      const waiting = await database.db`
        select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query ~ 'slotbase.turn'`
      expect(waiting).toHaveLength(1)
    })
    const input = { name: "Late", events: ["booking.confirmed"], url: "http://127.0.0.1:9/" } as const
    await transact(database.db, context, (tx) => createWebhook(tx, app.secrets, rootCaller, facilityId, input))
    await database.db`insert into slotbase.handlers (handler, event_type) values ('LateHandler', 'booking.confirmed')`
  })
  await turning
  const of = (id: string) => database.db<Record<string, number>[]>`
    select p.webhooks, p.handlers, (select count(*)::integer from slotbase.delivery_queue q where q.event_id = p.event_id) as deliveries,
           (select count(*)::integer from slotbase.handlers h where h.event_type = p.type and h.until_position is null
              and h.from_position <= p.position) as running
    from slotbase.event_positions p where p.event_id = ${id}`
  const [next] = (await undispatched(database.db, facilityId, 1)) as [string]
  await turn()
  const found = [...(await of(eventId)), ...(await of(next))].map((row) => ({ ...row }))
  await database.db`delete from slotbase.handlers where handler = 'LateHandler'`
  expect(found).toEqual([
    { webhooks: 0, handlers: 0, deliveries: 0, running: 0 },
    { webhooks: 1, handlers: 1, deliveries: 1, running: 1 },
  ])
})

test("a stop right after a turn lets its requests end, and burns no attempt", async () => {
  const stopped = await aDeliverer(app)
  await onlyAlive(database.db, stopped.owner)
  const held = Promise.withResolvers<void>()
  let waits = false
  const inbox = receiver(async () => {
    if (waits) await held.promise
    return new Response()
  })
  const { id: facilityId } = await aFacility(database.db)
  await aWebhook(app, facilityId, { url: inbox.url, maxConcurrency: 2 })
  await confirmed(database.db, facilityId)
  await stopped.run()
  waits = true
  await undispatched(database.db, facilityId, 8)
  await dispatchOnce(database.db, stopped.turns.join)
  const draining = stopped.drain()
  held.resolve()
  await draining
  const left = await database.db<{ attempts: number; lease: number | null }[]>`
    select attempts, lease from slotbase.delivery_queue where facility_id = ${facilityId}`
  expect(left.every(({ attempts, lease }) => attempts === 0 && lease === null)).toBe(true)
  expect(left.length + inbox.received.length).toBe(9)
  expect(inbox.received.length).toBeGreaterThan(1)
})
