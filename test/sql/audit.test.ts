// The audit trail in SQL: nobody changes it or empties it, and what is done in SQL names its session.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Db } from "#base/database/db.ts"
import { newId, platformFacilityId, rootUserId } from "#base/ids.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { failure } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db
/** Rows of what the schema itself changed in the rules of retention. */
let ofSchema: readonly string[]

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  ofSchema = (await db<{ id: string }[]>`select id from slotbase.audit_log where subject_type = 'retention_rule'`).map(
    ({ id }) => id,
  )
  await db`update slotbase.clock set movable = true`
})
afterAll(() => database.drop())

/** Adds a row of so many days ago; returns its id. */
async function aRow(daysAgo: number): Promise<string> {
  const [row] = await db<[{ id: string }]>`
    with n as (select overlay(slotbase.id_at(slotbase.now() - make_interval(days => ${daysAgo}))::text
                              placing ${newId().slice(-20)} from 17)::uuid as id)
    insert into slotbase.audit_log (id, facility_id, at, actor_id, actor_kind, action, subject_type, subject_id)
    select id, ${platformFacilityId}, slotbase.time_of(id), ${rootUserId}, 'system', 'job.run', 'job', 'retention' from n
    returning id`
  return row.id
}

const isThere = async (id: string) => (await db`select from slotbase.audit_log where id = ${id}`).length === 1

describe("the program's own user, who owns the table,", () => {
  test("cannot change a row, delete it or empty the table", async () => {
    const id = await aRow(10)
    for (const [statement, message] of [
      ["update slotbase.audit_log set action = 'job.ran'", "the audit trail is append-only: UPDATE is refused"],
      ["truncate slotbase.audit_log", "the audit trail is append-only: TRUNCATE is refused"],
      [`delete from slotbase.audit_log where id = '${id}'`, "the audit trail is kept for 2 years: this row is younger"],
    ] as const)
      expect(await failure(db.unsafe(statement))).toMatchObject({ message, code: "23001" })
    expect(await isThere(id)).toBe(true)
  })

  test("cannot do so as a replica either", async () => {
    const id = await aRow(10)
    const changing = db.begin(async (tx) => {
      await tx`set local session_replication_role = replica`
      await tx`delete from slotbase.audit_log where id = ${id}`
    })
    expect(await failure(changing)).toMatchObject({ code: "23001" })
    expect(await isThere(id)).toBe(true)
  })

  test("can add rows", async () => expect(await isThere(await aRow(0))).toBe(true))
})

test("old rows leave in bounded parts, and none of the last two years, whatever is asked for", async () => {
  const [older, old, young] = [await aRow(900), await aRow(800), await aRow(700)]
  const forget = async (before: string, batch: number) =>
    (
      await db<[{ gone: number }]>`
      select gone from slotbase.forget_audit_log(slotbase.now() - ${before}::text::interval, ${batch})`
    )[0].gone
  expect(await forget("850 days", 10)).toBe(1)
  expect(await isThere(older)).toBe(false)
  expect(await isThere(old)).toBe(true)
  await aRow(850)
  expect(await forget("0 days", 1)).toBe(1)
  expect(await forget("0 days", 10)).toBe(1)
  expect(await isThere(old)).toBe(false)
  expect(await isThere(young)).toBe(true)
})

describe("SQL", () => {
  test("that records an event names its session and its program", async () => {
    const { id: facilityId } = await aFacility(db)
    await db`
      insert into slotbase.event_types (type, version, source, environment, aggregate, aggregate_keys, required)
      values ('court.swept', '1.0', 'test', 'development', 'court', '{courtId}', '{courtId}')
      on conflict do nothing`
    const [event] = await db<[{ id: string }]>`
      select slotbase.record_event('court.swept', ${facilityId}, ${db.json({ courtId: newId() })}) as id`
    expect(await rowOf(event.id)).toEqual({
      action: "event.recorded",
      facility_id: facilityId,
      actor_id: null,
      actor_kind: "database",
      is_session: true,
      user_agent: "slotbase test",
      after: { type: "court.swept" },
    })
  })

  test("that resolves a dead letter names its session, and the API names its caller itself", async () => {
    const { id: facilityId } = await aFacility(db)
    const aLetter = async () => {
      const [row] = await db<[{ id: string }]>`
        insert into slotbase.dead_letters (id, facility_id, event_id, position, handler, event, errors, created_at, last_attempt_at)
        values (${newId()}, ${facilityId}, ${newId()}, 0, 'dispatcher', '{}', '[]', slotbase.now(), slotbase.now())
        returning id`
      return row.id
    }
    const [bySql, byApi] = [await aLetter(), await aLetter()]
    await db`update slotbase.dead_letters set resolved_at = slotbase.now(), resolution = 'manual' where id = ${bySql}`
    await db`
      update slotbase.dead_letters set resolved_at = slotbase.now(), resolution = 'manual', resolved_by = ${rootUserId}
      where id = ${byApi}`
    expect(await rowOf(bySql)).toMatchObject({
      action: "dead_letter.resolved",
      facility_id: facilityId,
      is_session: true,
    })
    expect(await rowOf(byApi)).toBeUndefined()
  })

  test("that changes the settings names its session, and the values before and after", async () => {
    await db`update slotbase.settings set late_after = '30 seconds'`
    await db`update slotbase.settings set late_after = '30 seconds'`
    expect(await changesOf("settings.changed")).toEqual([
      change("settings", { late_after: "00:00:10" }, { late_after: "00:00:30" }),
    ])
  })

  test("that changes a rule of retention names its session; how far the job has come is no change", async () => {
    await db`update slotbase.retention_rules set keep = '2 years' where name = 'lost_items'`
    await db`update slotbase.retention_rules set keep = '2 years' where name = 'lost_items'`
    await db`update slotbase.retention_rules set walked_to = ${newId()} where name = 'users'`
    await db`update slotbase.retention_rules set keep = '3 years', walked_to = ${newId()}, batch = 500 where name = 'closures'`
    expect(await changesOf("retention_rule.changed")).toEqual([
      change("lost_items", { keep: "1 year" }, { keep: "2 years" }),
      change("closures", { keep: "2 years", batch: 1000 }, { keep: "3 years", batch: 500 }),
    ])
  })

  test("that deletes a rule of retention names its session and the rule", async () => {
    await db`delete from slotbase.retention_rules where name = 'upgrade_prompts'`
    expect(await changesOf("retention_rule.deleted")).toEqual([
      change("upgrade_prompts", expect.objectContaining({ name: "upgrade_prompts", keep: "180 days" }), null),
    ])
  })

  test("that moves the clock names its session, and a move by nothing is no change", async () => {
    await db`select slotbase.move_clock('1 day')`
    await db`select slotbase.move_clock('0')`
    await db`select slotbase.move_clock('-1 day')`
    expect(await changesOf("clock.changed")).toEqual([
      change("clock", { movable: false }, { movable: true }),
      change("clock", { shift: "00:00:00" }, { shift: "1 day" }),
      change("clock", { shift: "1 day" }, { shift: "00:00:00" }),
    ])
  })

  test("that trusts the clock of the host names its session, and a look at the clock leaves no row", async () => {
    await db`select slotbase.watch_clock()`
    await db`update slotbase.clock_watch set doubted_since = '2100-01-01Z'`
    await db`select slotbase.trust_clock()`
    const doubt = { doubted_since: expect.stringMatching(/^(2099-12-31|2100-01-01)T/) }
    expect(await changesOf("clock.trusted")).toEqual([
      change("clock", expect.objectContaining(doubt), expect.objectContaining({ doubted_since: null })),
    ])
  })

  test("that is rolled back leaves no row", async () => {
    const failing = db.begin(async (tx) => {
      await tx`select slotbase.trust_clock()`
      await tx`update slotbase.retention_rules set keep = '1 day' where name = 'lost_items'`
    })
    expect(await failure(failing)).toMatchObject({ constraint_name: "rows_are_kept_at_least" })
    expect(await changesOf("clock.trusted")).toHaveLength(1)
    expect(await changesOf("retention_rule.changed")).toHaveLength(2)
  })

  const change = (subject: string, before: unknown, after: unknown) => ({
    subject_id: subject,
    facility_id: platformFacilityId,
    is_session: true,
    before,
    after,
  })
  const changesOf = async (action: string): Promise<unknown[]> => [
    ...(await db`
      select subject_id, facility_id, database_user = session_user as is_session, before, after
      from slotbase.audit_log
      where action = ${action} and id <> all (${ofSchema as string[]}::uuid[]) order by ctid`),
  ]

  const rowOf = async (subject: string) => {
    const [row] = await db`
      select action, facility_id, actor_id, actor_kind, database_user = session_user as is_session, user_agent, after
      from slotbase.audit_log where subject_id = ${subject}`
    return row && { ...row }
  }
})
