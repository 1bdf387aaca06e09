// The job platform-health: held mail, given-up runs and failing jobs are told to the platform's administrators in
// stages, each once, and their end too. A real mail server refuses the sender, and the test moves the clock.

import { afterEach, beforeEach, expect, test } from "bun:test"
import { platformHealth } from "#actors/jobs/platform-health.ts"
import { clock } from "#base/clock.ts"
import type { Db } from "#base/database/db.ts"
import { newId, platformFacilityId, rootUserId } from "#base/ids.ts"
import { definitionOf } from "#events/catalogue.ts"
import { platformTroubles } from "#events/types/platform.ts"
import { checks } from "#operations/doctor.ts"
import { serviceFailed, serviceWorks } from "#outbound/messages/channel-service.ts"
import { SendFailed } from "#outbound/messages/channels/channel.ts"
import { aPerson } from "#test/harness/club/factories.ts"
import { postOffice } from "#test/harness/outbound/post-office.ts"
import { smtpReceiver } from "#test/harness/outside/smtp.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"

let database: TestDatabase
let db: Db
let app: ReturnType<typeof testApp>

beforeEach(async () => {
  database = await testDatabase()
  db = database.db
  app = testApp(db)
})
afterEach(async () => {
  await db`update slotbase.clock set shift = '0'`
  await clock.follow(db)
  await database.drop()
})

const look = async () => (await platformHealth(app).pass(new AbortController().signal)).did

async function later(by: string): Promise<void> {
  await db`select slotbase.move_clock(${by}::text::interval)`
  await clock.follow(db)
}

const told = async () => [
  ...(await db<{ type: string; facility_id: string; data: Record<string, unknown> }[]>`
    select type, facility_id, data from slotbase.events where type like 'platform.%' order by id`),
]
const stagesTold = async () => (await told()).map(({ type, data }) => `${data.trouble} ${data.stage ?? type}`)

const refusal = new SendFailed("550 too many messages today", { outcome: "not_sent", concern: "service" })

const aDeadLetter = (handler = "RefundHandler") => db`
  insert into slotbase.dead_letters (id, facility_id, event_id, position, handler, event, errors, created_at, last_attempt_at)
  values (${newId()}, ${platformFacilityId}, ${newId()}, 1, ${handler}, '{}', '[{"error": {"message": "HTTP 503"}}]', slotbase.now(), slotbase.now())`

const says = async (name: string) => {
  for (const check of checks) {
    const found = await check(db)
    if (found.name === name) return found
  }
  return undefined
}

test("mail that is held at the sender is told after 15 minutes, an hour, a day and each day, and its end once", async () => {
  await serviceFailed(db, "email", refusal, "mia@example.com", 0.5)
  expect(await look()).toEqual({})
  expect(await told()).toEqual([])
  await later("16 minutes")
  expect([await look(), await look()]).toEqual([{ failing: 1 }, {}])
  for (const wait of ["1 hour", "1 day", "1 day"]) {
    await later(wait)
    expect([await look(), await look()]).toEqual([{ failing: 1 }, {}])
  }
  expect(await says("mail")).toEqual({
    name: "mail",
    well: false,
    says: expect.stringMatching(
      /^held for 2 days 01:16:\d\d after 1 answers, 0 messages wait, last answer "550 too many messages today": mend SMTP_URL, /,
    ),
  })
  await serviceWorks(db, "email")
  expect([await look(), await look()]).toEqual([{ recovered: 1 }, {}])
  expect(await stagesTold()).toEqual([
    "mail_held fifteen_minutes",
    "mail_held one_hour",
    "mail_held one_day",
    "mail_held one_day",
    "mail_held platform.recovered",
  ])
  expect((await told())[0]).toEqual({
    type: "platform.failing",
    facility_id: platformFacilityId,
    data: {
      troubleId: expect.any(String),
      trouble: "mail_held",
      since: expect.any(String),
      detail: "550 too many messages today",
      stage: "fifteen_minutes",
      count: 0,
      countAtLeast: false,
    },
  })
  expect(await says("mail")).toEqual({ name: "mail", well: true, says: "taken" })
  expect([...(await db`select from slotbase.platform_health`)]).toEqual([])
})

test("text messages that are held are told too, by mail, and the doctor names the remedy", async () => {
  await serviceFailed(
    db,
    "sms",
    new SendFailed("401 20003: Authenticate", { outcome: "not_sent", concern: "service" }),
    "",
    0.5,
  )
  await look()
  await later("16 minutes")
  expect(await look()).toEqual({ failing: 1 })
  expect(await says("texts")).toEqual({
    name: "texts",
    well: false,
    says: expect.stringMatching(/last answer "401 20003: Authenticate": mend SLOTBASE_SMS_… .* go on by themselves$/),
  })
  expect([await says("mail"), await says("push")]).toMatchObject([{ well: true }, { well: true }])
  await serviceWorks(db, "sms")
  expect(await look()).toEqual({ recovered: 1 })
  expect((await stagesTold()).slice(-2)).toEqual(["texts_held fifteen_minutes", "texts_held platform.recovered"])
})

test("a hold of a few minutes is told to nobody, and neither is its end", async () => {
  await serviceFailed(db, "email", refusal, "mia@example.com", 0.5)
  await look()
  await later("5 minutes")
  await serviceWorks(db, "email")
  await later("1 hour")
  expect(await look()).toEqual({})
  expect(await told()).toEqual([])
})

test("runs that were given up are told with their number, new ones anew, and those of webhooks not", async () => {
  await aDeadLetter()
  await db`
    insert into slotbase.dead_letters (id, facility_id, event_id, position, webhook_id, delivery_id, event, errors, created_at, last_attempt_at)
    values (${newId()}, ${platformFacilityId}, ${newId()}, 1, ${newId()}, ${newId()}, '{}', '[]', slotbase.now(), slotbase.now())`
  await look()
  await later("16 minutes")
  expect(await look()).toEqual({ failing: 1 })
  await later("2 minutes")
  await aDeadLetter("MailHandler")
  await db`update slotbase.dead_letters set resolved_at = slotbase.now(), resolution = 'ignored' where handler = 'RefundHandler'`
  expect(await look()).toEqual({})
  await later("16 minutes")
  expect(await look()).toEqual({ failing: 1 })
  expect((await told()).map(({ data }) => [data.stage, data.count, data.detail])).toEqual([
    ["fifteen_minutes", 1, "RefundHandler: HTTP 503"],
    ["fifteen_minutes", 1, "MailHandler: HTTP 503"],
  ])
  expect((await says("dead letters"))?.says).toStartWith("2 open (1 of MailHandler, 1 of webhooks): ")
  await db`update slotbase.dead_letters set resolved_at = slotbase.now(), resolution = 'ignored'`
  expect(await look()).toEqual({ recovered: 1 })
})

test("passes that failed at every attempt are told, and the all-clear follows a pass that ends well", async () => {
  await db`
    insert into slotbase.dead_passes (id, actor, error, failed_at) values (${newId()}, 'housekeeping', 'no disk', slotbase.now())`
  await look()
  await later("16 minutes")
  expect(await look()).toEqual({ failing: 1 })
  await db`update slotbase.dead_passes set recovered_at = slotbase.now()`
  expect(await look()).toEqual({ recovered: 1 })
  expect((await told()).map(({ type, data }) => [type, data.trouble, data.detail])).toEqual([
    ["platform.failing", "dead_passes", "housekeeping: no disk"],
    ["platform.recovered", "dead_passes", "housekeeping: no disk"],
  ])
})

test("jobs that failed for good are told with the last of them, and the all-clear follows a run that succeeds", async () => {
  await db`insert into slotbase.jobs (name, description, cron, timezone, in_facility) values ('retention', '', '23 * * * *', 'UTC', false)`
  await db`
    insert into slotbase.job_schedules (job, facility_id, look_at, decided_until, counted_from, failing_since, last_error)
    values ('retention', ${platformFacilityId}, 'infinity', slotbase.now(), slotbase.now(), slotbase.now(), 'no disk')`
  await look()
  await later("16 minutes")
  expect(await look()).toEqual({ failing: 1 })
  expect(await says("jobs")).toEqual({
    name: "jobs",
    well: false,
    says: "1 fail (retention), last retention: no disk: see slotbase.job_ledger, mend the cause, and run them by hand",
  })
  await db`update slotbase.job_schedules set failing_since = null, last_error = null`
  expect(await look()).toEqual({ recovered: 1 })
  expect((await told()).map(({ type, data }) => [type, data.trouble, data.detail])).toEqual([
    ["platform.failing", "failing_jobs", "retention: no disk"],
    ["platform.recovered", "failing_jobs", "retention: no disk"],
  ])
  expect(await says("jobs")).toEqual({ name: "jobs", well: true, says: "none fails, and none is late" })
})

test("a stage is told once, also when several processes look at the same instant", async () => {
  await aDeadLetter()
  await look()
  await later("16 minutes")
  await Promise.all([look(), look(), look(), look()])
  expect(await stagesTold()).toEqual(["dead_letters fifteen_minutes"])
  await db`update slotbase.dead_letters set resolved_at = slotbase.now(), resolution = 'ignored'`
  await Promise.all([look(), look(), look(), look()])
  expect(await stagesTold()).toEqual(["dead_letters fifteen_minutes", "dead_letters platform.recovered"])
})

test("the administrators of the platform get a mail, but none that says that mail is held", async () => {
  const admin = await aPerson(db)
  await db`
    insert into slotbase.role_grants (user_id, role, scope_type, scope_id, granted_by)
    values (${admin.id}, 'platform_admin', 'platform', ${platformFacilityId}, ${rootUserId})`
  await aDeadLetter()
  await serviceFailed(db, "email", refusal, "mia@example.com", 0.5)
  await look()
  await later("16 minutes")
  await look()
  await serviceWorks(db, "email")
  await look()
  const mails = await smtpReceiver()
  const sending = testApp(db, { smtpUrl: mails.url })
  const office = await postOffice(sending)
  const outcomes: unknown[] = []
  const rows = await db`select e.* from slotbase.events e where type like 'platform.%' order by data ->> 'trouble', id`
  for (const row of rows) outcomes.push(await office.tell({ ...row, position: 1, resource_id: null } as never))
  expect(mails.mails.map((mail) => [mail.recipients, mail.subject])).toEqual([
    [[admin.email], "SlotBase: work was given up"],
    [[admin.email], "SlotBase: mail is taken again"],
  ])
  expect(mails.mails[0]?.text).toContain("Last error: RefundHandler: HTTP 503")
  expect(outcomes[1]).toEqual({ skipped: "no mail can say that mail is held" })
  await sending.mail.close()
  await mails.close()
})

test("no webhook may subscribe to the events of the platform", () => {
  expect(platformTroubles).toHaveLength(5)
  for (const type of ["platform.failing", "platform.recovered"]) expect(definitionOf(type)?.facilityWebhook).toBe(false)
})
