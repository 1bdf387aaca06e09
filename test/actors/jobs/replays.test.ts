// Any process works replays off, and one that is killed in the middle of a batch repeats and skips nothing.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import { replays } from "#actors/jobs/replays.ts"
import { type Arming, replayPoints } from "#base/crash-points.ts"
import { transact } from "#events/outbox.ts"
import { maxWaiting } from "#outbound/webhooks/replays/batch.ts"
import { beginReplay } from "#outbound/webhooks/replays/replays.ts"
import { readReplay } from "#outbound/webhooks/replays/rows.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { context } from "#test/harness/pipeline/pipeline.ts"
import { aWebhook, confirmed, rootCaller } from "#test/harness/pipeline/webhooks.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

const project = join(import.meta.dir, "../../..")
let database: TestDatabase
let app: ReturnType<typeof testApp>

beforeAll(async () => {
  database = await testDatabase()
  app = testApp(database.db, { egressAllow: ["127.0.0.0/8"] })
})
afterAll(() => database?.drop())

/** A webhook that has got so many events. */
async function sentBefore(count: number) {
  const { db } = database
  const facility = await aFacility(db)
  const webhook = await aWebhook(app, facility.id, { url: "http://127.0.0.1:9/hook" })
  await confirmed(db, facility.id, count)
  await db`
    with gone as (delete from slotbase.delivery_queue where webhook_id = ${webhook.id} returning *)
    insert into slotbase.delivery_history
      (webhook_id, event_id, replay, facility_id, position, delivery_id, sequence, status, attempts, settled_at)
    select webhook_id, event_id, replay, facility_id, position, delivery_id, sequence, 'delivered', 1, slotbase.now()
    from gone`
  const begin = async (ratePerSecond: number) =>
    (await transact(db, context, (tx) => beginReplay(tx, rootCaller, facility.id, webhook.id, { ratePerSecond })))
      .result
  const queued = () => db<{ position: number; sequence: number }[]>`
    select position, sequence from slotbase.delivery_queue
    where webhook_id = ${webhook.id} and replay > 0 order by position`
  return { facility, webhook, begin, queued, read: (id: string) => readReplay(db, facility.id, id) }
}

async function workHere(): Promise<void> {
  const actor = replays(database)
  while ((await actor.pass(new AbortController().signal)).more) {}
}

/** One process that works off what is due; returns how it ended. */
async function workElsewhere(armings: readonly Arming[]): Promise<number | string | null> {
  const program = `
    import { replays } from "./actors/jobs/replays.ts"
    import { arm } from "./src/base/crash-points.ts"
    import { connect } from "./src/base/database/db.ts"
    arm(${JSON.stringify(armings)})
    const db = connect(${JSON.stringify(database.url)}, { max: 1, applicationName: "replays elsewhere" })
    const { pass } = replays({ db })
    while ((await pass(new AbortController().signal)).more);
    await db.end()`
  const child = Bun.spawn([process.execPath, "-e", program], { cwd: project, stdout: "inherit", stderr: "inherit" })
  await child.exited
  return child.signalCode ?? child.exitCode
}

test("a process that is killed at any step of a batch repeats none and skips none", async () => {
  const { begin, queued, read } = await sentBefore(40)
  const { id } = await begin(5)
  for (const point of replayPoints) {
    expect([point, await workElsewhere([{ point, nth: 1 }])]).toEqual([point, "SIGKILL"])
    await database.db`select slotbase.move_clock('2 seconds')`
  }
  // The first process lost its batch, the second one committed it.
  expect([(await queued()).length, (await read(id)).queued]).toEqual([10, 10])
  for (let nth = 0; nth < 5; nth++) {
    await workHere()
    await database.db`select slotbase.move_clock('2 seconds')`
  }
  expect((await queued()).map(({ sequence }) => sequence)).toEqual(Array.from({ length: 40 }, (_, nth) => nth + 1))
  expect(await read(id)).toMatchObject({ status: "sending", queued: 40, unfinished: 40, delivered: 0 })
})

test("two processes that work at once make each batch once", async () => {
  const { begin, queued, read } = await sentBefore(30)
  const { id } = await begin(1000)
  await Promise.all([workHere(), workHere(), workHere()])
  expect((await queued()).map(({ sequence }) => sequence)).toEqual(Array.from({ length: 30 }, (_, nth) => nth + 1))
  expect((await read(id)).queued).toBe(30)
})

test("while the receiver is away, no more than a bounded number waits in the queue", async () => {
  const { begin, queued, read } = await sentBefore(maxWaiting + 700)
  const { id } = await begin(1000)
  for (let nth = 0; nth < 6; nth++) {
    await workHere()
    await database.db`select slotbase.move_clock('2 seconds')`
  }
  expect([(await queued()).length, (await read(id)).status]).toEqual([maxWaiting, "running"])
  await database.db`delete from slotbase.delivery_queue where replay > 0`
  await workHere()
  await database.db`select slotbase.move_clock('2 seconds')`
  await workHere()
  expect([(await queued()).length, (await read(id)).status]).toEqual([700, "sending"])
})
