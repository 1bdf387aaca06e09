// late_events: the blocker of everything that waits too long. The view reads only unfinished work.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { connect, type Db } from "#base/database/db.ts"
import { example } from "#events/example.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { emptyPipeline, lateEvents, lockOf, moveOn, pidOf } from "#test/harness/pipeline/late.ts"
import { aWebhook, dispatchAll, processRow, recordMany, subscribe } from "#test/harness/pipeline/pipeline.ts"
import { queueAll } from "#test/harness/pipeline/runs.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let db: Db

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  await aFacility(db, { id: example.facilityId })
})

beforeEach(async () => {
  await emptyPipeline(db)
  await subscribe(db, "AnalyticsHandler", "booking.confirmed")
  await aWebhook(db, "booking.confirmed")
})

afterAll(() => database.drop())

test("nothing is late before its time", async () => {
  await recordMany(db, 2)
  await dispatchAll(db)
  await recordMany(db, 1)
  expect(await late()).toEqual([])
  await db`update slotbase.settings set late_after = '1 microsecond'`
  expect((await late()).map(({ kind }) => kind).sort()).toEqual(["delivery", "delivery", "event", "run", "run"])
})

describe("an event that is not dispatched", () => {
  test("waits for a process, when none is alive", async () => {
    await processRow(db, false)
    const [id] = await recordMany(db, 1)
    await later()
    expect(await late()).toMatchObject([
      {
        event_id: id,
        type: "booking.confirmed",
        position: null,
        kind: "event",
        blocker: "no_process",
        detail: "no process with actors is alive: start one with SLOTBASE_ROLE=all or actors",
      },
    ])
  })

  test("names the session that holds the sequencer, and the session that blocks that one", async () => {
    await processRow(db, true)
    await recordMany(db, 1)
    await db`update slotbase.settings set late_after = '1 microsecond'`
    const [holder, root] = [1, 2].map((n) =>
      connect(database.url, { max: 1, applicationName: `slotbase test holder ${n}` }),
    ) as [Db, Db]
    await holder.begin(async (tx) => {
      const pid = await pidOf(tx)
      await tx`select pg_advisory_xact_lock(hashtext('slotbase'), hashtext('dispatch'))`
      const [row] = await late()
      expect(row).toMatchObject({ kind: "event", blocker: "sequencer_held", pid })
      expect(row?.detail).toStartWith(
        `the sequencer is held by session ${pid} (slotbase test holder 1, idle in transaction`,
      )
      let waiting: Promise<unknown> = Promise.resolve()
      await root.begin(async (other) => {
        await other`select from slotbase.facilities for update`
        const rootPid = await pidOf(other)
        waiting = tx`select from slotbase.facilities for update`.execute()
        await eventually(async () => expect(await late()).toMatchObject([{ blocker: "sequencer_held", pid: rootPid }]))
      })
      await waiting
    })
    await Promise.all([holder.end(), root.end()])
  })

  test("is not held by a pass that has just begun: passes work through a backlog one after the other", async () => {
    await processRow(db, true)
    await recordMany(db, 1)
    await later()
    const busy = connect(database.url, { max: 1, applicationName: "slotbase test pass" })
    // On a slow machine a single pass may last too long.
    await eventually(() =>
      busy.begin(async (tx) => {
        await tx`select pg_advisory_xact_lock(hashtext('slotbase'), hashtext('dispatch'))`
        expect(await late()).toMatchObject([
          { blocker: "backlog", detail: "0 late before it; nothing holds it", pid: null },
        ])
      }),
    )
    await busy.end()
  })

  test("waits for its check when SQL recorded it, and so does everything behind it", async () => {
    await processRow(db, true)
    const ids = await recordMany(db, 3)
    await db`update slotbase.outbox set unchecked = true where event_id = ${ids[1] as string}`
    await later()
    expect((await late()).map(({ blocker }) => blocker).sort()).toEqual(["backlog", "behind_unchecked", "unchecked"])
  })

  test("is named even where no scan would find it", async () => {
    await processRow(db, true)
    await recordMany(db, 1)
    await db`update slotbase.outbox_floor set floor = 1000000`
    await later()
    expect(await late()).toMatchObject([{ blocker: "below_floor" }])
  })
})

describe("a run", () => {
  beforeEach(async () => {
    await db`delete from slotbase.webhook_versions`
    await db`update slotbase.handlers set from_position = null`
    await recordMany(db, 2)
    await dispatchAll(db)
  })

  test("waits for its retry, with the time and the reason", async () => {
    await queueAll(db)
    await db`
      update slotbase.handler_queue set attempts = 2, ready_at = slotbase.now() + interval '1 hour',
        errors = '[{"error": {"message": "no such court"}}]' where position = 1`
    await later()
    const [retry, other] = await late()
    expect(retry).toMatchObject({
      kind: "run",
      handler: "AnalyticsHandler",
      position: 1,
      blocker: "retry",
      detail: "attempt 2 failed: no such court",
    })
    expect(retry?.until).toBeInstanceOf(Date)
    expect(other).toMatchObject({ position: 2, blocker: "no_process", until: null })
  })

  test("is handled by a live process, or was abandoned by an expired one", async () => {
    const [alive, dead] = [await processRow(db, true), await processRow(db, false)]
    for (const [owner, position] of [
      [alive, 1],
      [dead, 2],
    ] as const)
      await db`
        insert into slotbase.handler_claims (handler, lease, owner, positions, claimed_at)
        values ('AnalyticsHandler', ${position}, ${owner}, ${[position]}, clock_timestamp() - interval '30 seconds')`
    await later()
    expect(await late()).toMatchObject([
      {
        position: 1,
        blocker: "running",
        process: alive,
        detail: `process ${alive} (test, pid 0) has had it for 00:00:30`,
      },
      { position: 2, blocker: "process_dead", process: dead },
    ])
  })

  test("that is handled while a session of SlotBase waits for a lock names the session that holds it", async () => {
    await db`
      insert into slotbase.handler_claims (handler, lease, owner, positions, claimed_at)
      values ('AnalyticsHandler', 1, ${await processRow(db, true)}, '{1,2}', clock_timestamp())`
    await later()
    const clerk = connect(database.url, { max: 1, applicationName: "a clerk" })
    let waiting: Promise<unknown> = Promise.resolve()
    await clerk.begin(async (tx) => {
      await tx`select from slotbase.facilities for update`
      const pid = await pidOf(tx)
      waiting = db`select from slotbase.facilities for update`.execute()
      const [row] = await eventually(async () => {
        const rows = await late()
        expect(rows).toMatchObject([
          { blocker: "running", pid },
          { blocker: "running", pid },
        ])
        return rows
      })
      expect(row?.detail).toMatch(lockOf(`session ${pid} \\(a clerk, idle in transaction, for [0-9:]+\\)`))
    })
    await waiting
    await clerk.end()
  })

  test("names every session whose locks SlotBase waits for, and singles out none", async () => {
    await db`
      insert into slotbase.handler_claims (handler, lease, owner, positions, claimed_at)
      values ('AnalyticsHandler', 1, ${await processRow(db, true)}, '{1,2}', clock_timestamp())`
    await later()
    const clerks = [1, 2].map((n) => connect(database.url, { max: 1, applicationName: `clerk ${n}` })) as [Db, Db]
    const waiting: Promise<unknown>[] = []
    await clerks[0].begin(async (one) => {
      await one`select from slotbase.facilities for update`
      await clerks[1].begin(async (two) => {
        await two`select from slotbase.outbox_floor for update`
        // The second session in a queue waits for the first. To blame is only the session that blocks the first.
        for (let each = 0; each < 2; each++) waiting.push(db`select from slotbase.facilities for update`.execute())
        waiting.push(db`select from slotbase.outbox_floor for update`.execute())
        const both = [`${await pidOf(one)} \\(clerk 1, [^)]*\\)`, `${await pidOf(two)} \\(clerk 2, [^)]*\\)`]
        const [first, last] = both.toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
        await eventually(async () => {
          const [row] = await late()
          expect(row).toMatchObject({ blocker: "running", pid: null })
          expect(row?.detail).toMatch(lockOf(`session ${first}; session ${last}`))
        })
      })
    })
    await Promise.all(waiting)
    await Promise.all(clerks.map((clerk) => clerk.end()))
  })

  test("waits for a handler that no program has any more", async () => {
    await processRow(db, true)
    await db`update slotbase.handlers set ended = true`
    await later()
    expect(await late()).toMatchObject([
      { blocker: "handler_gone", detail: "no program has a handler AnalyticsHandler for booking.confirmed" },
      { blocker: "handler_gone" },
    ])
  })

  test("waits behind others when nothing holds it", async () => {
    await processRow(db, true)
    await later()
    expect(await late()).toMatchObject([
      { position: 1, blocker: "backlog", detail: "0 late before it; nothing holds it" },
      { position: 2, blocker: "backlog", detail: "1 late before it; nothing holds it" },
    ])
  })

  describe("beside a long snapshot", () => {
    let holder: Db
    const during = async (name: string, then: (pid: number) => Promise<unknown>) => {
      holder = connect(database.url, { max: 1, applicationName: name })
      await processRow(db, true)
      await db`update slotbase.settings set late_after = '1 microsecond'`
      await youngSnapshots()
      try {
        await holder.begin(async (tx) => {
          await tx`set transaction isolation level repeatable read`
          await then(await pidOf(tx))
        })
      } finally {
        await holder.end()
      }
    }
    const keptBy = (pid: number, name: string) =>
      new RegExp(`; dead rows are kept from vacuum by session ${pid} \\(${name}, idle in transaction, for [0-9:]+\\)$`)

    test.each(["report", "slotbase test report"])(
      "is held up by the snapshot once it keeps many dead rows, for any session (%s)",
      async (name) => {
        await during(name, async (pid) => {
          expect(await late()).toMatchObject([{ blocker: "backlog", pid: null }, { blocker: "backlog" }])
          await manyTransactions()
          const rows = await late()
          expect(rows).toMatchObject([
            { position: 1, blocker: "vacuum_held", pid },
            { position: 2, blocker: "vacuum_held", pid },
          ])
          expect(rows[0]?.detail).toStartWith("0 late before it; dead rows are kept from vacuum by session ")
          expect(rows[1]?.detail).toMatch(keptBy(pid, name))
        })
      },
    )

    test("is held up by the snapshot even when few transactions left the dead rows", async () => {
      await during("report", async (pid) => {
        await manyDeadRows()
        await eventually(async () =>
          expect(await late()).toMatchObject([
            { blocker: "vacuum_held", pid },
            { blocker: "vacuum_held", pid },
          ]),
        )
      })
    })

    test("names the snapshot beside any other blocker", async () => {
      await db`update slotbase.handlers set ended = true`
      await during("report", async (pid) => {
        await manyTransactions()
        const [row] = await late()
        expect(row).toMatchObject({ blocker: "handler_gone", pid: null })
        expect(row?.detail).toStartWith("no program has a handler AnalyticsHandler for booking.confirmed;")
        expect(row?.detail).toMatch(keptBy(pid, "report"))
      })
    })
  })

  test("that was requeued by hand counts as late from then on, not since its event", async () => {
    await later("1 hour")
    await queueAll(db)
    await db`update slotbase.handler_queue set ready_at = slotbase.now()`
    expect(await late()).toEqual([])
    await later()
    expect(await late()).toHaveLength(2)
  })
})

test("the view is quick with many events and little waiting work, because it does not read events", async () => {
  await db`
    insert into slotbase.event_positions (position, facility_id, event_id, type, handlers, webhooks, dispatched_at)
    select n, ${example.facilityId}, gen_random_uuid(), 'booking.confirmed', 0, 0, slotbase.now() from generate_series(1, 20000) n`
  await recordMany(db, 10)
  await dispatchAll(db)
  await recordMany(db, 5)
  await later()
  for (const seqscan of ["on", "off"]) {
    const plan = await db.begin(async (tx) => {
      await tx`select set_config('enable_seqscan', ${seqscan}, true)`
      const [row] = await tx.unsafe("explain (analyze, buffers, format json) select * from slotbase.late_events")
      return row?.["QUERY PLAN"][0].Plan
    })
    expect(plan["Actual Rows"]).toBe(25)
    expect(JSON.stringify(plan)).not.toMatch(/"Relation Name": ?"events/)
    expect(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]).toBeLessThan(1_000)
  }
})

test("the role slotbase_reader can read it, although PostgreSQL hides other sessions from that role", async () => {
  await recordMany(db, 1)
  await later()
  await db.begin(async (tx) => {
    await tx`set local role slotbase_reader`
    expect(await tx`select * from slotbase.late_events`).toHaveLength(1)
    await tx`select * from slotbase.vacuum_holders`
  })
})

const late = () => lateEvents(db)
const later = (by?: string) => moveOn(db, by)

/** A transaction of another test on the same server can make a new snapshot look old; it ends soon. */
const youngSnapshots = () =>
  eventually(async () => {
    const [row] = await db<{ age: number }[]>`select age(pg_snapshot_xmin(pg_current_snapshot())::text::xid) as age`
    expect(row?.age).toBeLessThan(1_000)
  })

/** Uses up 10,001 transaction ids, as subtransactions of one transaction. */
const manyTransactions = () =>
  db.unsafe(`do $$
    begin
      create temp table burnt () on commit drop;
      for each in 1..10001 loop
        begin
          insert into burnt default values;
        exception when unique_violation then null;
        end;
      end loop;
    end $$`)

/** The dead rows of one large pass. */
const manyDeadRows = () =>
  db.begin(async (tx) => {
    await tx`
      insert into slotbase.handler_queue (handler, position, facility_id, event_id)
      select 'BurntHandler', n, ${example.facilityId}, gen_random_uuid() from generate_series(1, 10001) n`
    await tx`delete from slotbase.handler_queue where handler = 'BurntHandler'`
    // Otherwise PostgreSQL reports the counts to other sessions up to a second later.
    await tx`select pg_stat_force_next_flush()`
  })
