// The demo of many days: its ledger of ticks, the same month for the same seed, bills, and a clock that was moved back.
// It plays twenty days, so it is a form of its own: ./scripts/test month. The suite plays some days with the README.

import { expect, test } from "bun:test"
import { slotbaseWith } from "#test/harness/setup/command-line.ts"
import { testDatabase } from "#test/harness/setup/database.ts"
import { freePort } from "#test/harness/setup/system.ts"

const timeout = 300_000

type Database = Awaited<ReturnType<typeof testDatabase>>

interface Played {
  readonly code: number
  /** What the demo prints of these days, without what differs from run to run. */
  readonly facts: readonly string[]
}

async function demoOn({ url }: Database, ...args: readonly string[]): Promise<Played> {
  const env = { DATABASE_URL: url, PORT: String(await freePort()) }
  const { code, output } = await slotbaseWith(env, "demo", ...args)
  return { code, facts: output.split("\n").filter((line) => /^(Clock changes|Events|Money|Places|Ticks)|│/.test(line)) }
}

async function onDatabase<T>(use: (database: Database) => Promise<T>): Promise<T> {
  const database = await testDatabase()
  try {
    return await use(database)
  } finally {
    await database.drop()
  }
}

const played = (seed: string) => onDatabase((database) => demoOn(database, "--fast", "--days", "3", "--seed", seed))

const cellsOf = ({ facts }: Played, job: string) =>
  facts
    .find((line) => line.includes(job))
    ?.split("│")
    .map((cell) => cell.trim())
    .slice(1, -1)

test(
  "days with a clock change lose no tick and run none twice, and are the same for the same seed",
  async () => {
    const [one, again, other] = await Promise.all([played("1"), played("1"), played("2")])
    expect([one.code, again.code, other.code]).toEqual([0, 0, 0])
    expect(one.facts).toEqual(again.facts)
    expect(one.facts).not.toEqual(other.facts)
    expect(one.facts[0]).toMatch(/^Clock changes: Europe\/Berlin \d{4}-\d\d-\d\dT01:00Z [+−]1 h$/)
    expect(one.facts.at(-1)).toMatch(
      /^Ticks: \d+ expected, \d+ run, \d+ skipped by rule, 0 failed; zero twice, zero lost\.$/,
    )
    expect(cellsOf(one, "daily-reports")).toEqual(["daily-reports", "2", "6", "6", "0", "0", "0", "0"])
  },
  timeout,
)

// The change of the clocks in Europe is in the last week of a month. So ten days around it have the first of the next.
test(
  "the first of a month bills the fees of no-shows too",
  () =>
    onDatabase(async (database) => {
      const first = await demoOn(database, "--fast", "--days", "10")
      expect(cellsOf(first, "monthly-billing")).toEqual(["monthly-billing", "2", "2", "2", "0", "0", "0", "0"])
      expect(first.code).toBe(0)
      const fees = await database.db`
      select from slotbase.invoices, jsonb_array_elements(lines) line
      where source_type = 'bill' and (line ->> 'taxRate')::integer = 0`
      expect(fees.length).toBeGreaterThan(0)
    }),
  timeout,
)

// A tick that was run is not run again.
test(
  "days that are played after the clock was moved back come after those that were played before",
  () =>
    onDatabase(async (database) => {
      const first = await demoOn(database, "--fast", "--days", "2")
      expect((await demoOn(database, "--back")).code).toBe(0)
      const second = await demoOn(database, "--fast", "--days", "2", "--seed", "2")
      expect(second.facts.at(-1)).toEndWith(" 0 failed; zero twice, zero lost.")
      expect([first.code, second.code]).toEqual([0, 0])
    }),
  timeout,
)
