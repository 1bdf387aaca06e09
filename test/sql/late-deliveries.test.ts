// late_events for deliveries: the blocker of each delivery that waits too long.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { connect, type Db } from "#base/database/db.ts"
import { example } from "#events/example.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { emptyPipeline, lateEvents, lockOf, moveOn, pidOf } from "#test/harness/pipeline/late.ts"
import { aWebhook, dispatchAll, processRow, recordMany } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let db: Db
let webhook: string

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  await aFacility(db, { id: example.facilityId })
})

afterAll(() => database.drop())

describe("a delivery", () => {
  beforeEach(async () => {
    await emptyPipeline(db)
    webhook = await aWebhook(db, "booking.confirmed")
    await recordMany(db, 1)
    await dispatchAll(db)
    await later()
  })

  const states: [string, string, () => Promise<unknown>][] = [
    ["paused", "its webhook is paused", () => db`update slotbase.webhooks set is_active = false`],
    [
      "disabled",
      "the receiver answered 410 Gone",
      () => db`update slotbase.webhooks set is_active = false, disabled_reason = 'the receiver answered 410 Gone'`,
    ],
    [
      "webhook_deleted",
      "its webhook was deleted",
      () => db`update slotbase.webhooks set deleted_at = slotbase.now(), deleted_by = created_by`,
    ],
    [
      "retry",
      "attempt 1 failed: The receiver answered 500.",
      () => db`
        update slotbase.delivery_queue set attempts = 1, failures = 1, ready_at = slotbase.now() + interval '1 hour',
          errors = '[{"error": {"message": "The receiver answered 500."}}]'`,
    ],
    ["no_process", "no process with actors is alive: start one with SLOTBASE_ROLE=all or actors", async () => {}],
    ["backlog", "0 late before it; nothing holds it", () => processRow(db, true)],
  ]
  test.each(states)("%s", async (blocker, detail, make) => {
    await make()
    expect(await late()).toMatchObject([{ kind: "delivery", webhook_id: webhook, blocker, detail }])
  })

  test("waits for an endpoint whose breaker is open in a live process", async () => {
    const [alive, dead] = [await processRow(db, true), await processRow(db, false)]
    const open = (process: number, probe: string) => db`
      insert into slotbase.webhook_breakers (webhook_id, process, facility_id, failures, error, opened_at, probe_at)
      values (${webhook}, ${process}, ${example.facilityId}, 7, 'refused', slotbase.now(), slotbase.now() + ${probe}::text::interval)`
    await open(dead, "1 hour")
    expect(await late()).toMatchObject([{ blocker: "backlog", until: null }])
    await open(alive, "30 seconds")
    const [row] = await late()
    expect(row).toMatchObject({
      blocker: "breaker_open",
      detail: "its webhook failed 7 times in a row (refused): it is asked again with one request at a time",
    })
    expect(row?.until).toBeInstanceOf(Date)
    await db`update slotbase.delivery_queue set attempts = 1, failures = 1, ready_at = slotbase.now() + interval '1 hour'`
    expect(await late()).toMatchObject([{ blocker: "retry" }])
  })

  test("waits for the job webhook-retry, for its predecessor, or for the end of a pause", async () => {
    await processRow(db, true)
    await db`
      update slotbase.delivery_queue set attempts = 6, failures = 6, ready_at = slotbase.now(), waits_for = 'job',
        errors = '[{"error": {"message": "The receiver answered 500."}}]'`
    expect(await late()).toMatchObject([
      {
        blocker: "retry_job",
        detail:
          "attempt 6 failed: The receiver answered 500.; the job webhook-retry goes on with it, a few at a time until one succeeds",
      },
    ])
    await db`update slotbase.delivery_queue set attempts = 0, failures = 0, ready_at = null, waits_for = 'predecessor'`
    expect(await late()).toMatchObject([
      {
        blocker: "predecessor",
        detail: "its webhook is ordered: an earlier delivery of the same aggregate is not finished",
      },
    ])
    await db`update slotbase.delivery_queue set waits_for = null`
    await db`
      insert into slotbase.webhook_pace (webhook_id, facility_id, paused_until, pause_status)
      values (${webhook}, ${example.facilityId}, slotbase.now() + interval '20 seconds', 429)
      on conflict (webhook_id) do update set paused_until = excluded.paused_until, pause_status = excluded.pause_status`
    const [row] = await late()
    expect(row).toMatchObject({
      blocker: "endpoint_pause",
      detail: "its receiver answered 429 and asked for a pause (Retry-After)",
    })
    expect(row?.until).toBeInstanceOf(Date)
  })

  test("is being sent by a live process, or was abandoned by an expired one; another one waits for its turn", async () => {
    const [alive, dead] = [await processRow(db, true), await processRow(db, false)]
    const [{ most }] = await db<[{ most: number }]>`select max_concurrency as most from slotbase.webhooks`
    await recordMany(db, 1)
    await dispatchAll(db)
    await later()
    await claimedBy(alive)
    expect(await late()).toMatchObject([
      { blocker: "running", process: alive },
      {
        blocker: "endpoint_busy",
        detail: `1 requests to its webhook are under way; it gets more as it answers (at most ${most})`,
      },
    ])
    await claimedBy(dead)
    expect(await late()).toMatchObject([{ blocker: "process_dead", process: dead }, { blocker: "backlog" }])
  })

  test("that is being sent while a session of SlotBase waits for a lock names the session that holds it", async () => {
    await claimedBy(await processRow(db, true))
    const clerk = connect(database.url, { max: 1, applicationName: "a clerk" })
    let waiting: Promise<unknown> = Promise.resolve()
    await clerk.begin(async (tx) => {
      await tx`select from slotbase.facilities for update`
      const pid = await pidOf(tx)
      waiting = db`select from slotbase.facilities for update`.execute()
      await eventually(async () => {
        const [row] = await late()
        expect(row).toMatchObject({ blocker: "running", pid })
        expect(row?.detail).toMatch(lockOf(`session ${pid} \\(a clerk, [^)]*\\)`))
      })
    })
    await waiting
    await clerk.end()
  })

  const claimedBy = (owner: number) => db`
    update slotbase.delivery_queue set lease = 1, owner = ${owner}, started_at = slotbase.now() where position = 1`
})

const late = () => lateEvents(db)
const later = (by?: string) => moveOn(db, by)
