// Many events of one facility at once. Their messages are written in turn with those of the others, in their order. A
// text that can't be made costs no neighbour.

import { afterEach, beforeEach, expect, test } from "bun:test"
import { notificationHandler } from "#actors/handlers/notification.ts"
import { writeMessages } from "#actors/messages/write-messages.ts"
import type { Db } from "#base/database/db.ts"
import { record, transact } from "#events/outbox.ts"
import { type BacklogTurn, claimBacklog, takeFromBacklog } from "#outbound/messages/backlog.ts"
import { aFacility, aPerson } from "#test/harness/club/factories.ts"
import { actorProcess, context, dispatchAll, endProcess, processRow, sample } from "#test/harness/pipeline/pipeline.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db
let mia: string
let large: string
let small: string
const { signal } = new AbortController()

/** The actor in a process of its own. */
const writerOf = async (tools = testApp(db)) => {
  const owner = await processRow(db, true)
  const process = actorProcess(owner)
  return { ...writeMessages(tools, process), quarantine: process.quarantine, die: () => endProcess(db, owner) }
}

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
  const writer = await writerOf()
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
  const writers = [await writerOf(tools), await writerOf(tools)]
  while (await waiting()) await Promise.all(writers.map((writer) => writer.pass(signal)))
  expect(await written()).toEqual({ [large]: 100 })
})

test("a process that is killed in the middle of a turn has written nothing, and another one writes it", async () => {
  await run(await told(Array.from({ length: 60 }, () => large)))
  const dying = await writerOf()
  await db.unsafe(`
    create function public.die() returns trigger language plpgsql as $$ begin raise exception 'killed'; end $$;
    create trigger die after insert on slotbase.notifications for each statement execute function public.die()`)
  await expect(dying.pass(signal)).rejects.toThrow("killed")
  expect([await written(), await waiting()]).toEqual([{ [large]: 25 }, 35])
  await db`drop trigger die on slotbase.notifications`
  const heir = await writerOf()
  // The turn is the other's while that lives.
  expect(await heir.pass(signal)).toEqual({ more: false })
  await dying.die()
  while ((await heir.pass(signal)).more);
  expect([await written(), await waiting()]).toEqual([{ [large]: 60 }, 0])
})

test("a turn that was taken over while its process stood still writes nothing more", async () => {
  await run(await told(Array.from({ length: 40 }, () => large)))
  const [frozen, heir] = [await processRow(db, true), await processRow(db, true)]
  const turn = await claimBacklog(db, large, frozen, 25)
  expect(turn).toMatchObject({ turns: 1 })
  expect(await claimBacklog(db, large, heir, 25)).toBeUndefined()
  await endProcess(db, frozen)
  expect(await claimBacklog(db, large, heir, 25)).toMatchObject({ turns: 2 })
  expect(await db.begin((tx) => takeFromBacklog(tx, large, frozen, turn as BacklogTurn))).toEqual([])
})

test("an event that fails at every turn is a dead letter after five, and costs its neighbours two turns", async () => {
  const events = await told(Array.from({ length: 40 }, () => large))
  const broken = events[30]
  await run(events)
  await db.unsafe(`
    create function public.refuse() returns trigger language plpgsql as $$
    begin
      if new.event_id = '${broken?.id}' then raise exception 'no room for it'; end if;
      return new;
    end $$;
    create trigger refuse before insert on slotbase.notifications for each row execute function public.refuse()`)
  const writer = await writerOf()
  let failures = 0
  for (let nth = 0; nth < 20 && (await waiting()) > 0; nth++)
    await writer.pass(signal).catch((error: Error) => {
      expect(error.message).toContain("no room for it")
      failures++
    })
  expect(failures).toBe(4)
  expect(await written()).toEqual({ [large]: 39 })
  expect(await letters()).toEqual([{ event_id: broken?.id, code: "not_rendered" }])
})

test("an event whose turns never ended is never begun beside a run that may end the process", async () => {
  await run(await told(Array.from({ length: 26 }, () => large)))
  // As two processes that were killed leave it.
  await db`update slotbase.message_backlog set turns = 2`
  const writer = await writerOf()
  const handled = Promise.withResolvers<void>()
  const running = writer.quarantine.handleRun(() => handled.promise)
  expect(await writer.pass(signal)).toEqual({ more: false })
  expect([...(await db`select turns from slotbase.message_backlog`)]).toEqual([{ turns: 2 }])
  handled.resolve()
  await running
  while ((await writer.pass(signal)).more);
  expect([await written(), await waiting()]).toEqual([{ [large]: 26 }, 0])
})

test("an event that ends each process that begins with it is a dead letter after five, and the others are written", async () => {
  const events = await told(Array.from({ length: 40 }, () => large))
  const deadly = events[30]
  await run(events)
  // As a process that was killed leaves it: its turn was claimed, and nothing came of it.
  let ended = 0
  for (let nth = 0; nth < 40; nth++) {
    const owner = await processRow(db, true)
    const turn = await claimBacklog(db, large, owner, 25)
    const ids = await db<{ event_id: string }[]>`select event_id from slotbase.message_backlog where owner = ${owner}`
    if (turn === undefined || turn.turns > 5) break
    if (ids.some(({ event_id }) => event_id === deadly?.id)) ended++
    else await db.begin((tx) => takeFromBacklog(tx, large, owner, turn))
    await endProcess(db, owner)
  }
  expect(ended).toBe(5)
  await db`update slotbase.processes set alive_until = clock_timestamp() - interval '1 s'`
  const writer = await writerOf()
  while ((await writer.pass(signal)).more);
  expect(await letters()).toEqual([{ event_id: deadly?.id, code: "not_rendered" }])
  expect(await waiting()).toBe(0)
})

test("an event of a backlog whose text can't be made is a dead letter by itself", async () => {
  const events = await told(Array.from({ length: 40 }, () => large))
  const broken = events[30]
  await db`alter table slotbase.events disable trigger all`
  await db`update slotbase.events set data = data || '{"timezone": "Europe/Atlantis"}' where id = ${broken?.id ?? ""}`
  await run(events)
  const writer = await writerOf()
  while ((await writer.pass(signal)).more);
  expect(await written()).toEqual({ [large]: 39 })
  expect(await letters()).toEqual([{ event_id: broken?.id, code: "not_rendered" }])
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

async function letters() {
  const rows = await db`select event_id, errors -> -1 -> 'error' ->> 'code' as code from slotbase.dead_letters`
  return rows.map((row) => ({ ...row }))
}

async function written(): Promise<Record<string, number>> {
  const rows = await db<{ facility_id: string; count: number }[]>`
    select facility_id, count(*) from slotbase.notifications where channel = 'email' group by 1`
  return Object.fromEntries(rows.map(({ facility_id, count }) => [facility_id, count]))
}

async function waiting(): Promise<number> {
  const [row] = await db<[{ count: number }]>`select count(*) from slotbase.message_backlog`
  return row.count
}
