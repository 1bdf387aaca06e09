// Dead letters: a dead-lettered run can be reprocessed, exactly once per decision, and the ledger balances throughout.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { GiveUp, type TransactionalHandler } from "#actors/handlers/handler.ts"
import { runHandler } from "#actors/runs/run-handler.ts"
import { NotFound } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import { record } from "#events/outbox.ts"
import { ignore, listDeadLetters, reprocess, resolveByHand } from "#operations/dead-letters/dead-letters.ts"
import { aCheckIn, aClub, type Club, run } from "#test/harness/club/club.ts"
import {
  actorProcess,
  dispatchAll,
  failure,
  processRow,
  runsOf,
  subscribe,
  unbalanced,
} from "#test/harness/pipeline/pipeline.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let club: Club
let broken = true
let owner = 0

const handler: TransactionalHandler = {
  kind: "transactional",
  name: "FragileHandler",
  events: ["booking.checked_in"],
  handle: async () => {
    if (broken) throw new GiveUp("it is broken", "broken")
    return undefined
  },
}

beforeAll(async () => {
  database = await testDatabase()
  club = await aClub(database.db)
  owner = await processRow(database.db, true)
  await subscribe(database.db, handler.name, "booking.checked_in")
})
afterAll(() => database.drop())

test("a dead-lettered run is in the list with its event and its errors", async () => {
  const { db } = database
  const eventId = await die()
  const { data } = await listDeadLetters(db, { facilityId: club.id, limit: 10 })
  expect(data).toEqual([
    {
      id: expect.any(String),
      eventId,
      handler: "FragileHandler",
      event: expect.objectContaining({ id: eventId, type: "booking.checked_in" }),
      errors: [
        expect.objectContaining({
          eventId,
          eventType: "booking.checked_in",
          handlerName: "FragileHandler",
          status: "dead_letter",
          error: expect.objectContaining({ message: "it is broken", code: "broken" }),
        }),
      ],
      action:
        "Mend the cause that the last error names, then reprocess it: the handler runs again, with the retries of a new event.",
      createdAt: expect.any(String),
      lastAttemptAt: expect.any(String),
    } as never,
  ])
})

test("reprocessing repeats the run at its old position, and records its requester", async () => {
  const { db } = database
  const eventId = await die()
  const entry = await entryOf(eventId)
  const [before] = await db<
    { position: number }[]
  >`select position from slotbase.event_positions where event_id = ${eventId}`
  broken = false
  const resolved = await run(db, (tx) => reprocess(tx, club.admin.caller, entry.id, club.id))
  expect(resolved).toMatchObject({ resolution: "reprocessed", resolvedBy: club.admin.id })
  expect([...(await unbalanced(db))]).toEqual([])
  await work()
  const runs = (await runsOf(db, handler.name)).filter(({ position }) => position === before?.position)
  expect(runs.map(({ status }) => status)).toEqual(["success"])
  expect([...(await unbalanced(db))]).toEqual([])
})

test("a run that is dead-lettered again opens the same entry, with all its errors", async () => {
  const { db } = database
  const eventId = await die()
  const entry = await entryOf(eventId)
  await run(db, (tx) => reprocess(tx, club.admin.caller, entry.id, club.id))
  await work()
  const again = await entryOf(eventId)
  expect([again.id, again.resolvedAt, again.errors.length]).toEqual([entry.id, undefined, 2])
})

test("a resolved entry is not resolved again, and of two decisions at once one counts", async () => {
  const { db } = database
  const entry = await entryOf(await die())
  const admin = club.admin.caller
  const outcomes = await Promise.all(
    [reprocess, ignore, resolveByHand].map((decide) => failure(run(db, (tx) => decide(tx, admin, entry.id, club.id)))),
  )
  const refused = outcomes.filter((outcome) => outcome !== "it did not fail")
  expect(refused).toHaveLength(2)
  for (const error of refused) expect(error).toMatchObject({ _tag: "WrongState", code: "dead_letter_resolved" })
})

test("ignored and resolved by hand are different states, and the run stays dead-lettered", async () => {
  const { db } = database
  const [first, second] = [await entryOf(await die()), await entryOf(await die())]
  const admin = club.admin.caller
  expect(await run(db, (tx) => ignore(tx, admin, first.id, club.id))).toMatchObject({ resolution: "ignored" })
  expect(await run(db, (tx) => resolveByHand(tx, admin, second.id))).toMatchObject({ resolution: "manual" })
  expect([...(await unbalanced(db))]).toEqual([])
})

test("the list can be filtered and read page by page", async () => {
  const { db } = database
  const mine = await aClub(db)
  const events = [await die(mine), await die(mine), await die(mine)]
  const admin = mine.admin.caller
  const [entry] = (await listDeadLetters(db, { facilityId: mine.id, limit: 10 })).data
  await run(db, (tx) => ignore(tx, admin, entry?.id ?? "", mine.id))
  const idsOf = async (filter: { resolved?: boolean; handler?: string }) =>
    (await listDeadLetters(db, { facilityId: mine.id, limit: 10, ...filter })).data.map(({ eventId }) => eventId)
  expect(await idsOf({ resolved: true })).toEqual([entry?.eventId ?? ""])
  expect((await idsOf({ resolved: false })).length).toBe(2)
  expect(await idsOf({ handler: "AnotherHandler" })).toEqual([])
  const first = await listDeadLetters(db, { facilityId: mine.id, limit: 2 })
  const second = await listDeadLetters(db, { facilityId: mine.id, limit: 2, after: first.next ?? undefined })
  expect([...first.data, ...second.data].map(({ eventId }) => eventId).sort()).toEqual([...events].sort())
  expect(second.next).toBeNull()
})

test("reprocessing is refused when no handler is left for the work, or the event is gone", async () => {
  const { db } = database
  const entry = await entryOf(await die())
  const admin = club.admin.caller
  await db`update slotbase.handlers set ended = true where handler = ${handler.name}`
  expect(await failure(run(db, (tx) => reprocess(tx, admin, entry.id, club.id)))).toMatchObject({
    code: "handler_gone",
  })
  await db`update slotbase.handlers set ended = false where handler = ${handler.name}`
  await db`delete from slotbase.events where id = ${entry.eventId}`
  expect(await failure(run(db, (tx) => reprocess(tx, admin, entry.id, club.id)))).toMatchObject({ code: "event_gone" })
})

test("another facility's dead letter is not found", async () => {
  const { db } = database
  const other = await aClub(db)
  const entry = await entryOf(await die())
  const admin = other.admin.caller
  expect(await failure(run(db, (tx) => reprocess(tx, admin, entry.id, other.id)))).toBeInstanceOf(NotFound)
  expect(await failure(run(db, (tx) => ignore(tx, admin, newId())))).toBeInstanceOf(NotFound)
})

/** Records an event that the handler gives up on; returns its id. */
async function die(at: Club = club): Promise<string> {
  broken = true
  const eventId = await run(database.db, async (tx) => record(tx, aCheckIn(at)))
  await dispatchAll(database.db)
  await work()
  return eventId
}

async function work(): Promise<void> {
  const actor = runHandler(testApp(database.db), handler, actorProcess(owner))
  while ((await actor.pass(new AbortController().signal)).more) {}
}

async function entryOf(eventId: string) {
  const { data } = await listDeadLetters(database.db, { limit: 100 })
  const entry = data.find((each) => each.eventId === eventId)
  if (!entry) throw new Error(`no dead letter of ${eventId}`)
  return entry
}
