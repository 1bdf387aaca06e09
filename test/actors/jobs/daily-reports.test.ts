// The job daily-reports: one report for a tick, whatever is killed when, and the mail of it to the administrators who
// want it. The figures have tests of their own (test/domain/figures/reports).

import { afterEach, beforeEach, expect, test } from "bun:test"
import { resolve } from "node:path"
import type { HandledEvent } from "#actors/handlers/handler.ts"
import { dailyReports } from "#actors/jobs/daily-reports.ts"
import type { CrashPoint } from "#base/crash-points.ts"
import { newId, rootUserId } from "#base/ids.ts"
import { instantOf, localDateOf, localTimeOf } from "#base/local-days.ts"
import { findReportsOf } from "#domain/figures/reports/rows.ts"
import { localDay } from "#outbound/messages/format.ts"
import { buildClub } from "#test/harness/club/build.ts"
import { bySql, type Person } from "#test/harness/club/club.ts"
import { aMovement, aPlayed } from "#test/harness/club/played.ts"
import { type PostOffice, postOffice } from "#test/harness/outbound/post-office.ts"
import { type SmtpReceiver, smtpReceiver } from "#test/harness/outside/smtp.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let receiver: SmtpReceiver
let app: ReturnType<typeof testApp>
let office: PostOffice
let club: { id: string; court: string; admin: Person; other: Person; staff: Person }
const db = () => database.db
const project = resolve(import.meta.dir, "../../..")

beforeEach(async () => {
  database = await testDatabase()
  receiver = await smtpReceiver()
  app = testApp(db(), { smtpUrl: receiver.url })
  office = await postOffice(app)
  club = await buildClub(bySql(db()), {
    facility: { timezone: "Europe/Berlin" },
    courts: ["court"],
    people: { admin: "facility_admin", other: "facility_admin", staff: "staff" },
  })
  await db()`update slotbase.facilities set created_at = '2020-01-01' where id = ${club.id}`
  await db()`update slotbase.resources set created_at = '2020-01-01' where facility_id = ${club.id}`
})
afterEach(async () => {
  await app.mail.close()
  await receiver.close()
  await database.drop()
})

const tick = (localDate: string) => ({
  ...{ facilityId: club.id, timezone: "Europe/Berlin", localDate },
  dueAt: new Date(`${localDate}T04:00:00Z`),
})
const work = (localDate = "2026-06-11") => dailyReports(app).run(tick(localDate), new AbortController().signal)

const made = async () => {
  const rows = await db()<HandledEvent[]>`
    select * from slotbase.events where facility_id = ${club.id} and type = 'facility.report.made' order by id`
  const [row] = await db()<[{ count: number }]>`select count(*)::integer as count from slotbase.daily_reports`
  return { events: [...rows], reports: row.count }
}

async function aDay(): Promise<void> {
  await aPlayed(db(), club.id, club.court, { startAt: "2026-06-10T08:00:00Z" })
  await aPlayed(db(), club.id, club.court, { startAt: "2026-06-10T09:00:00Z", status: "cancelled" })
  await aPlayed(db(), club.id, club.court, { startAt: "2026-06-03T08:00:00Z" })
  await aMovement(db(), club.id, { at: "2026-06-10T08:05:00Z", kind: "payment", amount: 2_400 })
}

/** One process that runs the tick and kills itself at a point; answers how it ended. */
async function workElsewhere(point: CrashPoint): Promise<number | string | null> {
  const program = `
    import { dailyReports } from "./actors/jobs/daily-reports.ts"
    import { arm } from "./src/base/crash-points.ts"
    import { connect } from "./src/base/database/db.ts"
    arm([{ point: ${JSON.stringify(point)}, nth: 1 }])
    const db = connect(${JSON.stringify(database.url)}, { max: 1, applicationName: "reports elsewhere" })
    const tick = { ...${JSON.stringify(tick("2026-06-11"))}, dueAt: new Date() }
    await dailyReports({ db, config: { environment: "development" } }).run(tick, new AbortController().signal)
    await db.end()`
  const child = Bun.spawn([process.execPath, "-e", program], { cwd: project, stdout: "inherit", stderr: "inherit" })
  await child.exited
  return child.signalCode ?? child.exitCode
}

test("a tick makes one report and one event, however often and by how many it is run", async () => {
  await aDay()
  expect((await Promise.all([work(), work(), work()])).toSorted((a, b) => (b.reports ?? 0) - (a.reports ?? 0))).toEqual(
    [{ reports: 1 }, { reports: 0 }, { reports: 0 }],
  )
  const { events, reports } = await made()
  expect(reports).toBe(1)
  expect(events.map(({ data }) => data)).toEqual([
    {
      ...{ facilityId: club.id, day: "2026-06-10", bookings: 2, cancellations: 1, noShows: 0 },
      revenue: [{ currency: "EUR", amount: 2_400 }],
    },
  ])
})

test("a process that is killed before the commit leaves nothing, and one that is killed after it leaves all", async () => {
  await aDay()
  for (const point of ["change-made", "before-commit"] as const) {
    expect([point, await workElsewhere(point)]).toEqual([point, "SIGKILL"])
    expect(await made()).toEqual({ events: [], reports: 0 })
  }
  // The event is there, and nobody has settled the tick: it comes again.
  expect(await workElsewhere("after-commit")).toBe("SIGKILL")
  const { events } = await made()
  expect(events).toHaveLength(1)
  expect(await work()).toEqual({ reports: 0 })
  expect(await made()).toEqual({ events, reports: 1 })
})

test("a facility has no report of a day before it was made, and one of the day on which it was", async () => {
  await db()`update slotbase.facilities set created_at = '2026-06-10T22:30:00Z' where id = ${club.id}`
  expect(await work()).toEqual({ reports: 0 })
  await db()`update slotbase.facilities set created_at = '2026-06-10T20:00:00Z' where id = ${club.id}`
  expect(await work()).toEqual({ reports: 1 })
})

test("each administrator who wants it gets the mail, in their language, and staff get none", async () => {
  await aDay()
  await db()`update slotbase.users set language = 'de' where id = ${club.admin.id}`
  await db()`
    insert into slotbase.message_switches (user_id, type, channel, enabled)
    values (${club.other.id}, 'facility.report.made', 'email', false)`
  await work()
  const { events } = await made()
  for (const event of events) expect(await office.tell(event)).toBeUndefined()
  expect(receiver.mails.map(({ recipients }) => recipients)).toEqual([[`${club.admin.id}@example.com`]])
  const [mail] = receiver.mails
  expect(mail?.subject).toBe("Parkside Tennis, Mi., 10. Juni 2026: 2 Buchungen, 24,00 €")
  expect(mail?.text).toContain("\nDer Tag\n- Erschienen: 1\n- Abgesagt: 1\n- Auslastung: 4 % (1 Std. von 24 Std.)\n")
  expect(mail?.text).toContain("\nBuchungen am Mittwoch\n- 10. Juni: 2\n- 3. Juni: 1\n- 27. Mai: 0\n")
  // A bar is a cell with a width and a colour. The mail fetches nothing.
  expect(mail?.html).toContain('<td width="50%" height="8" bgcolor="#8fb3a0"')
  expect(mail?.html).not.toMatch(/<(?:img|script|svg|link)|url\(|https?:/)
})

test("the mail of a day without bookings says so in one line, and still says what comes and what waits", async () => {
  const soon = new Date(Date.now() + 3_600_000).toISOString()
  await aPlayed(db(), club.id, club.court, { startAt: soon, status: "pending" })
  await work()
  const { events } = await made()
  for (const event of events) await office.tell(event)
  const mail = receiver.mails[0]
  expect(mail?.subject).toBe("Parkside Tennis, Wed, 10 Jun 2026: no bookings")
  expect(mail?.text).toContain(
    "\nNobody had booked at Parkside Tennis on this day.\n\nWaits for you\n- Requests to decide: 1\n",
  )
  expect(mail?.text).not.toContain("Came")
})

test("the mail says when a closure of the next day begins and ends, in both languages, also one of whole days", async () => {
  await db()`update slotbase.users set language = 'de' where id = ${club.other.id}`
  const today = localDateOf("Europe/Berlin", Date.now())
  const at = (days: number, time: string) =>
    new Date(instantOf("Europe/Berlin", Temporal.PlainDate.from(today).add({ days }).toString(), time)).toISOString()
  const shut = (reason: string, from: string, until: string) => db()`
    insert into slotbase.closures (id, facility_id, start_at, end_at, whole_facility, reason, created_by)
    values (${newId()}, ${club.id}, ${from}, ${until}, true, ${reason}, ${rootUserId})`
  await shut("Holiday", at(0, "00:00"), at(1, "00:00"))
  await shut("Roof", at(-2, "00:00"), at(3, "12:00"))
  await shut("Match", at(0, "08:00"), at(0, "12:30"))
  await shut("Storm", at(-1, "18:00"), at(0, "09:00"))
  await shut("Frost", at(0, "20:00"), at(1, "10:00"))
  expect(await work(today)).toEqual({ reports: 1 })
  for (const event of (await made()).events) await office.tell(event)
  const lines = receiver.mails.map(({ text = "" }) =>
    text.split("\n").filter((line) => /^- (?:Closed|Gesperrt)/.test(line)),
  )
  const on = (language: "en" | "de", days: number) =>
    localDay(Temporal.PlainDate.from(today).add({ days }).toString(), language, "short")
  expect(lines).toContainEqual([
    `- Closed: everything: Roof (all day, until ${on("en", 3)}, 12:00)`,
    "- Closed: everything: Storm (until 09:00)",
    "- Closed: everything: Holiday (all day)",
    "- Closed: everything: Match (08:00–12:30)",
    `- Closed: everything: Frost (from 20:00, until ${on("en", 1)}, 10:00)`,
  ])
  expect(lines).toContainEqual([
    `- Gesperrt: alles: Roof (ganztägig, bis ${on("de", 3)}, 12:00 Uhr)`,
    "- Gesperrt: alles: Storm (bis 09:00 Uhr)",
    "- Gesperrt: alles: Holiday (ganztägig)",
    "- Gesperrt: alles: Match (08:00 Uhr–12:30 Uhr)",
    `- Gesperrt: alles: Frost (ab 20:00 Uhr, bis ${on("de", 1)}, 10:00 Uhr)`,
  ])
})

test("a report stays of the day that it was made for when the facility moves to another zone, and so does its mail", async () => {
  const soon = new Date(Date.now() + 60_000).toISOString()
  await aPlayed(db(), club.id, club.court, { startAt: soon, status: "confirmed" })
  const today = localDateOf("Europe/Berlin", Date.parse(soon))
  expect(await work(today)).toEqual({ reports: 1 })
  await db()`update slotbase.facilities set timezone = 'America/New_York' where id = ${club.id}`
  const day = Temporal.PlainDate.from(today).subtract({ days: 1 }).toString()
  const [report] = await findReportsOf(db(), [{ facilityId: club.id, day }])
  expect(report && [report.timezone, Object.keys(report.figures).includes("timezone")]).toEqual([
    "Europe/Berlin",
    false,
  ])
  for (const event of (await made()).events) await office.tell(event)
  expect(receiver.mails[0]?.text).toContain(`\n- Bookings: 1, from ${localTimeOf("Europe/Berlin", Date.parse(soon))}\n`)
})

test("a report of a version that kept no zone is of the facility's", async () => {
  await work()
  await db()`update slotbase.daily_reports set figures = figures - 'timezone'`
  expect((await findReportsOf(db(), [{ facilityId: club.id, day: "2026-06-10" }]))[0]?.timezone).toBe("Europe/Berlin")
})

test("a tick that was missed is made up for: of the latest three", () => {
  const { name, cron, missed } = dailyReports(app)
  expect([name, cron, missed]).toEqual(["daily-reports", "0 6 * * *", { catchUp: 3 }])
})
