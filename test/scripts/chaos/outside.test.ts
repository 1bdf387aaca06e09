// Requests and mails that arrived, compared with the tables. One too many and one too few are found. A duplicate is
// explained only by an attempt that may have arrived before.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { Tx } from "#base/database/transaction.ts"
import { newId } from "#base/ids.ts"
import {
  idOfMail,
  mailsAgainstMessages,
  miscounted,
  outOfCommitOrder,
  requestsAgainstAttempts,
  type Span,
  untrue,
} from "#scripts/chaos/check.ts"
import type { ReceivedRequest } from "#scripts/chaos/receivers.ts"
import type { Status } from "#scripts/chaos/visits.ts"
import { finishedWork } from "#test/harness/promises/finished-work.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
/** The requests of every attempt, the two that failed included. */
let requests: readonly ReceivedRequest[]
/** The Message-IDs of every mail. */
let mails: readonly string[]
beforeAll(async () => {
  database = await testDatabase()
  await finishedWork(database.db)
  const attempts = await database.db<{ attempt: string; event: string }[]>`
    select id as attempt, event_id as event from slotbase.webhook_attempts order by attempt, event_id`
  requests = attempts.map((row) => ({ ...row, answered: false }))
  const sent = await database.db<
    { id: string }[]
  >`select id from slotbase.notifications where status = 'sent' order by id`
  mails = sent.map(({ id }) => `<${id}@slotbase>`)
})
afterAll(() => database.drop())

/** Everything, and nothing came earlier. */
const span: Span = { after: 0, upTo: Number.MAX_SAFE_INTEGER, earlier: new Set() }

type Compared = Awaited<ReturnType<typeof requestsAgainstAttempts>>
const said = ({ wrong, explained }: Compared) => ({ wrong: Object.keys(wrong), explained })
const ofRequests = async (arrived: readonly ReceivedRequest[]) =>
  said(await requestsAgainstAttempts(database.db, arrived, span))
const ofMails = async (arrived: readonly string[]) => said(await mailsAgainstMessages(database.db, arrived, span))

test("each request has its attempt, and the attempts that failed explain the duplicates", async () => {
  expect(await ofRequests(requests)).toEqual({ wrong: [], explained: 2 })
})

test("a request that was answered with 200 must not count as failed", async () => {
  const answered = requests.map((request) => ({ ...request, answered: true }))
  expect(await ofRequests(answered)).toEqual({
    wrong: ["a request that was answered with 200 and counts as failed"],
    explained: 0,
  })
})

test("an attempt with an unknown outcome explains a duplicate, answered or not", async () => {
  const answered = requests.map((request) => ({ ...request, answered: true }))
  const found = await undone(async (tx) => {
    await tx`update slotbase.attempt_history set outcome = 'unknown' where outcome = 'failed'`
    return said(await requestsAgainstAttempts(tx, answered, span))
  })
  expect(found).toEqual({ wrong: [], explained: 2 })
})

test("a request without an attempt, an attempt that was sent twice, and a delivery that never arrived are found", async () => {
  const last = requests.slice(-1)
  const stranger: ReceivedRequest = { attempt: newId(), event: newId(), answered: false }
  expect((await ofRequests([...requests, stranger])).wrong).toEqual(["a request without its attempt"])
  expect((await ofRequests([...requests, ...last])).wrong).toEqual(["an attempt that was sent twice"])
  const delivered = await database.db<{ id: string }[]>`
    select id from slotbase.webhook_attempts where outcome = 'delivered' limit 1`
  const lost = requests.filter(({ attempt }) => attempt !== delivered[0]?.id)
  expect((await ofRequests(lost)).wrong).toEqual(["a delivery that never arrived"])
})

test("a mail without a message, one too many, one too few, and one that was skipped are found", async () => {
  expect(await ofMails(mails)).toEqual({ wrong: [], explained: 0 })
  expect((await ofMails([...mails, `<${newId()}@slotbase>`])).wrong).toEqual(["a mail without its message"])
  expect((await ofMails([...mails, ...mails.slice(0, 1)])).wrong).toEqual([
    "a mail that was sent more often than its message says",
  ])
  expect((await ofMails(mails.slice(1))).wrong).toEqual(["a mail that never arrived"])
  const skipped = await undone(async (tx) => {
    await tx`update slotbase.notifications set status = 'skipped' where channel = 'email'`
    return said(await mailsAgainstMessages(tx, mails, span))
  })
  expect(skipped.wrong).toEqual(["a mail that was skipped"])
})

test("what arrived before the last check, and what is sent after the work was done, is not missed", async () => {
  const [first] = requests.filter(({ attempt }) => attempt !== undefined).slice(-1)
  const others = requests.filter(({ attempt }) => attempt !== first?.attempt)
  const earlier = new Set([first?.attempt ?? "", idOfMail(mails[0] ?? "")])
  expect(said(await requestsAgainstAttempts(database.db, others, { ...span, earlier })).wrong).toEqual([])
  expect(said(await mailsAgainstMessages(database.db, mails.slice(1), { ...span, earlier })).wrong).toEqual([])
  expect(said(await requestsAgainstAttempts(database.db, [], { ...span, upTo: 0 })).wrong).toEqual([])
  expect(said(await mailsAgainstMessages(database.db, [], { ...span, upTo: 0 })).wrong).toEqual([])
})

test("a mail that arrived again is explained only by a send with an unknown outcome", async () => {
  const again = (unknown: number) =>
    undone(async (tx) => {
      await tx`update slotbase.notifications set attempts = 2, unknown_outcomes = ${unknown} where channel = 'email'`
      return said(await mailsAgainstMessages(tx, [...mails, ...mails.slice(0, 1)], span))
    })
  expect(await again(0)).toEqual({ wrong: ["a mail that came again although its delivery was known"], explained: 0 })
  expect(await again(1)).toEqual({ wrong: [], explained: 1 })
})

test("a booking that differs from its answer, and a booking without an answer, are found", async () => {
  const { db } = database
  const bookings = await db<{ id: string; status: Status }[]>`select id, status from slotbase.bookings order by id`
  const told = new Map(bookings.map(({ id, status }) => [id, status]))
  expect([...(await untrue(db, told)), ...(await miscounted(db, told.size))]).toEqual([])
  const [[id, status] = ["", "held"]] = told
  const otherwise = status === "confirmed" ? "cancelled" : "confirmed"
  expect([...(await untrue(db, new Map([[id, otherwise]])))] as object[]).toEqual([{ id, told: otherwise, status }])
  const stranger = newId()
  expect([...(await untrue(db, new Map([[stranger, "held"]])))] as object[]).toEqual([
    { id: stranger, told: "held", status: null },
  ])
  expect([...(await miscounted(db, told.size - 1))] as object[]).toEqual([
    { bookings: told.size, answered: told.size - 1 },
  ])
})

test("two positions of a booking that are not in the order of their commits are found", async () => {
  expect(await outOfCommitOrder(database.db, 0)).toHaveLength(0)
  const found = await undone(async (tx) => {
    await tx`
      update slotbase.event_positions p set event_id = o.event_id, type = o.type from slotbase.event_positions o
      join slotbase.events e on e.id = o.event_id
      where e.aggregate_id = (select id::text from slotbase.bookings where status = 'cancelled') and p.position <> o.position
        and p.event_id in (select id from slotbase.events where aggregate_id = e.aggregate_id)`
    return outOfCommitOrder(tx, 0)
  })
  expect([...found]).toMatchObject([{ type: "booking.confirmed" }])
})

/** The result of a transaction that is rolled back. */
async function undone<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
  let found: T | undefined
  await database.db
    .begin(async (tx) => {
      found = await work(tx)
      throw new Undone()
    })
    .catch((error: unknown) => {
      if (!(error instanceof Undone)) throw error
    })
  return found as T
}

class Undone extends Error {}
