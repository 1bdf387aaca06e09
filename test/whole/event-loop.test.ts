// No request holds the event loop for more than 50 ms. The program runs in a process of its own. The worst inputs that
// each kind of route allows are sent one at a time. The measure is processor time (`loop-probe.ts`), so other processes
// of the machine do not count. One short attempt is enough: work that is always there is in each of them. The first
// compilation of the code is not, nor a collection of garbage.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { newId } from "#base/ids.ts"
import { facilityWebhookEvents } from "#events/catalogue.ts"
import { record } from "#events/outbox.ts"
import { maxAddressLength, maxParameters } from "#http/addresses.ts"
import { type BodySize, bodyLimits } from "#http/body-limits.ts"
import { aCheckIn, aClub, type Club, run } from "#test/harness/club/club.ts"
import { dayOf } from "#test/harness/club/hours.ts"
import { wav } from "#test/harness/club/media-files.ts"
import { LiveClient } from "#test/harness/pipeline/live.ts"
import { dispatchAll } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { freePort, rootKey, type System, startSystem } from "#test/harness/setup/system.ts"

const longestMs = 50
/** At most: a shared processor is slower at times. */
const attempts = 15
const isLong = (held: readonly number[]) => held.every((ms) => ms >= longestMs)
/** The largest upload of this program, and of its forms (`src/http/multipart.ts`) the most fields. */
const uploadMb = 32
const mostFields = 100

let database: TestDatabase
let system: System
let club: Club
let probe: string
let at: string

beforeAll(async () => {
  database = await testDatabase()
  club = await aClub(database.db)
  at = `/v1/facilities/${club.id}`
  await fillCourts()
  await fillLists()
  const port = await freePort()
  probe = `http://127.0.0.1:${port}`
  system = await startSystem({
    url: database.url,
    role: "server",
    env: {
      LOOP_PROBE_PORT: String(port),
      SLOTBASE_MAX_UPLOAD_MB: String(uploadMb),
      BUN_OPTIONS: `--preload=${join(import.meta.dir, "../harness/setup/loop-probe.ts")}`,
    },
  })
}, 120_000)
afterAll(async () => {
  await system?.end()
  await database.drop()
})

interface Sent {
  readonly method?: string
  readonly path: string
  readonly body?: unknown
  readonly headers?: Record<string, string>
  readonly status: number
}

/** What is sent, on each attempt. An answer that is kept or cached must be another one each time. */
const worst: readonly [what: string, send: (attempt: number) => Sent, first?: (attempt: number) => Promise<void>][] = [
  ["sign-in with the most unknown fields", () => ({ path: "/v1/sessions", body: manyFields("open"), status: 422 })],
  ["sign-in with the longest text", () => ({ path: "/v1/sessions", body: longText("email", "open"), status: 422 })],
  ["sign-in with a mebibyte of brackets", () => ({ path: "/v1/sessions", body: "[".repeat(1_048_576), status: 413 })],
  ["sign-in with eight kibibytes of brackets", () => ({ path: "/v1/sessions", body: "[".repeat(8_192), status: 422 })],
  ["registration with the most unknown fields", () => ({ path: "/v1/users", body: manyFields("open"), status: 422 })],
  [
    "registration with the longest text",
    () => ({ path: "/v1/users", body: longText("lastName", "open"), status: 422 }),
  ],
  [
    "Stripe's webhook at its largest",
    () => ({ path: "/v1/integrations/stripe/webhook", body: manyFields("stripe"), status: 404 }),
  ],
  [
    "a facility with the most unknown fields",
    () => ({ path: "/v1/facilities", body: manyFields("usual"), status: 422 }),
  ],
  [
    "a facility with the most faults in a list",
    () => ({ path: "/v1/facilities", body: { sportTypes: manyObjects("usual") }, status: 422 }),
  ],
  [
    "a facility with the most different items",
    () => ({ path: "/v1/facilities", body: { sportTypes: manyTexts("usual") }, status: 422 }),
  ],
  [
    "a facility with the longest name",
    () => ({ path: "/v1/facilities", body: longText("name", "usual"), status: 422 }),
  ],
  [
    "opening hours with the most intervals",
    () => ({ path: "/v1/facilities", body: { openingHours: { monday: manyObjects("usual") } }, status: 422 }),
  ],
  [
    "a policy with the most items",
    () => ({
      method: "PUT",
      path: `${at}/booking-policy`,
      body: { approvalResourceIds: manyTexts("usual") },
      status: 422,
    }),
  ],
  [
    "a booking with the most participants",
    () => ({ path: `${at}/bookings`, body: { participants: manyObjects("usual") }, status: 422 }),
  ],
  [
    "a webhook with the most unknown fields",
    () => ({ path: `${at}/webhooks`, body: manyFields("large"), status: 422 }),
  ],
  ["a webhook with the longest text", () => ({ path: `${at}/webhooks`, body: longText("url", "large"), status: 422 })],
  [
    "a webhook with the most items",
    () => ({ path: `${at}/webhooks`, body: { events: manyTexts("large") }, status: 422 }),
  ],
  ["feedback with the longest text", () => ({ path: `${at}/feedback`, body: longText("text", "large"), status: 422 })],
  ["the longest address", () => ({ path: `/v1/me?${"a".repeat(maxAddressLength - 100)}`, status: 200 })],
  [
    "the most parameters",
    () => ({
      path: `${at}/bookings?${Array.from({ length: maxParameters }, (_, i) => `p${i}=1`).join("&")}`,
      status: 422,
    }),
  ],
  [
    "the longest entity tags",
    () => ({
      path: `${at}/availability?date=${dayOf(24 * 40)}`,
      headers: { "if-none-match": '"1",'.repeat(2_000) },
      status: 200,
    }),
  ],
  [
    "the largest page of availability, built",
    (n) => ({ path: `${at}/availability?limit=200&date=${dayOf(24 * (2 + n))}`, status: 200 }),
  ],
  [
    "the largest page of availability, of a full day",
    (n) => ({ path: `${at}/availability?limit=${200 - n}&date=${dayOf(24 * 100)}`, status: 200 }),
  ],
  ["the longest page of courts", () => ({ path: `${at}/resources?limit=200`, status: 200 })],
  ["the longest page of bookings", () => ({ path: `${at}/bookings?limit=200`, status: 200 })],
  ["the longest page of lost items", () => ({ path: `${at}/lost-items?limit=200`, status: 200 })],
  ["the longest page of webhooks", () => ({ path: `${at}/webhooks?limit=200`, status: 200 })],
  ["the longest page of price rules", () => ({ path: `${at}/price-rules?limit=200`, status: 200 })],
  ["the longest page of the feed", () => ({ path: `${at}/events?limit=200`, status: 200 })],
  ["the platform's feed of one type", () => ({ path: "/v1/events?limit=200&types=booking.no_show", status: 200 })],
  ["a form with the most fields", () => ({ path: `${at}/feedback`, body: aFormOf(mostFields), status: 422 })],
  [
    "a form with the largest file",
    () => ({ path: `${at}/feedback`, body: aFormOf(1, wav(uploadMb * 131 - 1)), status: 422 }),
  ],
  ["the largest page of the audit trail", () => ({ path: `${at}/audit-log?limit=200`, status: 200 })],
  ["the platform's audit trail", () => ({ path: "/v1/audit-log?limit=200", status: 200 })],
  ["the largest page of dead letters", () => ({ path: `${at}/dead-letters?limit=200`, status: 200 })],
  ["the platform's dead letters", () => ({ path: "/v1/dead-letters?limit=200", status: 200 })],
  ["the event types", () => ({ path: "/v1/event-types", status: 200 })],
  ["the OpenAPI document", () => ({ path: "/openapi/json", status: 200 })],
  ["the viewer of the document", () => ({ path: "/openapi/viewer.js", status: 200 })],
  ["the metrics", () => ({ path: "/metrics", status: 200 })],
  [
    "a series with the most occurrences",
    (n) => ({
      path: `${at}/recurring-bookings`,
      body: aSeries(n),
      headers: { "idempotency-key": `series-${n}` },
      status: 201,
    }),
  ],
  [
    "the same series again, with its kept answer",
    (n) => ({
      path: `${at}/recurring-bookings`,
      body: aSeries(n),
      headers: { "idempotency-key": `series-${n}` },
      status: 201,
    }),
  ],
  [
    "a series of which every occurrence is taken",
    (n) => ({ path: `${at}/recurring-bookings`, body: { ...aSeries(n), skipConflicts: false }, status: 409 }),
    // An earlier test made it only if the database answered in time.
    (n) =>
      eventually(
        async () => {
          const headers = { "idempotency-key": `series-${n}` }
          expect(await request("POST", `${at}/recurring-bookings`, aSeries(n), 201, headers)).toBe(true)
        },
        { withinMs: 60_000 },
      ),
  ],
]

describe(`in ${longestMs} ms`, () => {
  for (const [what, send, first] of worst) {
    test(`the loop goes on: ${what}`, async () => {
      const held: number[] = []
      for (let attempt = 0; attempt < attempts && isLong(held); attempt++) {
        await first?.(attempt)
        await heldMs()
        const { method, path, body, headers, status } = send(attempt)
        if (await request(method ?? (body === undefined ? "GET" : "POST"), path, body, status, headers))
          held.push(await heldMs())
      }
      report(what, held)
      expect(Math.min(...held)).toBeLessThan(longestMs)
    }, 120_000)
  }

  test("the loop goes on: the slots of two hundred courts are published at once", async () => {
    const held: number[] = []
    for (let attempt = 0; attempt < attempts && isLong(held); attempt++) {
      const url = `${system.address.replace("http", "ws")}/v1/live`
      const client = await LiveClient.open(url, ["slotbase.v1", `bearer.${club.admin.token}`])
      await client.next("ready")
      await client.subscribe(`facility:${club.id}:availability`)
      await heldMs()
      await request("PATCH", `${at}/settings`, { name: `Name ${attempt}` }, 200)
      await dispatchAll(database.db)
      // A client this slow is closed, or it is told to refetch the courts beyond the limit.
      let isClosed = false
      void client.closed.then(() => {
        isClosed = true
      })
      await eventually(() => expect(isClosed || client.frames.some(({ type }) => type === "resync")).toBe(true))
      held.push(await heldMs())
      client.close()
      await client.closed
    }
    report("published slots", held)
    expect(Math.min(...held)).toBeLessThan(longestMs)
  }, 60_000)

  test("the loop goes on: a client resumes a thousand events", async () => {
    const held: number[] = []
    for (let attempt = 0; attempt < attempts && isLong(held); attempt++) {
      await heldMs()
      const url = `${system.address.replace("http", "ws")}/v1/live`
      const client = await LiveClient.open(url, ["slotbase.v1", `bearer.${club.admin.token}`])
      await client.next("ready")
      client.send({ type: "subscribe", channel: `facility:${club.id}:check-ins`, after: "200" })
      await eventually(() => expect(client.frames.some(({ type }) => type === "subscribed")).toBe(true))
      client.close()
      await client.closed
      held.push(await heldMs())
    }
    report("resumed", held)
    expect(Math.min(...held)).toBeLessThan(longestMs)
  }, 60_000)

  test("the probe sees a loop that is held", async () => {
    await heldMs()
    await fetch(`${probe}/hold`)
    expect(await heldMs()).toBeGreaterThan(longestMs)
  })
})

/** False: the machine is so busy that the database did not answer in time. */
async function request(method: string, path: string, body: unknown, status: number, headers = {}): Promise<boolean> {
  const answer = await fetch(`${system.address}${path}`, {
    method,
    headers: {
      // A form is written by somebody of the club.
      authorization: `Bearer ${body instanceof FormData ? club.admin.token : rootKey}`,
      ...(!(body instanceof FormData) && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && {
      body: typeof body === "string" || body instanceof FormData ? body : JSON.stringify(body),
    }),
  })
  const text = await answer.text()
  if (answer.status === 503 && text.includes("database_unavailable")) return false
  expect([answer.status, answer.status === status ? "" : text.slice(0, 500)]).toEqual([status, ""])
  return true
}

/** LOOP_REPORT=on prints the figures. */
function report(what: string, held: readonly number[]): void {
  if (process.env.LOOP_REPORT === "on") console.log(what, held.map((ms) => ms.toFixed(1)).join(" "))
}

/** The longest time since the last call, milliseconds of the processor. */
const heldMs = async () => Number(await (await fetch(probe)).text())

const fieldsOf = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`field${i}`, i]))
const manyFields = (size: BodySize) => fieldsOf(bodyLimits[size].elements - 5)
const manyObjects = (size: BodySize) => Array.from({ length: bodyLimits[size].elements / 2 - 5 }, () => ({}))
const manyTexts = (size: BodySize) => Array.from({ length: bodyLimits[size].elements - 5 }, (_, i) => `text ${i}`)
const longText = (field: string, size: BodySize) => ({ [field]: ` ${"x ".repeat(bodyLimits[size].bytes / 2 - 50)}` })

/** Together its fields are as long as they may be. */
function aFormOf(fields: number, file?: Uint8Array): FormData {
  const form = new FormData()
  const longest = Math.min(40_000, Math.floor(bodyLimits.large.bytes / fields)) - 1
  for (let nth = 0; nth < fields; nth++) form.append(`field${nth}`, "x".repeat(longest))
  if (file !== undefined) form.append("file", new Blob([Buffer.from(file)]), "file.wav")
  return form
}

const aSeries = (attempt: number) => ({
  resourceId: club.court,
  bookerId: club.player.id,
  paymentMethod: "offline",
  startDate: dayOf(24 * 30),
  startTime: `0${attempt}:00`,
  durationMinutes: 30,
  rule: "FREQ=DAILY",
  windowDays: 365,
})

/** As many courts, slots, price rules, bookings and closures as a large club has at most. */
async function fillCourts(): Promise<void> {
  const { db } = database
  const { id, player } = club
  await db`update slotbase.facilities set slot_minutes = 5 where id = ${id}`
  await db`
    insert into slotbase.resources (id, facility_id, name, resource_type, hourly_price)
    select gen_random_uuid(), ${id}, 'Court ' || to_char(100 + n, 'FM000'), 'court', 2400 from generate_series(1, 298) n`
  await db`
    insert into slotbase.price_rules (id, facility_id, name, from_time, to_time, hourly_price, created_by)
    select gen_random_uuid(), ${id}, 'Rule ' || n, to_char(interval '1 minute' * (7 * n % 1400), 'HH24:MI'),
           to_char(interval '1 minute' * (7 * n % 1400 + 5 + n % 35), 'HH24:MI'), 1000 + n, ${player.id}
    from generate_series(1, 200) n`
  await db`
    with made as (
      insert into slotbase.bookings (id, facility_id, resource_id, status, booker_id, start_at, end_at, price_amount, price_currency, created_by)
      select gen_random_uuid(), ${id}, r.id, 'confirmed', ${player.id}, s, s + interval '5 minutes', 200, 'EUR', ${player.id}
      from slotbase.resources r, generate_series(${`${dayOf(24)}T00:00Z`}::timestamptz, ${`${dayOf(24)}T23:55Z`}::timestamptz, '5 minutes') s
      where r.facility_id = ${id} and r.name like 'Court 11_' returning id, resource_id, start_at, end_at
    )
    insert into slotbase.occupancies (booking_id, facility_id, resource_id, during)
    select id, ${id}, resource_id, tstzrange(start_at, end_at) from made`
  await db`
    insert into slotbase.closures (id, facility_id, start_at, end_at, whole_facility, reason, created_by)
    select gen_random_uuid(), ${id}, s, s + interval '4 minutes', true, 'closed', ${player.id}
    from generate_series(${`${dayOf(24 * 2)}T00:00Z`}::timestamptz, ${`${dayOf(24 * 2)}T23:55Z`}::timestamptz, '5 minutes') s`
}

/** Pages of the longest rows, and a log. */
async function fillLists(): Promise<void> {
  const { db } = database
  const { id, player } = club
  const long = "x".repeat(2_000)
  await db`
    insert into slotbase.lost_items (id, facility_id, description, category, found_location, reported_by)
    select gen_random_uuid(), ${id}, ${long}, 'bottle', ${long}, ${player.id} from generate_series(1, 200)`
  await db`
    insert into slotbase.webhooks (id, facility_id, name, description, url, events, resource_ids, created_by, is_active)
    select gen_random_uuid(), ${id}, 'Hook ' || n, ${long}, ${`https://example.com/${"x".repeat(7_900)}`},
           ${[...facilityWebhookEvents]}, ${Array.from({ length: 100 }, newId)}::uuid[], ${player.id}, false
    from generate_series(1, 100) n`
  // As long as the table lets them be, in many values: those cost more than one long text.
  const values = Object.fromEntries(Array.from({ length: 640 }, (_, nth) => [`field${nth}`, `text ${"x".repeat(30)}`]))
  await db`
    insert into slotbase.audit_log
      (id, facility_id, at, actor_id, actor_kind, user_agent, action, subject_type, subject_id, before, after)
    select gen_random_uuid(), ${id}, now(), ${player.id}, 'person', ${"x".repeat(256)}, 'facility.changed', 'facility',
           ${id}, ${db.json(values)}, ${db.json(values)} from generate_series(1, 200)`
  const error = { message: long, code: "thrown", stack: long }
  const errors = Array.from({ length: 6 }, (_, nth) => ({
    ...{ eventId: newId(), eventType: "lost_item.reported", handlerName: "NotificationHandler", error },
    ...{ attemptCount: nth + 1, maxRetries: 5, status: "dead_letter" },
  }))
  const event = { id: newId(), type: "lost_item.reported", data: { description: long, foundLocation: long } }
  await db`
    insert into slotbase.dead_letters
      (id, facility_id, event_id, position, handler, event, errors, created_at, last_attempt_at)
    select gen_random_uuid(), ${id}, gen_random_uuid(), n, 'NotificationHandler', ${db.json(event)}, ${db.json(errors)},
           now(), now() from generate_series(1, 200) n`
  await run(db, async (tx) => {
    for (let i = 0; i < 200; i++) {
      const itemId = newId()
      const data = {
        itemId,
        facilityId: id,
        description: long,
        category: "bottle",
        foundLocation: long,
        reportedBy: player.id,
      }
      record(tx, { type: "lost_item.reported", facilityId: id, data })
    }
  })
  await run(db, async (tx) => {
    for (let i = 0; i < 1_000; i++) record(tx, aCheckIn(club))
  })
  await dispatchAll(db)
}
