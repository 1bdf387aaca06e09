// The log, the dead letters, the metrics and the health over HTTP, and the rights to each.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { createServer } from "#api/server.ts"
import { readMigrations } from "#base/database/migrate.ts"
import { health } from "#base/health.ts"
import { newId, rootUserId } from "#base/ids.ts"
import { hashToken, newToken } from "#base/secrets.ts"
import { catalogue } from "#events/catalogue.ts"
import { metrics } from "#events/metrics.ts"
import { record } from "#events/outbox.ts"
import { Live } from "#outbound/live/live.ts"
import { type Client, clientOf } from "#test/harness/api/client.ts"
import { aCheckIn, aClub, type Club, run } from "#test/harness/club/club.ts"
import { dispatchAll } from "#test/harness/pipeline/pipeline.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let club: Club
let other: Club
let address: string
let root: string
let stop: () => Promise<void>

beforeAll(async () => {
  database = await testDatabase()
  club = await aClub(database.db)
  other = await aClub(database.db)
  root = newToken("sbk")
  await database.db`
    insert into slotbase.api_keys (id, facility_id, user_id, name, role, key_hash, key_hint, created_by)
    values (${newId()}, '00000000-0000-7000-8000-000000000000', ${rootUserId}, 'root', 'platform_admin', ${hashToken(root)}, 'sbk', ${rootUserId})`
  const live = new Live(database.db)
  const server = createServer(testApp(database.db), live).listen({ port: 0, hostname: "127.0.0.1" })
  address = `http://127.0.0.1:${server.server?.port}`
  stop = async () => {
    live.closeAll()
    await server.stop(true)
  }
})
afterAll(async () => {
  await stop()
  await database.drop()
})

test("the feed, an event and its story are for the staff of the facility and for the platform", async () => {
  const id = await run(database.db, async (tx) => record(tx, aCheckIn(club)))
  await dispatchAll(database.db)
  const at = `/v1/facilities/${club.id}/events`
  const paths = [at, `${at}/${id}`, `${at}/${id}/log`]
  expect(await statuses(paths, club.staff.token)).toEqual([200, 200, 200])
  expect(await statuses(paths, club.admin.token)).toEqual([200, 200, 200])
  expect(await statuses(paths, root)).toEqual([200, 200, 200])
  expect(await statuses(paths, club.player.token)).toEqual([403, 403, 403])
  expect(await statuses(paths, other.admin.token)).toEqual([404, 404, 404])
  expect(await statuses(paths, "wrong")).toEqual([401, 401, 401])
  const platform = ["/v1/events", `/v1/events/${id}`, `/v1/events/${id}/log`]
  expect(await statuses(platform, root)).toEqual([200, 200, 200])
  expect(await statuses(platform, club.admin.token)).toEqual([403, 403, 403])
})

test("an event of another facility and an event with a malformed id are 404s", async () => {
  const id = await run(database.db, async (tx) => record(tx, aCheckIn(other)))
  const paths = [id, newId(), "1", "%00"].map((each) => `/v1/facilities/${club.id}/events/${each}`)
  expect(await statuses(paths, club.staff.token)).toEqual([404, 404, 404, 404])
  expect(await statuses(["/v1/facilities/1/events"], root)).toEqual([404])
})

test("the feed pages by position and takes types", async () => {
  await run(database.db, async (tx) => [1, 2, 3].map(() => record(tx, aCheckIn(club))))
  await dispatchAll(database.db)
  const client = clientOf(address, club.staff.token)
  const at = `/v1/facilities/${club.id}/events`
  const first = await page(client, `${at}?limit=2&types=booking.checked_in,booking.cancelled`)
  expect(first.data).toHaveLength(2)
  expect(first.next).toBe(first.data[1]?.position ?? "")
  const rest = await page(client, `${at}?after=${first.next}`)
  expect(rest.next).toBeNull()
  expect(Number(rest.position)).toBeGreaterThanOrEqual(Number(rest.data.at(-1)?.position))
  expect((await page(client, `${at}?types=booking.cancelled`)).data).toEqual([])
  for (const bad of ["limit=0", "limit=1000", "after=x", "after=-1", "types=A B", "more=1"])
    expect((await client.get(`${at}?${bad}`)).status).toBe(422)
})

test("the event types are open, each with its JSON Schema and a sample", async () => {
  const list = await fetch(`${address}/v1/event-types`)
  const { data } = (await list.json()) as { data: { type: string; schema: object }[] }
  expect(data.map(({ type }) => type)).toEqual(catalogue.map(({ type }) => type))
  const one = await fetch(`${address}/v1/event-types/booking.confirmed`)
  expect(await one.json()).toMatchObject({
    type: "booking.confirmed",
    version: "1.0",
    origin: "spec",
    facilityWebhook: true,
    schema: { type: "object", additionalProperties: false },
    sample: { type: "booking.confirmed", data: { resourceName: "Court 1" } },
  })
  expect((await fetch(`${address}/v1/event-types/booking.unknown`)).status).toBe(404)
})

test("dead letters are for administrators, and each is decided once", async () => {
  const { db } = database
  const id = newId()
  const event = { id: newId(), type: "booking.confirmed" }
  await db`
    insert into slotbase.dead_letters (id, facility_id, event_id, position, handler, event, errors, created_at, last_attempt_at)
    values (${id}, ${club.id}, ${event.id}, 1, 'GoneHandler', ${db.json(event)}, '[]', slotbase.now(), slotbase.now())`
  const at = `/v1/facilities/${club.id}/dead-letters`
  expect(await statuses([at, "/v1/dead-letters"], root)).toEqual([200, 200])
  expect(await statuses([at, "/v1/dead-letters"], club.admin.token)).toEqual([200, 403])
  expect(await statuses([at], club.staff.token)).toEqual([403])
  expect(await statuses([at], other.admin.token)).toEqual([404])
  const admin = clientOf(address, club.admin.token)
  expect((await clientOf(address, club.staff.token).post(`${at}/${id}/ignore`)).status).toBe(403)
  expect(
    (await clientOf(address, other.admin.token).post(`/v1/facilities/${other.id}/dead-letters/${id}/ignore`)).status,
  ).toBe(404)
  expect(await admin.post(`${at}/${id}/reprocess`)).toMatchObject({ status: 409, body: { code: "event_gone" } })
  expect((await admin.get<{ data: unknown[] }>(`${at}?resolved=false&handler=GoneHandler`)).body.data).toHaveLength(1)
  expect(await admin.post(`${at}/${id}/resolve`)).toMatchObject({
    status: 200,
    body: { id, resolution: "manual", resolvedBy: club.admin.id, handler: "GoneHandler", event },
  })
  expect(await admin.post(`${at}/${id}/ignore`)).toMatchObject({ status: 409, body: { code: "dead_letter_resolved" } })
  expect((await admin.get<{ data: unknown[] }>(`${at}?resolved=false`)).body.data).toEqual([])
  expect(await admin.post(`${at}/${newId()}/ignore`)).toMatchObject({ status: 404 })
  expect((await clientOf(address, root).post(`/v1/dead-letters/${id}/ignore`)).status).toBe(409)
})

test("the metrics carry the spec's names, and are closed to strangers", async () => {
  metrics.published("booking.confirmed", 2)
  metrics.published("made.up")
  metrics.processed("NotificationHandler", "success", [12])
  metrics.failed("NotificationHandler")
  metrics.delivered("delivered", 30)
  const answer = await fetch(`${address}/metrics`)
  expect(answer.headers.get("content-type")).toContain("text/plain")
  const text = await answer.text()
  const spec = [
    "events.published.total",
    "events.processed.total",
    "events.failed.total",
    "events.processing.duration",
    "webhooks.delivery.duration",
    "events.queue.size",
    "webhooks.pending.count",
    "dead_letter.size",
  ]
  for (const name of spec) expect(text).toContain(` ${name}: `)
  expect(text).toMatch(/^events_published_total\{type="other"\} 1$/m)
  expect(text).toMatch(/^events_processed_total\{handler="NotificationHandler",outcome="success"\} \d+$/m)
  expect(text).toMatch(
    /^events_processing_duration_seconds_bucket\{le="0.025",handler="NotificationHandler",outcome="success"\} \d+$/m,
  )
  expect(text).toMatch(/^events_queue_size \d+$/m)

  const forwarded = (token?: string) =>
    fetch(`${address}/metrics`, {
      headers: { "x-forwarded-for": "203.0.113.7", ...(token && { authorization: `Bearer ${token}` }) },
    })
  expect((await forwarded()).status).toBe(401)
  expect((await forwarded(club.admin.token)).status).toBe(403)
  expect((await forwarded(root)).status).toBe(200)
})

test("readiness names the fault, and liveness ignores it", async () => {
  expect(await ready()).toMatchObject({ status: 200, body: { status: "ready" } })
  health.unhealthy("the dispatcher does not heal")
  expect(await ready()).toMatchObject({
    status: 503,
    body: { code: "not_ready", status: 503, reasons: ["the dispatcher does not heal"] },
  })
  expect((await fetch(`${address}/healthz`)).status).toBe(200)
  health.recovered("the dispatcher does not heal")

  const { db } = database
  await db`update slotbase.migrations set checksum = 'x' where number = 1`
  expect((await ready()).body).toMatchObject({ reasons: [expect.stringContaining("0001-base")] })
  await db`update slotbase.migrations set checksum = ${await checksum()} where number = 1`
  await db`insert into slotbase.partitioned_tables values ('dead_letters')`
  expect((await ready()).body).toMatchObject({ reasons: [expect.stringContaining("dead_letters has no partition")] })
  await db`delete from slotbase.partitioned_tables where name = 'dead_letters'`
  expect((await ready()).status).toBe(200)
})

const ready = async () => {
  const answer = await fetch(`${address}/readyz`)
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

const checksum = async () => (await readMigrations())[0]?.checksum ?? ""

const statuses = (paths: string[], token: string) =>
  Promise.all(paths.map(async (path) => (await clientOf(address, token).get(path)).status))

interface Page {
  data: { position: string }[]
  next: string | null
  position: string
}
const page = async (client: Client, path: string): Promise<Page> => (await client.get(path)).body as unknown as Page
