// Many dead letters at once: by handler, webhook, cause and time; counted before, put back at a rate, each once.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test"
import { GiveUp, type TransactionalHandler } from "#actors/handlers/handler.ts"
import { replays } from "#actors/jobs/replays.ts"
import { runHandler } from "#actors/runs/run-handler.ts"
import { newId } from "#base/ids.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { startReceiver } from "#test/harness/outside/receiver.ts"
import { actorProcess, dispatchAll, processRow, subscribe, unbalanced } from "#test/harness/pipeline/pipeline.ts"
import { aDeliverer, confirmed, type TestDeliverer } from "#test/harness/pipeline/webhooks.ts"
import { slotbase } from "#test/harness/setup/command-line.ts"

let api: TestApi
let deliverer: TestDeliverer
let owner = 0
let status = 200
let broken = false
const inbox = startReceiver(() => new Response("", { status }))

const handler: TransactionalHandler = {
  kind: "transactional",
  name: "FragileHandler",
  events: ["booking.confirmed"],
  handle: async () => {
    if (broken) throw new GiveUp("it is broken", "broken")
    return undefined
  },
}

beforeAll(async () => {
  api = await testApi({ egressAllow: ["127.0.0.0/8"] })
  deliverer = await aDeliverer(api.app)
  owner = await processRow(api.database.db, true)
  await subscribe(api.database.db, handler.name, "booking.confirmed")
  await dispatchAll(api.database.db)
})
afterEach(() => {
  status = 200
  broken = false
})
afterAll(async () => {
  await deliverer?.drain()
  await inbox.stop()
  await api?.database.drop()
})

async function runAll(): Promise<void> {
  const actor = runHandler(api.app, handler, actorProcess(owner))
  while ((await actor.pass(new AbortController().signal)).more) {}
}
async function seconds(count: number): Promise<void> {
  const actor = replays(api.database)
  for (let nth = 0; nth < count; nth++) {
    while ((await actor.pass(new AbortController().signal)).more) {}
    await deliverer.run()
    await runAll()
    await api.database.db`select slotbase.move_clock('1 second')`
  }
  while ((await actor.pass(new AbortController().signal)).more) {}
}

/** A facility with two dead deliveries of a 500 and one of a 404, and with a run that its handler gave up. */
async function aBadDay() {
  const facilityId = await api.facility()
  const at = `/v1/facilities/${facilityId}`
  const body = {
    name: "Board",
    url: inbox.url,
    events: ["booking.confirmed"],
    retryConfig: { maxRetries: 0 },
    retryForHours: 0,
  }
  const webhookId = (await api.call("POST", `${at}/webhooks`, { body })).body.id as string
  const { db } = api.database
  const die = async (answer: number, isBroken: boolean, count = 1) => {
    status = answer
    broken = isBroken
    const events = await confirmed(db, facilityId, count)
    await deliverer.run()
    await runAll()
    return events
  }
  const refused = [...(await die(500, false)), ...(await die(500, false))]
  const lost = await die(404, false)
  const given = await die(200, true)
  status = 200
  broken = false
  const open = async () =>
    (await api.call("GET", `${at}/dead-letters?resolved=false`)).body.data.map(
      ({ eventId }: { eventId: string }) => eventId,
    )
  return {
    ...{ at, facilityId, webhookId, refused, lost, given, open },
    reprocess: (input: object) => api.call("POST", `${at}/dead-letters/reprocess`, { body: input }),
  }
}

test("a preview counts by cause, and puts nothing back", async () => {
  const { reprocess, webhookId, open } = await aBadDay()
  expect((await reprocess({ preview: true })).body).toEqual({
    preview: true,
    matched: 4,
    complete: true,
    byCause: [
      { webhookId, cause: "http_500", count: 2 },
      { handler: "FragileHandler", cause: "broken", count: 1 },
      { webhookId, cause: "http_404", count: 1 },
    ],
  })
  expect((await reprocess({ preview: true, webhookId, cause: "http_404" })).body.matched).toBe(1)
  expect((await reprocess({ preview: true, since: "2200-01-01T00:00:00Z" })).body.matched).toBe(0)
  expect(await open()).toHaveLength(4)
})

test("those of a cause are delivered again, and the others stay", async () => {
  const { at, reprocess, refused, lost, given, open, facilityId } = await aBadDay()
  const before = inbox.received.length
  const begun = await reprocess({ cause: "http_500", ratePerSecond: 1 })
  expect([begun.status, begun.body.kind, begun.body.cause]).toEqual([202, "dead_letters", "http_500"])
  await seconds(3)
  expect(inbox.received.slice(before).map(({ headers }) => headers.get("x-slotbase-event-id"))).toEqual(refused)
  expect(await open()).toEqual([...lost, ...given])
  const replay = (await api.call("GET", `${at}/replays/${begun.body.id}`)).body
  expect(replay).toMatchObject({ status: "completed", queued: 2, skipped: 0 })
  expect((await unbalanced(api.database.db)).length).toBe(0)
  const trail = await api.call("GET", `/v1/facilities/${facilityId}/audit-log?action=dead_letter.reprocess_begun`)
  expect(trail.body.data[0].after).toMatchObject({ cause: "http_500", ratePerSecond: 1 })
})

test("runs of a handler go back to work, and one that dies again is open again, once", async () => {
  const { at, reprocess, given, refused, lost, open } = await aBadDay()
  broken = true
  const { id } = (await reprocess({ handler: "FragileHandler" })).body
  await seconds(2)
  expect(await open()).toEqual([...refused, ...lost, ...given])
  expect((await api.call("GET", `${at}/replays/${id}`)).body).toMatchObject({ status: "completed", queued: 1 })
  broken = false
  await reprocess({ handler: "FragileHandler" })
  await seconds(2)
  expect(await open()).toEqual([...refused, ...lost])
  expect((await unbalanced(api.database.db)).length).toBe(0)
})

test("what cannot be put back stays open and is counted as skipped", async () => {
  const { at, reprocess, refused, open } = await aBadDay()
  await api.database.db`delete from slotbase.events where id = ${refused[0] ?? ""}`
  const { id } = (await reprocess({ cause: "http_500" })).body
  await seconds(2)
  expect((await api.call("GET", `${at}/replays/${id}`)).body).toMatchObject({ queued: 1, skipped: 1 })
  expect((await open())[0]).toBe(refused[0])
})

test("one facility reaches only its own; the platform reaches all", async () => {
  const [mine, other] = [await aBadDay(), await aBadDay()]
  await mine.reprocess({})
  await seconds(3)
  expect([(await mine.open()).length, (await other.open()).length]).toEqual([0, 4])
  const begun = await api.call("POST", "/v1/dead-letters/reprocess", { body: { webhookId: other.webhookId } })
  expect(begun.status).toBe(202)
  await seconds(3)
  expect(await other.open()).toEqual(other.given)
  expect((await api.call("GET", `/v1/replays/${begun.body.id}`)).body.queued).toBe(3)
})

test("refuses what contradicts itself", async () => {
  const at = `/v1/facilities/${await api.facility()}`
  for (const body of [
    { handler: "A", webhookId: newId() },
    { since: "2030-01-02T00:00:00Z", until: "2030-01-01T00:00:00Z" },
    { cause: "" },
    { ratePerSecond: 0 },
    { causes: ["x"] },
  ])
    expect((await api.call("POST", `${at}/dead-letters/reprocess`, { body })).status).toBe(422)
})

test("the command line counts them, and puts back those of a cause", async () => {
  const { facilityId, open, refused, lost, given } = await aBadDay()
  const { url } = api.database
  const of = `--facility=${facilityId}`
  const listed = await slotbase(url, "dead-letters", of)
  expect([listed.code, listed.output.split("\n").at(-2)]).toEqual([0, "4 open dead letters."])
  expect((await slotbase(url, "dead-letters", "reprocess", of, "--cause=http_404", "--preview")).output).toContain(
    "1 open dead letters.",
  )
  expect(await open()).toHaveLength(4)
  expect((await slotbase(url, "dead-letters", "reprocess", of, "--cause=http_404")).output).toContain("Begun: replay ")
  await seconds(2)
  expect(await open()).toEqual([...refused, ...given])
  expect(lost).toHaveLength(1)
  expect((await slotbase(url, "dead-letters", "reprocess", "--rate=0")).code).toBe(2)
  expect((await slotbase(url, "dead-letters", "forget")).code).toBe(2)
})
