// An answer is whole or an error, wherever it is cut and whatever came before on its connection. The stock driver
// continued its row count from the previous, unfinished answer. The next result then began with holes, and `const [row]
// = …` found no row. A valid key was answered 401 while backends were terminated and the server had no connection left.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { connect, type Db } from "#base/database/db.ts"
import { type Cut, startCuttingProxy } from "#test/harness/outside/cutting-proxy.ts"
import { emptyDatabase, type TestDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let messages: string

beforeAll(async () => {
  database = await emptyDatabase()
  const proxy = await startCuttingProxy(database.url)
  const db = open(proxy)
  for (let nth = 0; nth < questions; nth++) await ask(db)
  await db.end()
  messages = proxy.messages()
  proxy.stop()
})

afterAll(() => database.drop())

test("a statement that fails after some of its rows leaves the next answer whole", async () => {
  const db = open(database)
  const failed = await db`select 6 / (3 - n) as part from generate_series(1, 4) n`.catch((error) => error.code)
  const after = await ask(db)
  await db.end()
  expect([failed, after]).toEqual(["22012", whole])
})

test("the cut messages include the driver's start, its query for the types, and both forms of a query", () => {
  expect(messages.replace(/S+/, "S").replace(/D{9,}/, "D…")).toBe("RRRRSKZ1tT2D…CZ1tT2DDDCZ2DDDCZ2DDDCZ2DDDCZ")
})

const refused: Cut = { after: 0, says: "53300" }
const ways: readonly [how: string, cuts: (after: number) => readonly Cut[]][] = [
  ["is cut", (after) => [{ after }]],
  ["ends with the FATAL of a terminated backend", (after) => [{ after, says: "57P01" }]],
  ["ends so on a server that has no connection left then", (after) => [{ after, says: "57P01" }, refused, refused]],
]

for (const [how, cuts] of ways) {
  test(`an answer that ${how}, after any of its messages, is an error, and the next ones are whole`, async () => {
    const answered = await Promise.all(
      [...telling(messages)].map(async (after) => ({ after, ...(await askBehind(cuts(after))) })),
    )
    expect(answered.filter(({ wrong, last }) => wrong.length > 0 || !Bun.deepEquals(last, whole))).toEqual([])
  })
}

test("a connection whose query for the types is cancelled gives no answer without the types", async () => {
  const proxy = await startCuttingProxy(database.url, { after: messages.indexOf("D") + 10, says: "57014", stays: true })
  const db = open(proxy)
  const answers = [await ask(db), await ask(db)]
  await db.end()
  proxy.stop()
  expect(answers).toEqual(["57014", whole])
})

/**
 * The first question is described first, the second is already prepared. Later ones meet the connection as both left
 * it.
 */
const questions = 4
const losses: ReadonlySet<unknown> = new Set(["CONNECTION_CLOSED", "57P01", "53300"])
const whole = [1, 2, 3].map((n) => ({ n, words: ["a", "b"] }))

const open = (through: { url: string }) => connect(through.url, { applicationName: "slotbase cut", max: 1 })

/** The rows, or the code of the error. */
const ask = (db: Db): Promise<unknown> =>
  db`select n, array['a', 'b'] as words from generate_series(1, ${3}::integer) n`.then(
    (rows) => Array.from(rows),
    (error) => error.code,
  )

/** The answers that are neither whole nor a lost connection, and the last answer, which comes after the last cut. */
async function askBehind(cuts: readonly Cut[]): Promise<{ wrong: unknown[]; last: unknown }> {
  const proxy = await startCuttingProxy(database.url, ...cuts)
  const db = open(proxy)
  const answers: unknown[] = []
  for (let nth = 0; nth < questions + cuts.length; nth++) answers.push(await ask(db))
  await db.end()
  proxy.stop()
  return {
    wrong: answers.filter((answer) => !Bun.deepEquals(answer, whole) && !losses.has(answer)),
    last: answers.at(-1),
  }
}

/**
 * Where to cut: before and after every message. Of hundreds of consecutive rows, only the first and the last are cut.
 */
function* telling(types: string): Generator<number> {
  for (let after = 0; after < types.length; after++) {
    if (types[after] !== "D" || types[after - 1] !== "D" || types[after - 2] !== "D" || types[after + 1] !== "D")
      yield after
  }
}
