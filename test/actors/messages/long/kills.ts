// Processes that are killed at points between two writes of the messages' way, over real services of every channel.
// Each message arrives. It arrives again only where its row counts an unknown outcome. Nothing else is lost or doubled.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import { mirrorHandlers } from "#actors/handlers/index.ts"
import { notificationHandler } from "#actors/handlers/notification.ts"
import type { CrashPoint } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { newId } from "#base/ids.ts"
import { record, transact } from "#events/outbox.ts"
import { aFacility, aPerson } from "#test/harness/club/factories.ts"
import { browserOf, smsAt, textsTo } from "#test/harness/outbound/readers.ts"
import { type Browser, type PushService, startPushService, type TakenPush } from "#test/harness/outside/push-service.ts"
import { type SmtpReceiver, smtpReceiver } from "#test/harness/outside/smtp.ts"
import { context, dispatchAll, sample } from "#test/harness/pipeline/pipeline.ts"
import { messageQuestions } from "#test/harness/promises/broken-messages.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let db: Db
let smtp: SmtpReceiver
let service: PushService
let settings: Parameters<typeof testApp>[1]
let browser: Browser
let mia: string
let facilities: readonly string[]

beforeAll(async () => {
  database = await testDatabase()
  db = database.db
  smtp = await smtpReceiver()
  service = startPushService(({ path }) =>
    path.startsWith("/send") ? new Response(null, { status: 201 }) : Response.json({ sid: "SM1" }, { status: 201 }),
  )
  settings = {
    smtpUrl: smtp.url,
    mailFrom: "Parkside <mail@club.example>",
    sms: smsAt(service.url),
    egressAllow: ["127.0.0.0/8"],
  }
  const app = testApp(db, settings)
  const person = await aPerson(db)
  mia = person.id
  await textsTo(app, person, "+4915112345678")
  browser = await browserOf(app, person, `${service.url}/send/mia`)
  facilities = [(await aFacility(db)).id, (await aFacility(db)).id]
  await mirrorHandlers(db, [notificationHandler(app)])
})
afterAll(async () => {
  await smtp.close()
  await service.stop()
  await database.drop()
})

const points: readonly (readonly [CrashPoint, number])[] = [
  ["messages-recorded", 1],
  ["runs-committed", 1],
  ["backlog-written", 1],
  ["messages-claimed", 1],
  ["messages-claimed", 4],
  ["send-begun", 20],
  ["mail-sent", 1],
  ["mail-sent", 20],
  ["messages-settled", 1],
]

/** Of one facility so many that some are left to the backlog, and one of another. */
const bookings = 32

test("killed at every point, every message of every channel arrives, and each repeat is counted", async () => {
  for (const [point, nth] of points) {
    await tell()
    const dying = start(point, String(nth))
    expect([point, await dying.exited]).toEqual([point, 137])
    await db`update slotbase.processes set alive_until = clock_timestamp() - interval '1 ms' where pid <> 0`
  }
  // What a killed process had under way is freed by one that is killed right then, and by the next one.
  await tell()
  const last = start("mail-sent", "1")
  await last.exited
  await db`update slotbase.processes set alive_until = clock_timestamp() - interval '1 ms' where pid <> 0`
  expect(await start("abandoned-messages-freed", "1").exited).toBe(137)
  await db`update slotbase.processes set alive_until = clock_timestamp() - interval '1 ms' where pid <> 0`
  const heir = start()
  try {
    await allDone()
    // A message that was under way in three killed processes is given up. It is seen, and begun anew.
    const letters = await db<{ id: string; said: string }[]>`
      select id, errors -> -1 -> 'error' ->> 'message' as said from slotbase.dead_letters where resolved_at is null`
    for (const { id, said } of letters) {
      expect(said).toContain("its process ended three times while it was being sent. See to what the answer names")
      await db`select slotbase.reprocess(${id})`
    }
    await allDone()
  } finally {
    heir.kill("SIGKILL")
    await heir.exited
  }
  await expectEachArrived()
}, 240_000)

const allDone = () =>
  eventually(
    async () => {
      await db`update slotbase.message_queue set due_at = slotbase.now() where due_at > slotbase.now()`
      const [left] = await db`
        select (select count(*) from slotbase.unfinished_runs) + (select count(*) from slotbase.message_backlog)
             + (select count(*) from slotbase.message_queue) as left`
      expect(left).toEqual({ left: 0 })
    },
    { withinMs: 90_000 },
  )

/** Each booking of a crowd and of a small facility, told by mail, push and text. */
async function tell(): Promise<void> {
  await transact(db, context, async (tx) => {
    for (let nth = 0; nth < bookings; nth++) {
      const facilityId = facilities[nth === bookings - 1 ? 1 : 0] ?? ""
      record(
        tx,
        sample("booking.confirmed", { facilityId, bookingId: newId(), bookerId: mia, participants: [] }, facilityId),
      )
    }
  })
  await dispatchAll(db)
}

async function expectEachArrived(): Promise<void> {
  for (const { what, rows } of messageQuestions(db, 0)) expect([what, ...(await rows)]).toEqual([what])
  const rows = await db<{ id: string; channel: string; status: string; unknown: number }[]>`
    select id, channel, status, unknown_outcomes as unknown from slotbase.notifications where channel <> 'in_app'`
  const of = (channel: string) => rows.filter((row) => row.channel === channel)
  const events = bookings * (points.length + 1)
  expect([of("email").length, of("push").length, of("sms").length]).toEqual([events, events, events])
  const unsent = await db`
    select channel, status, attempts, unknown_outcomes, reason from slotbase.notifications where channel <> 'in_app' and status <> 'sent'`
  expect(unsent.map((row) => ({ ...row }))).toEqual([])

  const pushed = service.taken.filter(({ path }) => path.startsWith("/send"))
  const arrivals = countsOf([
    ...smtp.mails.map(({ messageId }) => messageId?.slice(1, 37) ?? ""),
    ...pushed.map((taken) => idOfPush(taken)),
  ])
  const wrong = [...of("email"), ...of("push")].filter(({ id, unknown }) => {
    const came = arrivals.get(id) ?? 0
    return came < 1 || came > 1 + unknown
  })
  expect(wrong).toEqual([])
  // A text has no id: the sum of the arrivals is compared.
  const texts = service.taken.length - pushed.length
  const unknown = of("sms").reduce((sum, row) => sum + row.unknown, 0)
  expect(texts).toBeGreaterThanOrEqual(events)
  expect(texts).toBeLessThanOrEqual(events + unknown)
}

const idOfPush = ({ body }: TakenPush): string => JSON.parse(browser.decrypt(body).toString()).notificationId

function countsOf(ids: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1)
  return counts
}

const start = (...kill: readonly string[]) =>
  Bun.spawn(
    [
      process.execPath,
      join(import.meta.dir, "../../../harness/pipeline/run-messages.ts"),
      database.url,
      JSON.stringify(settings),
      ...kill,
    ],
    { stdout: "inherit", stderr: "inherit" },
  )
