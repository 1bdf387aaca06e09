// The budget of a facility's agents under kills, and many calls at once.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { newId } from "#base/ids.ts"
import { askOnce } from "#domain/agents/calls/ask.ts"
import { listAgentCalls } from "#domain/agents/calls/list.ts"
import { ServiceRefused } from "#domain/agents/services/service.ts"
import { changeAgentSettings, readAgentSettings, usedInMonth, usedTokensOf } from "#domain/agents/settings.ts"
import { aClub, type Club, run } from "#test/harness/club/club.ts"
import { type FakeAi, fakeAi } from "#test/harness/outside/fake-ai.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let club: Club
let ai: FakeAi
beforeAll(async () => {
  ai = fakeAi()
  database = await testDatabase()
  club = await aClub(database.db)
})
afterAll(async () => {
  await ai.stop()
  await database.drop()
})

const signal = new AbortController().signal
const callOf = (eventId: string, reserve: number) => ({
  ...({ facilityId: club.id, eventId, agent: "FeedbackEnhancementAgent", purpose: "text", model: "writer-1" } as const),
  ...{ endpoint: "ai.example", subjectId: eventId, aboutChild: false, sent: { noteCharacters: 10 }, reserve },
})
const used = () => usedTokensOf(database.db, club.id)
const allow = (monthlyBudget: number, monthlyAmount?: number | null) =>
  run(database.db, (tx) =>
    changeAgentSettings(tx, club.admin.caller, club.id, {
      ...{ whoseWords: "adults", monthlyBudget },
      ...(monthlyAmount !== undefined && { monthlyAmount }),
    }),
  )
const standing = () => readAgentSettings(database.db, club.admin.caller, club.id)

test("a process that is killed while the service answers leaves one reservation, and the next one is charged once", async () => {
  const eventId = newId()
  const begin = () =>
    Bun.spawn([process.execPath, "test/harness/pipeline/ask-service.ts", database.url, ai.url, club.id, eventId], {
      stdout: "pipe",
    })
  ai.instead.push(() => new Promise<Response>(() => {}))
  const killed = begin()
  await eventually(async () => expect(ai.asked).toHaveLength(1))
  killed.kill("SIGKILL")
  await killed.exited
  expect(await used()).toBe(400)
  const next = begin()
  expect(JSON.parse(await new Response(next.stdout).text())).toMatchObject({ skills: ["Backhand", "Footwork"] })
  expect(await next.exited).toBe(0)
  expect(ai.asked.map(({ key }) => key)).toEqual([ai.asked[0]?.key ?? "", ai.asked[0]?.key ?? ""])
  expect(await used()).toBe(120)
  // A third run takes the answer that is kept.
  const third = begin()
  await third.exited
  expect([ai.asked.length, await used()]).toEqual([2, 120])
})

test("many calls at once never reserve more than the budget has", async () => {
  await allow(120 + 1_000)
  let asked = 0
  const wait = Promise.withResolvers<void>()
  const ask = async () => {
    if (++asked === 10) wait.resolve()
    await wait.promise
    return { value: "text", usedTokens: 100 }
  }
  const all = await Promise.all(
    Array.from({ length: 30 }, () => askOnce(database.db, callOf(newId(), 100), signal, ask)),
  )
  expect([asked, all.filter((each) => each === undefined).length]).toEqual([10, 20])
  expect(await used()).toBe(120 + 1_000)
})

test("a service that says no tokens is charged what was reserved, and a refusal what it used", async () => {
  await allow(100_000)
  const before = await used()
  await askOnce(database.db, callOf(newId(), 70), signal, async () => ({ value: "x", usedTokens: undefined }))
  expect(await used()).toBe(before + 70)
  const refused = askOnce(database.db, callOf(newId(), 70), signal, async () => {
    throw new ServiceRefused("nonsense", 30)
  })
  await expect(refused).rejects.toThrow("nonsense")
  expect(await used()).toBe(before + 100)
})

test("a budget in money is kept to the millionth, and the price of each call is on record", async () => {
  const { db } = database
  const before = await usedInMonth(db, club.id)
  // 37.5 cents for a million tokens: 100,000 tokens are 3.75 cents.
  const call = () => ({ ...callOf(newId(), 100_000), prices: { EUR: 37.5, USD: 1 } })
  const ask = async () => ({ value: "text", usedTokens: 100_000 })
  const cents = Math.ceil(before.amount) + 8
  await allow(1_000_000, cents)
  const asked = [await askOnce(db, call(), signal, ask), await askOnce(db, call(), signal, ask)]
  expect([...asked, await askOnce(db, call(), signal, ask)]).toEqual(["text", "text", undefined])
  expect((await usedInMonth(db, club.id)).amount).toBe(before.amount + 7.5)
  expect(await standing()).toMatchObject({
    monthlyAmount: cents,
    usedAmount: Math.ceil(before.amount + 7.5),
    currency: "EUR",
  })
  const { data } = await listAgentCalls(db, club.admin.caller, club.id, { limit: "1" })
  expect(data).toMatchObject([{ usedTokens: 100_000, currency: "EUR", costMillionths: 3_750_000 }])
})

test("without a price in the facility's currency nothing is asked while there is a budget in money", async () => {
  const { db } = database
  const ask = async () => ({ value: "text", usedTokens: 1 })
  const call = () => ({ ...callOf(newId(), 1), prices: { USD: 1 } })
  expect(await askOnce(db, call(), signal, ask)).toBeUndefined()
  // Left out, the amount stays; null takes it away.
  await allow(1_000_000)
  expect(await askOnce(db, call(), signal, ask)).toBeUndefined()
  await allow(1_000_000, null)
  expect(await askOnce(db, call(), signal, ask)).toBe("text")
  const { data } = await listAgentCalls(db, club.admin.caller, club.id, { limit: "1" })
  expect(data).toMatchObject([{ currency: null, costMillionths: null }])
})

test("a new month has its whole budget again", async () => {
  expect(await used()).toBeGreaterThan(0)
  await database.db`update slotbase.clock set shift = interval '32 days'`
  expect(await used()).toBe(0)
  await database.db`update slotbase.clock set shift = '0'`
})
