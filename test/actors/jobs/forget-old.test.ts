// Rows that are too old leave, in small transactions, and those that something still needs stay. The tests move the
// movable clock of their database, so the rows are made by ordinary inserts.

import { afterEach, beforeEach, expect, test } from "bun:test"
import { openSession } from "#access/sessions.ts"
import { retention } from "#actors/jobs/retention.ts"
import { clock } from "#base/clock.ts"
import type { Db } from "#base/database/db.ts"
import { newId, rootUserId } from "#base/ids.ts"
import { example } from "#events/example.ts"
import type { Did } from "#operations/jobs/rows.ts"
import { aChildLink, aFacility, aPerson, aResource, aRole } from "#test/harness/club/factories.ts"
import { aWebhook, dispatchAll, recordMany } from "#test/harness/pipeline/pipeline.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db
let facilityId: string
let court: string

beforeEach(async () => {
  database = await testDatabase()
  db = database.db
  facilityId = (await aFacility(db, { id: example.facilityId })).id
  court = (await aResource(db, facilityId)).id
})

afterEach(async () => {
  await db`update slotbase.clock set shift = '0'`
  await clock.follow(db)
  await database.drop()
})

/** One run of the job. */
const run = async (): Promise<Did> =>
  (await retention(database.url, { say: () => {} }).pass(new AbortController().signal)).did ?? {}

async function later(by: string): Promise<void> {
  await db`select slotbase.move_clock(${by}::text::interval)`
  await clock.follow(db)
}

/** As registration does it: a person, who made themself a player of a club. */
async function registered(inClub = true): Promise<string> {
  const { id } = await aPerson(db)
  if (inClub)
    await db`insert into slotbase.role_grants (user_id, role, scope_type, scope_id, granted_by)
             values (${id}, 'player', 'facility', ${facilityId}, ${id})`
  return id
}

async function aBooking(status: string, bookerId: string): Promise<string> {
  const id = newId()
  await db`
    insert into slotbase.bookings (id, facility_id, resource_id, status, booker_id, start_at, end_at, price_amount, price_currency,
      hold_id, hold_expires_at, created_by)
    values (${id}, ${facilityId}, ${court}, ${status}, ${bookerId}, slotbase.now(), slotbase.now() + interval '1 hour', 0, 'EUR',
      ${newId()}, slotbase.now() + interval '5 minutes', ${bookerId})`
  return id
}

const idsOf = async (table: string, among: readonly string[]) => {
  const rows = await db<
    { id: string }[]
  >`select id from ${db(`slotbase.${table}`)} where id = any (${[...among]}::uuid[])`
  return among.filter((id) => rows.some((row) => row.id === id))
}

test("who only registered leaves 180 days after the last sign-in, with the role as a player and nothing else", async () => {
  const [alone, inClub, signedIn] = [await registered(false), await registered(), await registered()]
  await later("100 days")
  const user = { id: signedIn, email: "", firstName: "", lastName: "" }
  await db.begin((tx) => openSession(tx, user))
  await later("79 days")
  expect((await run()).users).toBeUndefined()
  await later("2 days")
  expect((await run()).users).toBe(2)
  expect(await idsOf("users", [alone, inClub, signedIn])).toEqual([signedIn])
  expect(await db`select from slotbase.role_grants where user_id = ${inClub}`).toHaveLength(0)
  await later("100 days")
  expect((await run()).users).toBe(1)
  expect(await db`select from slotbase.sessions where user_id = ${signedIn}`).toHaveLength(0)
})

test("whoever did anything else stays: a booking, a child, another role, a role given by staff, a trace anywhere", async () => {
  const [booker, participant, parent, child, coach, member, giver, receiver] = (await Promise.all(
    Array.from({ length: 8 }, () => registered()),
  )) as [string, string, string, string, string, string, string, string]
  const booking = await aBooking("confirmed", booker)
  await db`insert into slotbase.booking_participants (booking_id, facility_id, user_id, role)
           values (${booking}, ${facilityId}, ${participant}, 'player')`
  await aChildLink(db, { parent, child, permissions: [] })
  await aRole(db, coach, "coach", facilityId)
  await db`update slotbase.role_grants set granted_by = ${rootUserId} where user_id = ${member}`
  await db`update slotbase.role_grants set granted_by = ${giver} where user_id = ${receiver}`
  await later("2 years")
  expect((await run()).users).toBeUndefined()
  const all = [booker, participant, parent, child, coach, member, giver, receiver]
  expect(await idsOf("users", all)).toEqual(all)
  expect(await db`select from slotbase.users where kind = 'system'`).toHaveLength(2)
})

test("people are looked at in turns: those who stay are never in the way of the others", async () => {
  await db`insert into slotbase.users (id, email, first_name, last_name)
           select slotbase.new_id(), 'guest' || n || '@example.com', 'A', 'B' from generate_series(1, 25) n`
  const [last] = await db<
    [{ id: string }]
  >`select id from slotbase.users where kind = 'person' order by id desc limit 1`
  await db`insert into slotbase.coach_profiles (user_id, facility_id)
           select id, ${facilityId} from slotbase.users where kind = 'person' and id <> ${last.id}`
  await later("1 year")
  const gone: number[] = []
  for (let step = 0; step < 4; step++)
    gone.push((await db<[{ gone: number }]>`select gone from slotbase.forget_old('users', 10)`)[0].gone)
  expect(gone).toEqual([0, 0, 1, 0])
})

test("a hold that came to nothing leaves after 30 days; one that was paid for, or that something names, and a booking stay", async () => {
  const booker = await registered()
  const holds = [await aBooking("expired", booker), await aBooking("released", booker)]
  const [paid, offered, confirmed, cancelled] = [
    await aBooking("expired", booker),
    await aBooking("released", booker),
    await aBooking("confirmed", booker),
    await aBooking("completed", booker),
  ]
  await db`insert into slotbase.booking_participants (booking_id, facility_id, user_id, role)
           values (${holds[0] ?? ""}, ${facilityId}, ${booker}, 'player')`
  const account = newId()
  await db`insert into slotbase.billing_accounts (id, facility_id, type, owner_id, name)
           values (${account}, ${facilityId}, 'individual', ${booker}, 'Mia')`
  await db`insert into slotbase.payments (id, facility_id, billing_account_id, payer_id, debtor_id, requested_by, reference_type,
             reference_id, amount, currency, payment_method, provider, status, correlation_id, next_check_at)
           values (${newId()}, ${facilityId}, ${account}, ${booker}, ${booker}, ${booker}, 'booking', ${paid}, 100, 'EUR', 'card',
             'local', 'processing', ${newId()}, slotbase.now())`
  const entry = newId()
  await db`insert into slotbase.waitlist_entries (id, facility_id, booker_id, resource_id, start_at, end_at, booking_type, status,
             offer_booking_id, offered_at, ended_at, joined_by)
           values (${entry}, ${facilityId}, ${booker}, ${court}, slotbase.now(), slotbase.now() + interval '1 hour', 'open_play',
             'declined', ${offered}, slotbase.now(), slotbase.now(), ${booker})`
  const all = [...holds, paid, offered, confirmed, cancelled]
  await later("29 days")
  expect((await run()).bookings).toBeUndefined()
  await later("2 days")
  expect((await run()).bookings).toBe(2)
  expect(await idsOf("bookings", all)).toEqual([paid, offered, confirmed, cancelled])
  await later("150 days")
  expect((await run()).waitlist_entries).toBe(1)
  expect((await run()).bookings).toBe(1)
  expect(await idsOf("bookings", all)).toEqual([paid, confirmed, cancelled])
})

test("settled dead letters leave after 180 days, and open ones never", async () => {
  for (const resolution of ["ignored", null])
    await db`
      insert into slotbase.dead_letters (id, facility_id, event_id, position, handler, event, errors, created_at, last_attempt_at,
        resolved_at, resolution)
      values (${newId()}, ${facilityId}, ${newId()}, 1, 'GoneHandler', '{}', '[]', slotbase.now(), slotbase.now(),
        case when ${resolution}::text is not null then slotbase.now() end, ${resolution})`
  await later("181 days")
  expect((await run()).dead_letters).toBe(1)
  await later("5 years")
  await run()
  expect((await db`select resolution from slotbase.dead_letters`).map((row) => row.resolution)).toEqual([null])
})

test("messages leave after 400 days, and not while their event is in the log", async () => {
  const [first] = await recordMany(db, 1)
  await dispatchAll(db)
  for (const eventId of [first ?? "", newId()])
    await db`insert into slotbase.notifications (id, facility_id, event_id, user_id, channel, type, template_id, priority, title, body)
             values (slotbase.derived_id(${eventId}, 'a'), ${facilityId}, ${eventId}, ${rootUserId}, 'email', 'a', 'b', 'normal', 'c', 'd')`
  await db`update slotbase.settings set keep_events = null`
  await later("401 days")
  expect((await run()).notifications).toBeUndefined()
  await db`update slotbase.settings set keep_events = '12 months'`
  await recordMany(db, 1)
  await dispatchAll(db)
  expect(await run()).toMatchObject({ notifications: 2 })
  expect(await db`select from slotbase.notifications`).toHaveLength(0)
})

test("a deleted webhook leaves when its events have left the log, with its versions and its numbers", async () => {
  const [deleted, kept] = [await aWebhook(db, "booking.confirmed"), await aWebhook(db, "booking.confirmed")]
  await recordMany(db, 1)
  await dispatchAll(db)
  await db`delete from slotbase.delivery_queue`
  await db`update slotbase.webhooks set is_active = false, deleted_at = slotbase.now(), deleted_by = ${rootUserId} where id = ${deleted}`
  await db`update slotbase.webhook_versions set ended = true where webhook_id = ${deleted}`
  await db`update slotbase.settings set keep_events = '2 years'`
  await later("401 days")
  await recordMany(db, 1)
  await dispatchAll(db)
  await db`delete from slotbase.delivery_queue`
  expect((await run()).webhooks).toBeUndefined()
  await db`update slotbase.settings set keep_events = '6 months'`
  expect((await run()).webhooks).toBe(1)
  expect(await idsOf("webhooks", [deleted, kept])).toEqual([kept])
  expect(await db`select from slotbase.webhook_versions where webhook_id = ${deleted}`).toHaveLength(0)
  expect(await db`select from slotbase.webhook_sequences where webhook_id = ${deleted}`).toHaveLength(0)
})

test("lost items, closures, reminders, invitations, days of the cache and failed attempts to pay leave at their ages", async () => {
  const person = await registered()
  const parent = await registered()
  const booking = await aBooking("confirmed", person)
  await db`insert into slotbase.lost_items (id, facility_id, description, category, found_location, reported_by)
           values (${newId()}, ${facilityId}, 'Racket', 'racket', 'Court 1', ${person})`
  await db`insert into slotbase.closures (id, facility_id, start_at, end_at, whole_facility, reason, created_by)
           values (${newId()}, ${facilityId}, slotbase.now(), slotbase.now() + interval '1 day', true, 'Repair', ${person})`
  await db`insert into slotbase.booking_reminders (booking_id, facility_id, reminder_type, channel, start_at, user_id, status)
           values (${booking}, ${facilityId}, '24h', 'email', slotbase.now(), ${person}, 'due')`
  await db`insert into slotbase.child_links (id, parent_id, child_id, relationship, is_primary, permissions, status, created_by)
           values (${newId()}, ${parent}, ${person}, 'mother', true, '{}', 'declined', ${parent})`
  await db`insert into slotbase.availability_cache (facility_id, resource_id, day) values (${facilityId}, ${court}, slotbase.now()::date)`
  await db`insert into slotbase.local_provider_payments (key, facility_id, amount, currency, status, code)
           values (${newId()}, ${facilityId}, 100, 'EUR', 'failed', 'declined'), (${newId()}, ${facilityId}, 100, 'EUR', 'succeeded', null)`
  const left: Record<string, string[]> = {}
  for (const by of ["9 days", "85 days", "90 days", "190 days", "365 days"]) {
    await later(by)
    // The rows of the audit trail are those of this test's own moves of the clock.
    left[by] = Object.keys(await run()).filter((name) => name !== "months" && name !== "audit_log")
  }
  expect(left).toEqual({
    "9 days": ["availability_cache"],
    "85 days": ["booking_reminders", "local_provider_payments"],
    "90 days": ["child_links", "users"],
    "190 days": ["lost_items"],
    "365 days": ["closures"],
  })
  expect(await db`select from slotbase.local_provider_payments`).toHaveLength(1)
})

test("a run deletes at most 20,000 rows of a table, by its index, and the next run goes on", async () => {
  await db`insert into slotbase.dead_passes (id, actor, error, failed_at)
           select slotbase.new_id(), 'a', 'b', now() from generate_series(1, 20500) n`
  await later("91 days")
  expect(await run()).toMatchObject({ dead_passes: 20_000 })
  expect(await run()).toMatchObject({ dead_passes: 500 })
  expect((await run()).dead_passes).toBeUndefined()
})

test("a row that somebody holds is left for the next run", async () => {
  await db`insert into slotbase.dead_passes (id, actor, error, failed_at)
           select slotbase.new_id(), 'a', 'b', now() from generate_series(1, 3) n`
  await later("91 days")
  await db.begin(async (tx) => {
    await tx`select from slotbase.dead_passes order by id limit 1 for update`
    expect(await run()).toMatchObject({ dead_passes: 2 })
  })
  expect(await run()).toMatchObject({ dead_passes: 1 })
})
