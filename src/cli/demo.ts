/**
 * slotbase demo: plays a busy Saturday of a club, and then prints the events that it made. It uses the public API of
 * the running server, or of a server that it starts. It moves the clock of the database, so it plays in development
 * only. `demo --back` moves the clock back. The audit trail names its session of PostgreSQL, and so its caller.
 * Writes: clock (whether it may move).
 */
import { endSession, openSession } from "#access/sessions.ts"
import type { Config } from "#base/config.ts"
import { connect, type Db } from "#base/database/db.ts"
import { migrate } from "#base/database/migrate.ts"
import { reachDatabase } from "#base/database/open.ts"
import type { Tx } from "#base/database/transaction.ts"
import { rootUserId } from "#base/ids.ts"
import { instantOf, localDateOf } from "#base/local-days.ts"
import { fillSaturday, type Saturday } from "#demo/bookings.ts"
import { openClub, timezone } from "#demo/club.ts"
import { endLines, endsAreRight, readEnds } from "#demo/ends.ts"
import { demoName, isDemoPlaying, whyNoDemo } from "#demo/movable.ts"
import { makeRecordings } from "#demo/recordings.ts"
import { rules } from "#demo/rule-book.ts"
import { visitNeighbours } from "#demo/rules/neighbours.ts"
import { prepareSaturday } from "#demo/rules/of-the-day.ts"
import { knowPeople } from "#demo/rules/people.ts"
import { keepAgreements } from "#demo/rules/prices.ts"
import { moveAndLengthenSeries, serveWaitlist, startStandingOrder } from "#demo/rules/standing.ts"
import { playSaturday } from "#demo/saturday.ts"
import { endSeason } from "#demo/season.ts"
import { type Stage, setStage } from "#demo/stage.ts"
import { audit } from "#events/audit.ts"
import { catalogue } from "#events/catalogue.ts"
import { operatorContext, operatorName } from "#events/operator.ts"
import { transact } from "#events/outbox.ts"
import { valuesOf } from "./arguments.ts"
import type { Command } from "./command.ts"
import { type MonthAsked, monthAsked, playAskedMonth } from "./demo-month.ts"
import { requireMigrated } from "./require-migrated.ts"
import { addressOf, reachServer } from "./running-server.ts"

/** The pause between two requests, so that one can read along; none with --fast. */
const pauseMs = 150
const root = { id: rootUserId, email: "", firstName: "Root", lastName: "Key" }
const rootAsSubject = { subjectType: "user", subjectId: root.id }
export const demo: Command = {
  name: "demo",
  description:
    "play a busy Saturday, or with --days N so many days, and show its events (--fast: no pauses; --back: the real time)",
  flags: ["--fast", "--back"],
  options: ["--days", "--seed"],
  run: async (config, args) => {
    const month = monthAsked(valuesOf(demo, args))
    if (typeof month === "string") {
      console.error(month)
      return 1
    }
    if (config.environment !== "development") {
      console.error(`The demo moves the clock of the database, and SLOTBASE_ENV is "${config.environment}".`)
      return 1
    }
    const whyNot = config.databaseUrl && (await whyNotIn(config.databaseUrl))
    if (whyNot) {
      console.error(whyNot)
      return 1
    }
    if (config.databaseUrl && (await isDemoPlaying(config.databaseUrl))) return refuseSecond()
    if (args.includes("--back")) return moveBack(config)
    return playOn(config, args.includes("--fast") ? 0 : pauseMs, month)
  },
}

async function playOn(config: Config, pause: number, month: MonthAsked | undefined): Promise<number> {
  // The server comes first, because it starts the embedded database.
  const server = await reachServer(config)
  const database = await reachDatabase(config)
  if (await isDemoPlaying(database.url)) return refuseSecond(() => Promise.all([server.stop(), database.stop()]))
  const db = connect(database.url, { max: 3, applicationName: demoName })
  try {
    await migrate(database.url)
    await db`update slotbase.clock set movable = true`
    const tokens: string[] = []
    const asOperator = async <T>(command: (tx: Tx) => Promise<T>): Promise<T> =>
      (await transact(db, operatorContext(config.environment, "slotbase demo"), command)).result
    const openRoot = async () => {
      const { token } = await asOperator((tx) => {
        audit(tx, { action: "session.created", ...rootAsSubject })
        return openSession(tx, root)
      })
      tokens.push(token)
      return token
    }
    const before = await shiftOf(db)
    try {
      const stage = await setStage(db, addressOf(config), openRoot, { pauseMs: pause, shown: month === undefined })
      return await (month === undefined ? play(stage, config.ffmpeg) : playAskedMonth(stage, month))
    } finally {
      for (const token of tokens)
        await asOperator((tx) => {
          audit(tx, { action: "session.ended", ...rootAsSubject })
          return endSession(tx, token)
        })
      printShift((await shiftOf(db)) - before)
    }
  } finally {
    await db.end()
    await server.stop()
    await database.stop()
  }
}

async function refuseSecond(stop: () => Promise<unknown> = async () => {}): Promise<number> {
  console.error("A demo plays in this database already, and moves its clock: wait for its end.")
  await stop()
  return 1
}

/** Moves the clock back to the real time, however many demos moved it. */
async function moveBack(config: Config): Promise<number> {
  const database = await reachDatabase(config)
  if (await isDemoPlaying(database.url)) return refuseSecond(() => database.stop())
  const db = connect(database.url, { max: 1, applicationName: operatorName("slotbase demo --back") })
  try {
    await requireMigrated(database.url)
    const seconds = await shiftOf(db)
    if (seconds === 0) {
      console.log("The clock of this database shows the real time.")
      return 0
    }
    await db`select slotbase.move_clock(-shift) from slotbase.clock`
    console.log(`The clock of this database was ${daysOf(seconds)} days ahead. It shows the real time again.
The printed links have changed. Print them anew:
  ./scripts/slotbase links`)
    return 0
  } finally {
    await db.end()
    await database.stop()
  }
}

/** The reason why the demo may not play in this existing database; undefined: it may. */
async function whyNotIn(url: string): Promise<string | undefined> {
  const db = connect(url, { max: 1, applicationName: "slotbase demo" })
  try {
    return await whyNoDemo(db)
  } finally {
    await db.end()
  }
}

async function play(stage: Stage, ffmpeg: string | undefined): Promise<number> {
  // Made while the club opens.
  const recordings = makeRecordings(ffmpeg)
  const began = await stage.now()
  const club = await openClub(stage)
  const saturday = nextSaturday(began)
  const booked = await fillSaturday(stage, club, saturday)
  await keepAgreements(stage, club, saturday, booked)
  await moveAndLengthenSeries(stage, club, booked.seriesId)
  const standingOrder = await startStandingOrder(stage, club, saturday)
  await serveWaitlist(stage, club, saturday)
  await knowPeople(stage, club)
  const neighbours = await visitNeighbours(stage, club)
  const prepared = await prepareSaturday(stage, club, saturday)
  await playSaturday(stage, club, saturday, booked, prepared, recordings)
  await endSeason(stage, club, neighbours, began, standingOrder)
  const isComplete = await summary(stage.db, club.at, club.id)
  const missing = stage.missing()
  const look = () => readEnds(stage.db, [club.id, ...neighbours.ids])
  // The last refund may still be under way.
  const ends = await stage.until("even accounts", look, endsAreRight).catch(look)
  console.log(`\nRules: ${rules.length - missing.length} of ${rules.length} have bitten.\n${endLines(ends).join("\n")}`)
  if (missing.length > 0) console.error(`These rules did not bite as they should: ${missing.join(", ")}`)
  return isComplete && endsAreRight(ends) && missing.length === 0 ? 0 : 1
}

/** The seconds by which the clock of the database is ahead. */
async function shiftOf(db: Db): Promise<number> {
  const [row] = await db<[{ seconds: number }]>`
    select extract(epoch from shift)::double precision as seconds from slotbase.clock`
  return row.seconds
}

function printShift(seconds: number): void {
  if (seconds === 0) return
  console.log(`
The clock of this database is now ${daysOf(seconds)} days further ahead. The printed links have expired. Print them anew:
  ./scripts/slotbase links
Move the clock back to the real time:
  ./scripts/slotbase demo --back`)
}

const daysOf = (seconds: number) => Math.round(seconds / (24 * 3_600))

/** Two days ahead at least, so that all of it can be booked in time. */
function nextSaturday(now: Date): Saturday {
  const soonest = Temporal.PlainDate.from(localDateOf(timezone, now.getTime())).add({ days: 2 })
  const date = soonest.add({ days: (6 - soonest.dayOfWeek + 7) % 7 })
  const on = (day: Temporal.PlainDate) => (time: string) => new Date(instantOf(timezone, day.toString(), time))
  const spanOn =
    (day: Temporal.PlainDate): Saturday["span"] =>
    (from, to) => ({ startAt: on(day)(from).toISOString(), endAt: on(day)(to).toISOString() })
  return { at: on(date), span: spanOn(date), date: date.toString(), sunday: spanOn(date.add({ days: 1 })) }
}

/** Prints the events of the demo by type. Every type of the specification must occur. */
async function summary(db: Db, at: string, facilityId: string): Promise<boolean> {
  const rows = await db<{ type: string; count: number }[]>`
    select e.type, count(*)::integer as count from slotbase.events e
    where e.facility_id = ${facilityId}
       or e.aggregate_type = 'user' and e.aggregate_id in (
            select g.user_id::text from slotbase.role_grants g where g.scope_id = ${facilityId})
    group by e.type`
  const counts = new Map(rows.map(({ type, count }) => [type, count]))
  console.log("\nEvents of this Saturday")
  const specified = catalogue.filter(({ origin }) => origin === "spec")
  for (const { type } of specified) console.log(`  ${String(counts.get(type) ?? 0).padStart(4)}  ${type}`)
  const missing = specified.filter(({ type }) => !counts.has(type)).map(({ type }) => type)
  console.log(`
${specified.length - missing.length} of the specification's ${specified.length} event types. Read them: GET ${at}/events`)
  if (missing.length > 0) console.error(`Missing: ${missing.join(", ")}`)
  return missing.length === 0
}
