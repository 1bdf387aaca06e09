// What arrived outside against what is written down: a request or a mail too many or too few is found, and a duplicate is
// explained only by an attempt that may have arrived before.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { mailsAgainstMessages, requestsAgainstAttempts } from "../../scripts/chaos/check.ts"
import type { Request } from "../../scripts/chaos/receiver.ts"
import type { Tx } from "../../src/database/db.ts"
import { newId } from "../../src/ids.ts"
import { type TestDatabase, testDatabase } from "../harness/database.ts"
import { finishedWork } from "../harness/finished-work.ts"

let database: TestDatabase
/** Every attempt, the two that failed included; and every mail. */
let requests: readonly Request[]
let mails: readonly string[]
beforeAll(async () => {
  database = await testDatabase()
  await finishedWork(database.db)
  const attempts = await database.db<{ attempt: string; event: string }[]>`
    select id as attempt, event_id as event from slotbase.webhook_attempts order by attempt, event_id`
  requests = attempts.map((row) => ({ ...row, endpoint: "moody" }))
  const sent = await database.db<
    { id: string }[]
  >`select id from slotbase.notifications where status = 'sent' order by id`
  mails = sent.map(({ id }) => `<${id}@slotbase>`)
})
afterAll(() => database.drop())

type Compared = Awaited<ReturnType<typeof requestsAgainstAttempts>>
const said = ({ wrong, explained }: Compared) => ({ wrong: Object.keys(wrong), explained })
const ofRequests = async (arrived: readonly Request[]) => said(await requestsAgainstAttempts(database.db, arrived, 0))
const ofMails = async (arrived: readonly string[]) => said(await mailsAgainstMessages(database.db, arrived, 0))

test("each request is its attempt's, and those that did not deliver explain the repetition", async () => {
  expect(await ofRequests(requests)).toEqual({ wrong: [], explained: 2 })
})

test("an endpoint that has answered everything with 200 was not asked again for an attempt that failed", async () => {
  const steady = requests.map((request) => ({ ...request, endpoint: "steady" as const }))
  expect(await ofRequests(steady)).toEqual({
    wrong: ["a request that was answered with 200 and counts as failed"],
    explained: 0,
  })
})

test("an attempt whose outcome is unknown explains a repetition everywhere", async () => {
  const steady = requests.map((request) => ({ ...request, endpoint: "steady" as const }))
  const found = await undone(async (tx) => {
    await tx`update slotbase.attempt_history set outcome = 'unknown' where outcome = 'failed'`
    return said(await requestsAgainstAttempts(tx, steady, 0))
  })
  expect(found).toEqual({ wrong: [], explained: 2 })
})

test("a request under no attempt, the same attempt twice, and a delivery that never arrived are found", async () => {
  const last = requests.slice(-1)
  const stranger: Request = { attempt: newId(), event: newId(), endpoint: "moody" }
  expect((await ofRequests([...requests, stranger])).wrong).toEqual(["a request that nobody wrote down"])
  expect((await ofRequests([...requests, ...last])).wrong).toEqual(["an attempt that was sent twice"])
  const delivered = await database.db<{ id: string }[]>`
    select id from slotbase.webhook_attempts where outcome = 'delivered' limit 1`
  const lost = requests.filter(({ attempt }) => attempt !== delivered[0]?.id)
  expect((await ofRequests(lost)).wrong).toEqual(["a delivery that never arrived"])
})

test("a mail under no message, one too many, one too few, and one that was skipped are found", async () => {
  expect(await ofMails(mails)).toEqual({ wrong: [], explained: 0 })
  expect((await ofMails([...mails, `<${newId()}@slotbase>`])).wrong).toEqual(["a mail that nobody wrote down"])
  expect((await ofMails([...mails, ...mails.slice(0, 1)])).wrong).toEqual([
    "a mail that was sent more often than was written down",
  ])
  expect((await ofMails(mails.slice(1))).wrong).toEqual(["a mail that never arrived"])
  const skipped = await undone(async (tx) => {
    await tx`update slotbase.notifications set status = 'skipped' where channel = 'email'`
    return said(await mailsAgainstMessages(tx, mails, 0))
  })
  expect(skipped.wrong).toEqual(["a mail that was skipped"])
})

/** What is found in a transaction that is taken back. */
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
