// The stage of the pictures: a PostgreSQL, a server and Chromium of their own, and a club that is like the demo's. The
// clock of the database stands at the same day and hour in each run, so that two runs show the same.

import { type Browser, chromium } from "playwright-core"
import type postgres from "postgres"
import { migrate } from "#base/database/migrate.ts"
import { startBench } from "#scripts/benchmarks/measure.ts"
import { endsWithRun, startProgram } from "#scripts/benchmarks/running.ts"
import { freePort, type System } from "#test/harness/setup/system.ts"
import { takenAt } from "./calendar.ts"
import { type Call, type Club, callerOf, openClubs } from "./clubs.ts"

export interface Scene extends Club {
  readonly address: string
  readonly call: Call
  readonly browser: Browser
  /** A club that is open day and night, and one that shows its times to members alone. */
  readonly nightClubId: string
  readonly closedClubId: string
  /** Moves the clock of the database to this many seconds after the beginning. */
  readonly clockAt: (seconds: number) => Promise<void>
  /** Ends the server without a word; starts it again at the same address, unless it runs. */
  readonly killServer: () => Promise<void>
  readonly startServer: () => Promise<void>
}

export async function openScene(): Promise<Scene> {
  const bench = await startBench({ fsync: "off" })
  await migrate(bench.url)
  await bench.sql`update slotbase.clock set movable = true`
  const clockAt = (seconds: number) => moveClock(bench.sql, takenAt + seconds * 1_000)
  await clockAt(0)
  const port = await freePort()
  const start = () => startProgram({ url: bench.url, port, env: { SLOTBASE_PUSH_SUBJECT: "mailto:desk@club.example" } })
  let [system, browser]: [System, Browser] = await Promise.all([start(), launch()])
  const { address } = system
  let isRunning = true
  const call = callerOf(address)
  return {
    ...(await openClubs(call)),
    address,
    call,
    browser,
    clockAt,
    killServer: async () => {
      isRunning = false
      await system.end("SIGKILL")
    },
    startServer: async () => {
      if (isRunning) return
      system = await start()
      isRunning = true
    },
  }
}

async function moveClock(sql: postgres.Sql, at: number): Promise<void> {
  await sql`select slotbase.move_clock(${new Date(at)}::timestamptz - slotbase.now())`
}

async function launch(): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: Bun.which("chromium") ?? Bun.which("chromium-browser") ?? "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--lang=en-GB"],
  })
  endsWithRun(() => browser.close())
  return browser
}
