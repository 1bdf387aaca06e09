// Deliveries that have ended are settled by the next turn of the dispatcher, in its own statement. Here nothing else
// settles them: the settler's own statements are refused, as while the database is away.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { join } from "node:path"
import { dispatchOnce } from "#actors/dispatch/dispatcher.ts"
import type { CrashPoint } from "#base/crash-points.ts"
import { connect, type Db } from "#base/database/db.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { startCuttingProxy } from "#test/harness/outside/cutting-proxy.ts"
import { type Receiver, startReceiver } from "#test/harness/outside/receiver.ts"
import { onlyAlive, unbalanced } from "#test/harness/pipeline/pipeline.ts"
import {
  aDeliverer,
  aWebhook,
  confirmed,
  refusingSettlements,
  type TestDeliverer,
  undispatched,
} from "#test/harness/pipeline/webhooks.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

const project = join(import.meta.dir, "../../..")

let database: TestDatabase
let db: Db
let refusing: ReturnType<typeof refusingSettlements>
let deliverer: TestDeliverer
let inbox: Receiver
let facilityId: string

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
})
beforeEach(async () => {
  refusing = refusingSettlements(db)
  inbox = startReceiver()
  deliverer = await aDeliverer(testApp(refusing.db, { egressAllow: ["127.0.0.0/8"] }))
  await onlyAlive(db, deliverer.owner)
  facilityId = (await aFacility(db)).id
  await aWebhook(testApp(db), facilityId, { url: inbox.url })
  await confirmed(db, facilityId)
  await deliverer.run()
})
afterAll(() => database?.drop())

const end = async (of: TestDeliverer = deliverer) => {
  refusing.open()
  await of.drain()
  await inbox.stop()
}

/** Sends the next event, and waits until its end cannot be settled. */
async function anEndThatWaits(): Promise<string> {
  refusing.close()
  const [eventId] = (await undispatched(db, facilityId, 1)) as [string]
  await dispatchOnce(db, deliverer.turns.join)
  await eventually(async () => expect(refusing.refused()).toBeGreaterThan(0))
  return eventId
}

const historyOf = async (eventId: string) => {
  const rows = await db<{ status: string; attempts: number; outcome: string }[]>`
    select h.status, h.attempts, a.outcome from slotbase.delivery_history h
    join slotbase.attempt_history a on a.event_id = h.event_id and a.delivery_id = h.delivery_id where h.event_id = ${eventId}`
  return rows.map((row) => ({ ...row }))
}
const once = [{ status: "delivered", attempts: 1, outcome: "delivered" }]

test("an end that waits is settled by the next turn, in the transaction that claims the next delivery", async () => {
  const eventId = await anEndThatWaits()
  expect(await historyOf(eventId)).toEqual([])
  const [next] = (await undispatched(db, facilityId, 1)) as [string]
  await dispatchOnce(db, deliverer.turns.join)
  expect(await historyOf(eventId)).toEqual(once)
  const [same] = await db`
    select (select xmin::text from slotbase.delivery_history where event_id = ${eventId})
         = (select xmin::text from slotbase.event_positions where event_id = ${next}) as same`
  expect(same).toEqual({ same: true })
  refusing.open()
  await deliverer.idle()
  expect(await historyOf(next)).toEqual(once)
  expect(inbox.received).toHaveLength(3)
  expect(await unbalanced(db)).toHaveLength(0)
  await end()
})

test("a turn that finds no event settles it too, and its place is free again", async () => {
  const eventId = await anEndThatWaits()
  await dispatchOnce(db, deliverer.turns.join)
  await deliverer.idle()
  expect(await historyOf(eventId)).toEqual(once)
  await end()
})

test("a turn that fails settles nothing, and the settler does it", async () => {
  const eventId = await anEndThatWaits()
  const share = await deliverer.turns.join()
  expect(share.offer.ends).toBeDefined()
  share.lost()
  expect(await historyOf(eventId)).toEqual([])
  refusing.open()
  await eventually(async () => expect(await historyOf(eventId)).toEqual(once))
  await end()
})

test("while a turn that was lent it has no answer, the settler settles it; the turn comes late and changes nothing", async () => {
  const eventId = await anEndThatWaits()
  const share = await deliverer.turns.join()
  refusing.open()
  await deliverer.idle()
  expect(await historyOf(eventId)).toEqual(once)
  await dispatchOnce(db, async () => share)
  expect(await historyOf(eventId)).toEqual(once)
  const [row] = await db`select count(*) from slotbase.delivery_queue where facility_id = ${facilityId}`
  expect(row).toEqual({ count: 0 })
  await end()
})

test("a turn whose answer is lost has settled it, and the settler finds that", async () => {
  const eventId = await anEndThatWaits()
  const share = await deliverer.turns.join()
  const dry = await startCuttingProxy(database.url)
  const dryDb = connect(dry.url, { max: 1, applicationName: "slotbase test" })
  await dispatchOnce(dryDb)
  const before = dry.messages().lastIndexOf("D")
  await dryDb.end()
  dry.stop()
  const proxy = await startCuttingProxy(database.url, { after: before })
  const cut = connect(proxy.url, { max: 1, applicationName: "slotbase test" })
  expect(await dispatchOnce(cut, async () => share).catch((error: Error) => error)).toBeInstanceOf(Error)
  await eventually(async () => expect(await historyOf(eventId)).toEqual(once))
  refusing.open()
  await deliverer.idle()
  expect(await historyOf(eventId)).toEqual(once)
  await cut.end()
  proxy.stop()
  await end()
})

test("a turn does not wait for a session that holds the row, and dispatches", async () => {
  const eventId = await anEndThatWaits()
  const [held, free] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const holding = db.begin(async (tx) => {
    await tx`select from slotbase.delivery_queue where event_id = ${eventId} for update`
    held.resolve()
    await free.promise
  })
  await held.promise
  const [next] = (await undispatched(db, facilityId, 1)) as [string]
  await dispatchOnce(db, deliverer.turns.join)
  expect(await db`select from slotbase.event_positions where event_id = ${next}`).toHaveLength(1)
  expect(await historyOf(eventId)).toEqual([])
  free.resolve()
  await holding
  refusing.open()
  await deliverer.idle()
  expect(await historyOf(eventId)).toEqual(once)
  await end()
})

test.each([
  ["before-dispatch", ["delivered", "unknown"]],
  ["after-dispatch", ["delivered"]],
] as const)(
  "killed at %s of a turn that settles it, the delivery is never lost, and repeated only with its unknown attempt",
  async (point, outcomes) => {
    await deliverer.drain()
    expect(await killedAt(point)).toBe("SIGKILL")
    await onlyAlive(db)
    const heir = await aDeliverer(testApp(db, { egressAllow: ["127.0.0.0/8"] }))
    await onlyAlive(db, heir.owner)
    await eventually(async () => {
      await heir.run()
      expect(await db`select from slotbase.delivery_queue where facility_id = ${facilityId}`).toHaveLength(0)
    })
    const attempts = await db<{ outcome: string }[]>`
      select a.outcome from slotbase.webhook_attempts a join slotbase.event_positions p on p.event_id = a.event_id
      where p.position = (select max(position) from slotbase.event_positions)`
    expect(attempts.map(({ outcome }) => outcome).sort()).toEqual([...outcomes])
    expect(await unbalanced(db)).toHaveLength(0)
    await heir.drain()
    await inbox.stop()
  },
  30_000,
)

/** A process that has the end of a delivery, and is killed at a point of the turn that settles it. */
async function killedAt(point: CrashPoint): Promise<number | string | null> {
  const program = `
    import { dispatchOnce } from "./actors/dispatch/dispatcher.ts"
    import { arm } from "./src/base/crash-points.ts"
    import { connect } from "./src/base/database/db.ts"
    import { aDeliverer, confirmed, refusingSettlements, undispatched } from "./test/harness/pipeline/webhooks.ts"
    import { testApp } from "./test/harness/setup/app.ts"
    const db = connect(${JSON.stringify(database.url)}, { max: 3, applicationName: "to be killed" })
    const refusing = refusingSettlements(db)
    const deliverer = await aDeliverer(testApp(refusing.db, { egressAllow: ["127.0.0.0/8"] }))
    await confirmed(db, ${JSON.stringify(facilityId)})
    await deliverer.run()
    await undispatched(db, ${JSON.stringify(facilityId)}, 1)
    refusing.close()
    await dispatchOnce(db, deliverer.turns.join)
    while (refusing.refused() === 0) await Bun.sleep(1)
    arm([{ point: ${JSON.stringify(point)}, nth: 1 }])
    await dispatchOnce(db, deliverer.turns.join)
    process.kill(process.pid, "SIGKILL")`
  const child = Bun.spawn([process.execPath, "-e", program], { cwd: project, stdout: "inherit", stderr: "inherit" })
  await child.exited
  return child.signalCode ?? child.exitCode
}
