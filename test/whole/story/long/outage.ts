/**
 * PostgreSQL itself is away for ten minutes, three times, each at the moment of a morning's or a month's jobs. It is
 * ended as in a crash, and once more while the missed ticks are made up for.
 */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { chmod, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect, type Db } from "#base/database/db.ts"
import { type Embedded, startEmbedded } from "#base/database/embedded/start.ts"
import { migrate } from "#base/database/migrate.ts"
import { instantOf } from "#base/local-days.ts"
import { untilQuiet } from "#demo/month/quiet.ts"
import { readCounts, ticksAreRight, ticksOf } from "#demo/month/ticks.ts"
import { putInvoiceSettings } from "#domain/invoices/seller.ts"
import { aClub, type Club, run } from "#test/harness/club/club.ts"
import { aDebt } from "#test/harness/club/debts.ts"
import { sellerSettings } from "#test/harness/club/invoices.ts"
import { brokenPromises } from "#test/harness/promises/broken-promises.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { type System, startSystem } from "#test/harness/setup/system.ts"

const zone = "Europe/Berlin"
/** A Monday that begins a month: bills, reports, debts and the week's summaries come due. */
const monday = "2027-02-01"
const outageMs = 600_000

let folder: string
let server: Embedded
let db: Db
let club: Club
let actors: System[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slotbase-outage-"))
  await chmod(folder, 0o711) // the server may run as another user
  server = await startEmbedded({ dataDir: folder, settings: { fsync: "off" } })
  await migrate(server.url)
  db = connect(server.url, { applicationName: "slotbase test" })
  await db`update slotbase.clock set movable = true`
  club = await aClub(db)
  await run(db, (tx) => putInvoiceSettings(tx, club.id, sellerSettings))
  await db`update slotbase.facilities set timezone = ${zone}, created_at = '2026-12-01' where id = ${club.id}`
  const booked = { facilityId: club.id, court: club.court, booker: club.player.id }
  // To be billed for January, and 30 days old on Monday.
  await aDebt(db, { ...booked, startAt: "2027-01-02T18:00:00Z" })
  // Played the day before, for the report. Two people are to be reminded while the database is away.
  await aDebt(db, { ...booked, startAt: "2027-01-31T10:00:00Z" })
  for (const [court, minute] of [
    [club.court, "03"],
    [club.otherCourt, "07"],
  ] as const)
    await aDebt(db, { ...booked, court, status: "confirmed", startAt: `2027-02-02T08:${minute}:00Z` })
  await db`update slotbase.bookings set confirmed_at = '2027-01-20' where status = 'confirmed'`
  await moveTo(instantOf(zone, "2027-01-31", "23:58"))
  actors = await Promise.all([1, 2].map(() => startSystem({ url: server.url, role: "actors" })))
}, 120_000)
afterAll(async () => {
  await Promise.all(actors.map((system) => system.end("SIGKILL")))
  await db.end()
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

const moveTo = (instant: number) =>
  eventually(() => db`select slotbase.move_clock(${new Date(instant)}::timestamptz - slotbase.now())`)

const nowMs = async () => {
  const [row] = await db<[{ now: Date }]>`select slotbase.now() as now`
  return row.now.getTime()
}

/** Nothing that is due is left, and no run waits for its next try. */
const allDone = () =>
  eventually(
    async () => {
      await untilQuiet(db, { inTheEnd: true })
      expect([...(await db`select job, error from slotbase.job_runs where status = 'retrying'`)]).toEqual([])
    },
    { withinMs: 90_000 },
  )

async function crash(): Promise<void> {
  const running = await server.running()
  if (running) process.kill(running.pid, "SIGQUIT")
  await eventually(async () => expect(await server.running()).toBe(undefined))
}

/** At this time of the wall the jobs begin and the database ends. It is back ten minutes later, and ends once more. */
async function outageAt(time: string, roundTrips: number): Promise<void> {
  const begin = instantOf(zone, monday, time)
  await moveTo(begin)
  for (let n = 0; n < roundTrips; n++) await nowMs()
  await crash()
  await eventually(async () => {
    for (const { address } of actors) expect((await fetch(`${address}/readyz`)).status).toBe(503)
  })
  await server.revive()
  await moveTo(begin + outageMs)
  await crash()
  await server.revive()
  await allDone()
}

test("nothing is billed, reported, reminded or mailed twice, and nothing is left out, after three outages of ten minutes", async () => {
  await allDone()
  const [from, before] = [await nowMs(), await readCounts(db)]
  await outageAt("00:00", 3)
  await outageAt("06:00", 6)
  await outageAt("09:00", 1)
  const jobs = await ticksOf(db, { before, after: await readCounts(db), from, until: await nowMs() })
  expect(jobs.filter(({ twice, lost, failed }) => twice + lost + failed !== 0)).toEqual([])
  expect(ticksAreRight(jobs)).toBe(true)
  const ofClub = (job: string) => jobs.find((each) => each.job === job)
  for (const job of ["monthly-billing", "daily-reports", "offline-payment-aging", "weekly-progress-summary"])
    expect(ofClub(job)).toMatchObject({ expected: 1, run: 1, skipped: 0 })
  const told = await db<{ type: string; count: number }[]>`
    select type, count(*)::integer as count from slotbase.events
    where type in ('facility.report.made', 'invoice.issued', 'booking.payment_overdue', 'booking.reminder.due', 'booking.reminder.sent')
    group by type order by type`
  expect([...told]).toEqual([
    { type: "booking.payment_overdue", count: 1 },
    { type: "booking.reminder.due", count: 2 },
    { type: "booking.reminder.sent", count: 2 },
    { type: "facility.report.made", count: 1 },
    { type: "invoice.issued", count: 1 },
  ])
  // A mail that was taken in the moment of the crash may come again, as the same message.
  const mails = await db<{ subject: string; messages: number }[]>`
    select subject, count(distinct message_id)::integer as messages from slotbase.mailbox group by 1 order by 1`
  expect([...mails]).toEqual(
    [
      "1 unpaid booking has grown old at Parkside Tennis",
      "Invoice INV-2027-00001 from Parkside Tennis: €48.00",
      "Parkside Tennis, Sun, 31 Jan 2027: 1 booking, €0.00",
      "Reminder: Court 1, Tue, 2 Feb 2027, 09:03",
      "Reminder: Court 2, Tue, 2 Feb 2027, 09:07",
      "Still open: €24.00 for Sat, 2 Jan 2027, 19:00",
    ].map((subject) => ({ subject, messages: 1 })),
  )
  expect((await brokenPromises(db)).filter(({ promise }) => promise === "P8")).toEqual([])
}, 300_000)
