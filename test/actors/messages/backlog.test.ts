// Many events of one facility at once. Their messages are written in turn with those of the others, in their order. A
// text that can't be made costs no neighbour.

import { afterEach, beforeEach, expect, test } from "bun:test"
import { notificationHandler } from "#actors/handlers/notification.ts"
import { writeMessages } from "#actors/messages/write-messages.ts"
import type { Db } from "#base/database/db.ts"
import { record, transact } from "#events/outbox.ts"
import { aFacility, aPerson } from "#test/harness/club/factories.ts"
import { context, dispatchAll, sample } from "#test/harness/pipeline/pipeline.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db
let mia: string
let large: string
let small: string
const { signal } = new AbortController()

beforeEach(async () => {
  database = await testDatabase()
  db = database.db
  mia = (await aPerson(db)).id
  large = (await aFacility(db)).id
  small = (await aFacility(db)).id
})
afterEach(() => database.drop())

test("of many events of one facility the run writes a few, and another facility's messages are written at once", async () => {
  const events = await told([...Array.from({ length: 80 }, () => large), small, small])
  await run(events)
  expect(await written()).toEqual({ [large]: 25, [small]: 2 })
  expect(await waiting()).toBe(55)

  // What comes later in the large one waits behind its backlog.
  await run(await told([large, small]))
  expect(await written()).toEqual({ [large]: 25, [small]: 3 })
  const writer = writeMessages(testApp(db))
  while ((await writer.pass(signal)).more);
  expect(await written()).toEqual({ [large]: 81, [small]: 3 })
  expect(await waiting()).toBe(0)
})

test("two processes write a backlog once, and a process that is killed in its turn leaves it as it was", async () => {
  await run(await told(Array.from({ length: 100 }, () => large)))
  const tools = testApp(db)
  const killed = db.begin(async (tx) => {
    await tx`delete from slotbase.message_backlog where facility_id = ${large}`
    throw new Error("killed")
  })
  await expect(killed).rejects.toThrow("killed")
  const writers = [writeMessages(tools), writeMessages(tools)]
  while (await waiting()) await Promise.all(writers.map((writer) => writer.pass(signal)))
  expect(await written()).toEqual({ [large]: 100 })
})

test("an event of a backlog whose text can't be made is a dead letter by itself", async () => {
  const events = await told(Array.from({ length: 40 }, () => large))
  const broken = events[30]
  await db`alter table slotbase.events disable trigger all`
  await db`update slotbase.events set data = data || '{"timezone": "Europe/Atlantis"}' where id = ${broken?.id ?? ""}`
  await run(events)
  const writer = writeMessages(testApp(db))
  while ((await writer.pass(signal)).more);
  expect(await written()).toEqual({ [large]: 39 })
  const letters = await db`select event_id, errors -> -1 -> 'error' ->> 'code' as code from slotbase.dead_letters`
  expect(letters.map((row) => ({ ...row }))).toEqual([{ event_id: broken?.id, code: "not_rendered" }])
})

/** Events of bookings, in this order of facilities; only the booker is told. */
async function told(facilities: readonly string[]) {
  const { eventIds } = await transact(db, context, async (tx) => {
    for (const id of facilities)
      record(tx, sample("booking.confirmed", { facilityId: id, bookerId: mia, participants: [] }, id))
  })
  await dispatchAll(db)
  return db`
    select e.*, p.position from slotbase.events e join slotbase.event_positions p on p.event_id = e.id
    where e.id = any (${eventIds as string[]}) order by p.position`
}

const run = (events: readonly unknown[]) =>
  db.begin((tx) => notificationHandler(testApp(db)).handleAll(tx, events as never))

async function written(): Promise<Record<string, number>> {
  const rows = await db<{ facility_id: string; count: number }[]>`
    select facility_id, count(*) from slotbase.notifications where channel = 'email' group by 1`
  return Object.fromEntries(rows.map(({ facility_id, count }) => [facility_id, count]))
}

async function waiting(): Promise<number> {
  const [row] = await db<[{ count: number }]>`select count(*) from slotbase.message_backlog`
  return row.count
}
