/**
 * Four actor processes on one database, killed at any moment, while the clock goes on minute by minute. Each tick of
 * each job has one end. `SLOTBASE_TICK_MINUTES=60` plays an hour.
 */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { clock } from "#base/clock.ts"
import { connectHints, sendHint } from "#base/hints.ts"
import { instantOf, localDateOf } from "#base/local-days.ts"
import { readCounts, ticksAreRight, ticksOf } from "#demo/month/ticks.ts"
import { aFacility } from "#test/harness/club/factories.ts"
import { brokenPromises } from "#test/harness/promises/broken-promises.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { type System, startSystem } from "#test/harness/setup/system.ts"

const minutes = Number(process.env.SLOTBASE_TICK_MINUTES ?? 4)
const minuteMs = 60_000
const zones = [
  "Europe/Berlin",
  "Europe/Paris",
  "Africa/Cairo",
  "Africa/Johannesburg",
  "Asia/Kolkata",
  "Australia/Lord_Howe",
]

let database: TestDatabase
let actors: System[] = []
let disconnect: () => Promise<void>

const start = () => startSystem({ url: database.url, role: "actors" })

beforeAll(async () => {
  database = await testDatabase()
  disconnect = await connectHints(database.db)
  for (const timezone of zones) await aFacility(database.db, { timezone })
  actors = await Promise.all(Array.from({ length: 4 }, start))
}, 120_000)
afterAll(async () => {
  await Promise.all(actors.map((system) => system.end("SIGKILL")))
  await disconnect()
  await database.db`update slotbase.clock set shift = '0'`
  await clock.follow(database.db)
  await database.drop()
})

const nowMs = async () => {
  const [row] = await database.db<[{ now: Date }]>`select slotbase.now() as now`
  return row.now.getTime()
}

async function moveTo(instant: number): Promise<void> {
  await database.db`select slotbase.move_clock(${new Date(instant)}::timestamptz - slotbase.now())`
  for (const hint of ["clock", "schedules", "jobs"] as const) sendHint(hint)
}

/** Every tick that has come was decided, and every run has ended. */
const allRun = () =>
  eventually(
    async () => {
      const [row] = await database.db<[{ due: number; open: number }]>`
        select (select count(*)::integer from slotbase.job_schedules where look_at <= slotbase.now()) as due,
               (select count(*)::integer from slotbase.job_runs
                where tick_at is not null and status in ('waiting', 'running', 'retrying')) as open`
      expect(row).toEqual({ due: 0, open: 0 })
    },
    { withinMs: 90_000 },
  )

test(
  "each tick of each job has one end, whichever of four processes is killed when",
  async () => {
    // The morning's jobs of Berlin and Paris come in the time that is played.
    const tomorrow = localDateOf("Europe/Berlin", (await nowMs()) + 24 * 60 * minuteMs)
    await moveTo(instantOf("Europe/Berlin", tomorrow, "05:57"))
    await allRun()
    const [from, before] = [await nowMs(), await readCounts(database.db)]
    let begun = from - (from % minuteMs)
    let kills = 0
    for (let minute = 1; minute <= minutes; minute++) {
      await moveTo(begun + minute * minuteMs)
      // At any moment of the passes, and never the same process twice in a row.
      const victim = minute % actors.length
      if (minute % 2 === 0) {
        for (let roundTrips = 0; roundTrips < minute * 4; roundTrips++) await nowMs()
        actors[victim]?.signal("SIGKILL")
        kills++
        actors[victim] = await start()
      }
      // Ten minutes in which all of them stand still, as while the database is away. Their ticks are missed, and so is
      // the morning of Berlin: its reports are made up for, each once.
      if (minute === 2) {
        for (const each of actors) each.signal("SIGSTOP")
        begun += 10 * minuteMs
        await moveTo(begun + minute * minuteMs)
        for (const each of actors) each.signal("SIGCONT")
      }
    }
    await allRun()
    const until = await nowMs()
    const jobs = await ticksOf(database.db, { before, after: await readCounts(database.db), from, until })
    expect(jobs.filter(({ twice, lost, failed }) => twice + lost + failed !== 0)).toEqual([])
    expect(ticksAreRight(jobs)).toBe(true)
    expect(jobs.find(({ job }) => job === "hold-expiration")).toMatchObject({ expected: minutes + 10, schedules: 1 })
    expect(jobs.find(({ job }) => job === "daily-reports")).toMatchObject({ expected: 2, run: 2, skipped: 0 })
    expect((await brokenPromises(database.db)).filter(({ promise }) => promise === "P8")).toEqual([])
    expect(kills).toBe(Math.floor(minutes / 2))
  },
  minutes * 60_000,
)
