// Turns under faults: answers that are lost or late, several processes, and crashes between the turn and its requests.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import fc from "fast-check"
import { dispatchOnce } from "#actors/dispatch/dispatcher.ts"
import { connect, type Db } from "#base/database/db.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { startCuttingProxy } from "#test/harness/outside/cutting-proxy.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"
import { dispatchAll, onlyAlive, unbalanced } from "#test/harness/pipeline/pipeline.ts"
import { aDeliverer, aWebhook, confirmed, type TestDeliverer, undispatched } from "#test/harness/pipeline/webhooks.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let app: ReturnType<typeof testApp>
const project = join(import.meta.dir, "../../..")

beforeAll(async () => {
  database = await testDatabase()
  app = testApp(database.db, { egressAllow: ["127.0.0.0/8"] })
})
afterAll(() => database?.drop())

const attemptsOf = async (eventId: string) => [
  ...(await database.db<{ attempt: number; outcome: string }[]>`
    select attempt, outcome from slotbase.webhook_attempts where event_id = ${eventId} order by attempt`),
]

/** Passes until the receiver has got as many requests; answers how long that took, milliseconds. */
async function passUntil(deliverers: readonly TestDeliverer[], arrived: () => number, wanted: number): Promise<number> {
  const began = performance.now()
  await eventually(
    async () => {
      for (const deliverer of deliverers) await deliverer.pass()
      expect(arrived()).toBe(wanted)
    },
    { withinMs: 40_000 },
  )
  return performance.now() - began
}

test("a turn whose answer is cut off after its commit is given back, counts no attempt, and is sent once", async () => {
  const deliverer = await aDeliverer(app)
  await onlyAlive(database.db, deliverer.owner)
  const inbox = startReceiver()
  const { id: facilityId } = await aFacility(database.db)
  await aWebhook(app, facilityId, { url: inbox.url })
  await confirmed(database.db, facilityId)
  await deliverer.run()

  // The server's messages on a new connection, until the row of the answer.
  const dry = await startCuttingProxy(database.url)
  const dryDb = connect(dry.url, { max: 1, applicationName: "slotbase test" })
  await dispatchOnce(dryDb)
  const before = dry.messages().lastIndexOf("D")
  await dryDb.end()
  dry.stop()

  const [eventId] = (await undispatched(database.db, facilityId, 1)) as [string]
  const proxy = await startCuttingProxy(database.url, { after: before })
  const cut = connect(proxy.url, { max: 1, applicationName: "slotbase test" })
  expect(await dispatchOnce(cut, deliverer.turns.join).catch((error: Error) => error)).toBeInstanceOf(Error)
  await eventually(async () => {
    const [row] = await database.db<
      { owner: number }[]
    >`select owner from slotbase.delivery_queue where event_id = ${eventId}`
    expect(row?.owner).toBe(deliverer.owner)
  })
  expect(inbox.received).toHaveLength(1)
  expect(await passUntil([deliverer], () => inbox.received.length, 2)).toBeLessThan(5_000)
  await deliverer.idle()
  expect(await attemptsOf(eventId)).toEqual([{ attempt: 1, outcome: "delivered" }])
  await deliverer.drain()
  await cut.end()
  proxy.stop()
  await inbox.stop()
}, 20_000)

/** Queries run at once, and the answers of those that contain the text are held back. */
function holding(text: string) {
  let gate: PromiseWithResolvers<void> | undefined
  const db = Object.assign((strings: TemplateStringsArray, ...values: never[]) => {
    const query = database.db(strings, ...values)
    const until = gate
    if (until === undefined || !Array.isArray(strings) || !strings.join("").includes(text)) return query
    const answered = query.then((rows) => rows)
    return until.promise.then(() => answered)
  }, database.db) as unknown as Db
  return {
    db,
    close: () => {
      gate = Promise.withResolvers<void>()
    },
    open: () => {
      gate?.resolve()
      gate = undefined
    },
  }
}

/** Until the server has taken in what was sent. */
const aMoment = () => database.db`select pg_sleep(0.002)`

const order = fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4, maxLength: 4 })

test("whatever the order of turns, looks and answers of two processes is, nothing waits longer than two scans", async () => {
  const inbox = startReceiver()
  const { id: facilityId } = await aFacility(database.db)
  await aWebhook(app, facilityId, { url: inbox.url })
  const looks = [holding("tail as materialized"), holding("tail as materialized")] as const
  const turns = [holding("slotbase.turn("), holding("slotbase.turn(")] as const
  const processes = [
    await aDeliverer({ ...app, db: looks[0].db }),
    await aDeliverer({ ...app, db: looks[1].db }),
  ] as const
  await onlyAlive(database.db, processes[0].owner, processes[1].owner)
  let sent = 0
  const arrived = () => inbox.received.length
  // Each process knows the webhook, and has answers of its own.
  for (const process of processes) {
    await confirmed(database.db, facilityId, 2)
    sent += 2
    await process.run()
    await passUntil(processes, arrived, sent)
  }
  const turnOf = (nth: 0 | 1) => async () => {
    await undispatched(database.db, facilityId, 1)
    sent++
    await dispatchOnce(turns[nth].db, processes[nth].turns.join)
  }
  const steps = [turnOf(0), turnOf(1), () => processes[0].pass(), () => processes[1].pass()]
  const gates = [turns[0], turns[1], looks[0], looks[1]]

  await fc.assert(
    fc.asyncProperty(order, order, async (begin, answer) => {
      for (const gate of gates) gate.close()
      // Dispatched by a third process, so that an older delivery is heard of and not claimed.
      await undispatched(database.db, facilityId, 1)
      await dispatchAll(database.db)
      sent++
      const under: Promise<unknown>[] = []
      for (const nth of begin) {
        under.push((steps[nth] as () => Promise<unknown>)())
        await aMoment()
      }
      for (const nth of answer) {
        gates[nth]?.open()
        await aMoment()
      }
      await Promise.all(under)
      expect(await passUntil(processes, arrived, sent)).toBeLessThan(4_000)
    }),
    { numRuns: 60 },
  )
  for (const process of processes) await process.drain()
  await inbox.stop()
  expect(new Set(inbox.received.map(({ headers }) => headers.get("x-slotbase-event-id"))).size).toBe(sent)
  expect(await unbalanced(database.db)).toHaveLength(0)
}, 120_000)

test("two processes that take turns never have more requests under way than the webhook allows", async () => {
  let [underWay, most] = [0, 0]
  const inbox = startReceiver(async () => {
    most = Math.max(most, ++underWay)
    await database.db`select pg_sleep(0.01)`
    underWay--
    return new Response()
  })
  const { id: facilityId } = await aFacility(database.db)
  await aWebhook(app, facilityId, { url: inbox.url, maxConcurrency: 3 })
  const processes = [await aDeliverer(app), await aDeliverer(app)]
  await onlyAlive(database.db, ...processes.map(({ owner }) => owner))
  // Long since joined: the shares are final.
  await database.db`update slotbase.processes set joined_at = clock_timestamp() - interval '1 minute'`
  const arrived = () => inbox.received.length
  let sent = 0
  for (const process of processes) {
    await confirmed(database.db, facilityId, 4)
    sent += 4
    await process.run()
    await passUntil(processes, arrived, sent)
  }
  for (let round = 0; round < 30; round++) {
    for (const process of processes) {
      await undispatched(database.db, facilityId, 3)
      await dispatchOnce(database.db, process.turns.join)
      sent += 3
    }
    await passUntil(processes, arrived, sent)
  }
  for (const process of processes) await process.drain()
  await inbox.stop()
  expect(most).toBe(3)
  expect(await unbalanced(database.db)).toHaveLength(0)
}, 120_000)

test("killed between a turn and its requests, then twice more: the third time one delivery is alone, and its neighbours arrive", async () => {
  const inbox = startReceiver()
  const { id: facilityId } = await aFacility(database.db)
  const webhook = await aWebhook(app, facilityId, { url: inbox.url, maxConcurrency: 10 })
  await confirmed(database.db, facilityId)
  await onlyAlive(database.db)
  await undispatched(database.db, facilityId, 6)
  const abandoned = async () => {
    await onlyAlive(database.db)
    const rows = await database.db<{ unknowns: number; leased: boolean }[]>`
      select unknowns, lease is not null as leased from slotbase.delivery_queue where webhook_id = ${webhook.id} order by position`
    return rows.map(({ unknowns, leased }) => `${unknowns}${leased ? " held" : ""}`)
  }
  expect(await killed("turn")).toBe("SIGKILL")
  const held = await abandoned()
  expect(held.filter((each) => each === "0 held").length).toBeGreaterThan(1)
  expect(held).toHaveLength(6)
  expect(await killed("claim")).toBe("SIGKILL")
  expect((await abandoned()).filter((each) => each.startsWith("1")).length).toBeGreaterThan(1)
  expect(await killed("claim")).toBe("SIGKILL")
  expect((await abandoned()).filter((each) => each === "2 held")).toHaveLength(1)

  const heir = await aDeliverer(app)
  await onlyAlive(database.db, heir.owner)
  await eventually(
    async () => {
      await heir.run()
      expect(await database.db`select from slotbase.delivery_queue where webhook_id = ${webhook.id}`).toHaveLength(0)
    },
    { withinMs: 20_000 },
  )
  await heir.drain()
  const letters = await database.db`select from slotbase.dead_letters where webhook_id = ${webhook.id}`
  expect([letters.length, inbox.received.length]).toEqual([1, 6])
  await inbox.stop()
}, 120_000)

/** A process that is killed when the attempts are written: by a turn, or by an ordinary claim. */
async function killed(by: "turn" | "claim"): Promise<number | string | null> {
  const program = `
    import { dispatchOnce } from "./actors/dispatch/dispatcher.ts"
    import { arm } from "./src/base/crash-points.ts"
    import { connect } from "./src/base/database/db.ts"
    import { aDeliverer } from "./test/harness/pipeline/webhooks.ts"
    import { testApp } from "./test/harness/setup/app.ts"
    const db = connect(${JSON.stringify(database.url)}, { max: 3, applicationName: "to be killed" })
    const deliverer = await aDeliverer(testApp(db, { egressAllow: ["127.0.0.0/8"] }))
    if (${JSON.stringify(by)} === "turn") {
      await deliverer.run()
      arm([{ point: "attempts-written", nth: 1 }])
      await dispatchOnce(db, deliverer.turns.join)
    } else {
      arm([{ point: "attempts-written", nth: 1 }])
      for (let n = 0; n < 20; n++) await deliverer.run()
    }
    process.exit(0)`
  const child = Bun.spawn([process.execPath, "-e", program], { cwd: project, stdout: "inherit", stderr: "inherit" })
  await child.exited
  return child.signalCode ?? child.exitCode
}
