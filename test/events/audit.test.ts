// The audit trail: a row is committed with its change or not at all, and says who, from where and what.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { Db } from "#base/database/db.ts"
import { newId, platformFacilityId, rootUserId } from "#base/ids.ts"
import { audit, clientAddressOf } from "#events/audit.ts"
import { auditActions } from "#events/audit-actions.ts"
import { type EventContext, transact } from "#events/outbox.ts"
import { context, failure } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
})
afterAll(() => database.drop())

const rowsOf = async (subject: string) =>
  (await db`select *, host(client_address) as address from slotbase.audit_log where subject_id = ${subject}`).map(
    (row) => ({ ...row }),
  )

test("a row says who did what, when, from where and to what", async () => {
  const [facilityId, subjectId, apiKeyId] = [newId(), newId(), newId()]
  const asked: EventContext = {
    ...context,
    userId: rootUserId,
    clientIp: "::ffff:192.0.2.7",
    userAgent: "curl/8.0",
    request: { method: "PATCH", route: "/v1/facilities/:facilityId/resources/:id", apiKeyId },
  }
  await transact(db, asked, async (tx) =>
    audit(tx, { action: "resource.changed", facilityId, subjectId, before: { price: 1 }, after: { price: 2 } }),
  )
  const [row] = await rowsOf(subjectId)
  expect(row).toEqual({
    id: expect.any(String),
    facility_id: facilityId,
    organization_id: null,
    at: expect.any(Date),
    actor_id: rootUserId,
    actor_kind: "system",
    database_user: null,
    api_key_id: apiKeyId,
    client_address: "192.0.2.7",
    address: "192.0.2.7",
    user_agent: "curl/8.0",
    correlation_id: context.correlationId,
    method: "PATCH",
    route: "/v1/facilities/:facilityId/resources/:id",
    action: "resource.changed",
    subject_type: "resource",
    subject_id: subjectId,
    before: { price: 1 },
    after: { price: 2 },
  })
  const [{ same }] = await db<[{ same: boolean }]>`
    select at = slotbase.time_of(id) as same from slotbase.audit_log where subject_id = ${subjectId}`
  expect(same).toBe(true)
})

test("without a facility the row belongs to the platform", async () => {
  await transact(db, { ...context, userId: rootUserId }, async (tx) =>
    audit(tx, { action: "job.run", subjectId: "retention" }),
  )
  expect(await rowsOf("retention")).toMatchObject([{ facility_id: platformFacilityId, before: null, after: null }])
})

test("a command that fails late leaves no row", async () => {
  const subjectId = newId()
  const failing = transact(db, { ...context, userId: rootUserId }, async (tx) => {
    audit(tx, { action: "resource.created", subjectId })
    throw new Error("late")
  })
  expect(await failure(failing)).toEqual(new Error("late"))
  expect(await rowsOf(subjectId)).toEqual([])
})

test("a row that cannot be written fails its change", async () => {
  await db`create table changes (what text)`
  // Nobody did it.
  const failing = transact(db, { ...context, userId: undefined } as unknown as EventContext, async (tx) => {
    await tx`insert into changes values ('made')`
    audit(tx, { action: "resource.created", subjectId: newId() })
  })
  expect(await failure(failing)).toMatchObject({ constraint_name: "audit_names_its_actor" })
  expect(await db`select from changes`).toHaveLength(0)
})

test("an address is kept as PostgreSQL reads it, or not at all", () => {
  const given = ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1", "fe80::1%eth0", "", "unknown", undefined]
  expect(given.map(clientAddressOf)).toEqual(["192.0.2.7", "192.0.2.7", "2001:db8::1", "fe80::1", null, null, null])
})

test("docs/audit.md lists every action", async () => {
  const page = await Bun.file(new URL("../../docs/audit.md", import.meta.url)).text()
  const listed = [...page.matchAll(/^\| `([a-z_]+\.[a-z_]+)` \| (.*) \|$/gm)].map(([, action, says]) => [action, says])
  expect(Object.fromEntries(listed)).toEqual(auditActions)
})
