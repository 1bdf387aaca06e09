// `slotbase events tail` as a person uses it: a process of its own, which prints what happens.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import { record } from "#events/outbox.ts"
import { aCheckIn, aClub, type Club, run } from "#test/harness/club/club.ts"
import { dispatchAll } from "#test/harness/pipeline/pipeline.ts"
import { slotbase } from "#test/harness/setup/command-line.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

const timeout = 60_000
let database: TestDatabase
let club: Club

beforeAll(async () => {
  database = await testDatabase()
  club = await aClub(database.db)
})
afterAll(() => database.drop())

test(
  "it prints the kept events after a position, then the new ones, and ends with the signal",
  async () => {
    await checkIns(2)
    const child = Bun.spawn(
      [process.execPath, "src/cli/main.ts", "events", "tail", "--facility", club.id, "--after", "1", "--json"],
      {
        cwd: join(import.meta.dir, "../.."),
        env: {
          ...process.env,
          DATABASE_URL: database.url,
          SLOTBASE_SECRET_KEY: Buffer.alloc(32, 7).toString("base64"),
        },
        stdin: "ignore",
        stdout: "pipe",
        stderr: "inherit",
      },
    )
    let printed = ""
    const reading = (async () => {
      for await (const part of child.stdout) printed += Buffer.from(part).toString()
    })()
    const lines = () => printed.split("\n").filter((line) => line !== "")
    await eventually(() => expect(lines()).toHaveLength(1))
    await checkIns(1)
    await eventually(() => expect(lines()).toHaveLength(2))
    const events = lines().map((line) => JSON.parse(line) as { type: string; position: string; epoch: string })
    expect(events.map(({ type, position }) => [type, position])).toEqual([
      ["booking.checked_in", "2"],
      ["booking.checked_in", "3"],
    ])
    expect(events[0]?.epoch).toMatch(/^[0-9a-f]{16}$/)
    child.kill("SIGTERM")
    expect(await child.exited).toBe(0)
    await reading
  },
  timeout,
)

test(
  "what it does not understand is refused with a sentence",
  async () => {
    const tail = (...args: string[]) => slotbase(database.url, "events", "tail", ...args)
    expect(await tail("--types", "booking.eaten")).toEqual({
      code: 1,
      output: "There is no event type booking.eaten.\n",
    })
    expect(await tail("--after", "yesterday")).toEqual({
      code: 1,
      output: "--after takes a position, with or without its epoch.\n",
    })
    expect((await slotbase(database.url, "events", "play")).code).toBe(2)
  },
  timeout,
)

async function checkIns(count: number): Promise<void> {
  await run(database.db, async (tx) => {
    for (let each = 0; each < count; each++) record(tx, aCheckIn(club))
  })
  await dispatchAll(database.db)
}
