// Reminders from the booking to the mailbox: their times, each sent once, and the effect of moves and cancellations.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test"
import { dispatcher } from "#actors/dispatch/dispatcher.ts"
import { mirrorHandlers } from "#actors/handlers/index.ts"
import { notificationHandler } from "#actors/handlers/notification.ts"
import { bookingReminderCheck } from "#actors/jobs/booking-reminder-check.ts"
import { sendMessages } from "#actors/messages/send-messages.ts"
import { runHandler } from "#actors/runs/run-handler.ts"
import { jobsUserId } from "#base/ids.ts"
import { countDueReminders } from "#domain/booking/reminders/reminders.ts"
import type { EventData } from "#events/catalogue.ts"
import type { Mailer } from "#outbound/messages/channels/email/smtp.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { alwaysOpen } from "#test/harness/club/hours.ts"
import { startJobs, type TestJobs } from "#test/harness/club/jobs.ts"
import { postOffice } from "#test/harness/outbound/post-office.ts"
import { type SmtpReceiver, smtpReceiver } from "#test/harness/outside/smtp.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let api: TestApi
let receiver: SmtpReceiver
let jobs: TestJobs
let facilityId: string
let court: string
let mia: { id: string; email: string; token: string }
/** Whether mail goes out. A test sets it to false to act before the mail leaves. */
let sending = true

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

beforeAll(async () => {
  receiver = await smtpReceiver()
  api = await testApi({ smtpUrl: receiver.url, mailFrom: "Riverside <mail@club.example>" })
  const handler = notificationHandler(api.app)
  await mirrorHandlers(api.database.db, [handler])
  jobs = await startJobs(api.app, [bookingReminderCheck(api.app)], (process) => {
    const sender = sendMessages(api.app, process)
    return [
      dispatcher(api.database.db),
      runHandler(api.app, handler, process),
      { ...sender, pass: async (signal) => (sending ? sender.pass(signal) : { more: false }) },
    ]
  })
})
beforeEach(async () => {
  sending = true
  receiver.mails.length = 0
  facilityId = await api.facility({ timezone: "Europe/Berlin", openingHours: alwaysOpen })
  court = (
    await api.call("POST", `/v1/facilities/${facilityId}/resources`, {
      body: { name: "Court 1", resourceType: "court" },
    })
  ).body.id
  mia = await api.person("player", facilityId)
})
afterEach(() => expect(jobs.reports).toEqual([]))
afterAll(async () => {
  await jobs.stop()
  await api.app.mail.close()
  await receiver.close()
  await api.database.drop()
})

test("the booker is reminded a day and an hour before, each once, at the local time", async () => {
  const start = await fromNow(3 * dayMs)
  const { bookingId } = await book(start)
  await moveTo(start, -dayMs - minuteMs)
  expect(await check()).toEqual({ due: 0, overtaken: 0 })
  await moveTo(start, -dayMs)
  expect(await check()).toEqual({ due: 1, overtaken: 0 })
  const [mail] = await reminders(1)
  expect(mail?.recipients).toEqual([mia.email])
  expect(mail?.text).toContain(`\nWhen: ${await inBerlin(start)}`)
  expect(await check()).toEqual({ due: 0, overtaken: 0 })

  const [due] = await events("booking.reminder.due")
  const [sent] = await events("booking.reminder.sent")
  expect(due?.data).toEqual({
    bookingId,
    facilityId,
    resourceId: court,
    bookerId: mia.id,
    startAt: iso(start),
    endAt: iso(start + hourMs),
    reminderType: "24h",
    minutesBefore: 1440,
    dueAt: iso(start - dayMs),
  })
  const { sentAt, ...data } = (sent?.data ?? {}) as EventData<"booking.reminder.sent">
  expect(data).toEqual({ bookingId, userId: mia.id, reminderType: "24h", channel: "email" })
  expect(Math.abs(Date.parse(sentAt) - (start - dayMs))).toBeLessThan(20_000)
  expect(sent).toMatchObject({
    causation_id: due?.id as string,
    correlation_id: due?.correlation_id as string,
    user_id: jobsUserId,
    facility_id: facilityId,
    resource_id: court,
    aggregate_id: bookingId,
  })

  await moveTo(start, -hourMs)
  expect(await check()).toEqual({ due: 1, overtaken: 0 })
  await reminders(2)
  await moveTo(start, minuteMs)
  expect(await check()).toEqual({ due: 0, overtaken: 0 })
  expect(
    (await events("booking.reminder.sent")).map(({ data }) => (data as { reminderType: string }).reminderType),
  ).toEqual(["24h", "1h"])
})

test("a late booking gets no reminder for a time that has passed", async () => {
  const now = await fromNow(0)
  await book(now + 30 * minuteMs)
  await book(now + 3 * hourMs)
  expect(await check()).toEqual({ due: 0, overtaken: 0 })
  await moveTo(now, 2 * hourMs)
  expect(await check()).toEqual({ due: 1, overtaken: 0 })
  await reminders(1)
  expect((await events("booking.reminder.due")).map(({ data }) => data)).toEqual([
    expect.objectContaining({ reminderType: "1h", startAt: iso(now + 3 * hourMs) }),
  ])
})

test("after an outage only the latest reminder is sent, and a booking that has begun gets none", async () => {
  const now = await fromNow(0)
  await book(now + 2 * dayMs)
  await book(now + 2 * dayMs + 2 * hourMs)
  await moveTo(now, 2 * dayMs + 70 * minuteMs)
  expect(await check()).toEqual({ due: 1, overtaken: 1 })
  await reminders(1)
  expect((await events("booking.reminder.due")).map(({ data }) => data)).toEqual([
    expect.objectContaining({ reminderType: "1h", startAt: iso(now + 2 * dayMs + 2 * hourMs) }),
  ])
})

test("a cancelled booking gets no reminder, also when it is cancelled after the reminder came due", async () => {
  const start = await fromNow(3 * dayMs)
  const [early, late] = [await book(start), await book(start + hourMs)]
  await early.cancel()
  sending = false
  await moveTo(start, hourMs - dayMs)
  expect(await check()).toEqual({ due: 1, overtaken: 0 })
  await late.cancel()
  sending = true
  const [due] = await events("booking.reminder.due")
  // The message was recorded before the booking was cancelled and is not sent, or it was not recorded at all.
  await eventually(
    async () => {
      const reasons = await api.database.db<{ reason: string | null }[]>`
        select n.reason from slotbase.notifications n
        where n.event_id = ${due?.id as string} and n.channel = 'email' and n.status = 'skipped'
        union all
        select r.reason from slotbase.handler_runs r where r.event_id = ${due?.id as string} and r.status = 'skipped'`
      expect(reasons.map(({ reason }) => reason)).toEqual(["the booking is cancelled"])
    },
    { withinMs: 10_000 },
  )
  expect(receiver.mails.filter(isReminder)).toEqual([])
  expect(await events("booking.reminder.sent")).toEqual([])
})

test("a moved booking gets the reminder of its new time, unless it moved after that reminder's instant", async () => {
  const start = await fromNow(3 * dayMs)
  const { bookingId } = await book(start)
  await moveTo(start, -dayMs)
  expect(await check()).toEqual({ due: 1, overtaken: 0 })
  await reminders(1)
  await move(bookingId, start + 3 * dayMs)
  await moveTo(start, 2 * dayMs)
  expect(await check()).toEqual({ due: 1, overtaken: 0 })
  await reminders(2)
  await move(bookingId, start + 2 * dayMs + 5 * hourMs)
  expect(await check()).toEqual({ due: 0, overtaken: 0 })
  await moveTo(start, 2 * dayMs + 4 * hourMs)
  expect(await check()).toEqual({ due: 1, overtaken: 0 })
  await reminders(3)
  expect(
    (await events("booking.reminder.sent")).map(({ data }) => (data as { reminderType: string }).reminderType),
  ).toEqual(["24h", "24h", "1h"])
})

test("a facility sets its reminders", async () => {
  const at = `/v1/facilities/${facilityId}/reminder-settings`
  const [staff, admin] = [await api.person("staff", facilityId), await api.person("facility_admin", facilityId)]
  expect((await api.call("GET", at, { token: staff.token })).body).toEqual({
    remind24h: true,
    remind1h: true,
    customMinutes: null,
  })
  const start = await fromNow(3 * dayMs)
  await book(start)
  const body = { remind24h: false, remind1h: true, customMinutes: 2 * 24 * 60 }
  const put = await api.call("PUT", at, { token: admin.token, body })
  expect({ status: put.status, body: put.body }).toEqual({ status: 200, body })
  const again = await api.call("PUT", at, { token: admin.token, body })
  expect(again.headers.get("x-slotbase-event-ids")).toBeNull()
  expect((await events("facility.settings_updated")).map(({ data }) => data)).toEqual([
    { facilityId, changedSettings: ["remind24h", "customMinutes"], changedBy: admin.id },
  ])
  await moveTo(start, -2 * dayMs)
  expect(await check()).toEqual({ due: 1, overtaken: 0 })
  await moveTo(start, -dayMs)
  expect(await check()).toEqual({ due: 0, overtaken: 0 })
  expect((await events("booking.reminder.due")).map(({ data }) => data)).toEqual([
    expect.objectContaining({ reminderType: "custom", minutesBefore: 2880 }),
  ])

  expect((await api.call("PUT", at, { token: staff.token, body })).status).toBe(403)
  const twice = await api.call("PUT", at, { body: { ...body, customMinutes: 60 } })
  expect(twice.body).toMatchObject({ status: 422, code: "reminded_twice", errors: [{ path: "body.customMinutes" }] })
  const wrong = await api.call("PUT", at, { body: { remind24h: "yes", customMinutes: 4 } })
  expect(wrong.body.errors.map(({ path }: { path: string }) => path).sort()).toEqual([
    "body.customMinutes",
    "body.remind1h",
    "body.remind24h",
  ])
  const nowhere = await api.call("PUT", `/v1/facilities/${court}/reminder-settings`, { body })
  expect(nowhere.status).toBe(404)
})

test("two processes that check at once decide each reminder once", async () => {
  const start = await fromNow(3 * dayMs)
  for (let nth = 0; nth < 5; nth++) await book(start + nth * hourMs)
  await moveTo(start, 4 * hourMs - dayMs)
  const job = bookingReminderCheck(api.app)
  const signal = new AbortController().signal
  const passes = await Promise.all([job.pass(signal), check(), job.passIn?.(facilityId, signal), job.pass(signal)])
  expect(passes.reduce((sum, pass) => sum + dueOf(pass), 0)).toBe(5)
  await reminders(5)
})

test("after the clock has moved back, the reminders of new bookings are decided, also before a tick", async () => {
  const now = await fromNow(0)
  await moveTo(now, 60 * dayMs)
  expect(await check()).toEqual({ due: 0, overtaken: 0 })
  await moveTo(now, 30 * dayMs)
  const start = now + 33 * dayMs
  await book(start)
  await moveTo(start, hourMs - dayMs)
  expect(await countDueReminders(api.database.db)).toBe(1)
  expect(await check()).toEqual({ due: 1, overtaken: 0 })
  await reminders(1)
  expect(await countDueReminders(api.database.db)).toBe(0)
})

test("a crash after the mail has left sends it again under one Message-ID, and the event is recorded once", async () => {
  const start = await fromNow(3 * dayMs)
  await book(start)
  sending = false
  await moveTo(start, -dayMs)
  await check()
  await eventually(async () => {
    const found = await api.database.db`
      select from slotbase.message_queue q join slotbase.notifications n using (id, facility_id)
      where n.type = 'booking.reminder.due' and n.facility_id = ${facilityId}`
    expect(found).toHaveLength(1)
  })
  const { mail } = api.app
  const gone = Promise.withResolvers<void>()
  const dying: Mailer = {
    ...mail,
    send: async (message, signal) => {
      await mail.send(message, signal)
      gone.resolve()
      // The process is killed before it settles.
      return new Promise(() => {})
    },
  }
  const first = await postOffice({ ...api.app, channels: [dying] })
  await first.actor.pass(new AbortController().signal)
  await gone.promise
  expect(await events("booking.reminder.sent")).toEqual([])
  await first.die()
  const others = [await postOffice(api.app), await postOffice(api.app)]
  await Promise.all(others.map((office) => office.send()))
  await Promise.all(others.map((office) => office.send()))
  const mails = receiver.mails.filter(isReminder)
  expect(mails.length).toBeGreaterThan(1)
  expect(new Set(mails.map(({ messageId }) => messageId)).size).toBe(1)
  expect(await events("booking.reminder.sent")).toHaveLength(1)
  sending = true
})

const check = () => jobs.job("booking-reminder-check").passNow()
const dueOf = (pass: unknown) => {
  const { did, due } = pass as { did?: { due: number }; due?: number }
  return did?.due ?? due ?? 0
}

async function book(startMs: number) {
  const body = {
    resourceId: court,
    bookerId: mia.id,
    paymentMethod: "offline",
    startAt: iso(startMs),
    endAt: iso(startMs + hourMs),
  }
  const answer = await api.call("POST", `/v1/facilities/${facilityId}/bookings`, { body })
  expect(answer.status).toBe(201)
  const bookingId: string = answer.body.id
  return {
    bookingId,
    cancel: async () => {
      const at = `/v1/facilities/${facilityId}/bookings/${bookingId}/cancel`
      expect((await api.call("POST", at, { body: { cancellationReason: "rain" } })).status).toBe(200)
    },
  }
}

async function move(bookingId: string, startMs: number): Promise<void> {
  const body = { startAt: iso(startMs), endAt: iso(startMs + hourMs) }
  const answer = await api.call("POST", `/v1/facilities/${facilityId}/bookings/${bookingId}/reschedule`, { body })
  expect(answer.status).toBe(200)
}

const iso = (ms: number) => new Date(ms).toISOString()
const isReminder = ({ subject }: { subject?: string | undefined }) =>
  subject?.startsWith("Reminder: Court 1, ") === true

/** The instant this many milliseconds from now on the clock, at a whole minute. */
async function fromNow(ms: number): Promise<number> {
  const [{ now }] = await api.database.db<[{ now: Date }]>`select slotbase.now() as now`
  return Math.ceil((now.getTime() + ms) / minuteMs) * minuteMs
}

async function moveTo(ms: number, offset: number): Promise<void> {
  await api.database.db`select slotbase.move_clock(${iso(ms + offset)}::timestamptz - slotbase.now())`
}

const reminders = (count: number) =>
  eventually(async () => {
    expect(await events("booking.reminder.sent")).toHaveLength(count)
    return receiver.mails.filter(isReminder)
  })

const events = async (type: string) => [
  ...(await api.database.db<Record<string, unknown>[]>`
    select * from slotbase.events where type = ${type} and facility_id = ${facilityId} order by id`),
]

/** The time of the instant on a wall clock in Berlin. */
async function inBerlin(ms: number): Promise<string> {
  const [row] = await api.database.db<[{ text: string }]>`
    select to_char(${iso(ms)}::timestamptz at time zone 'Europe/Berlin', 'FMDay, FMDD FMMonth YYYY, HH24:MI') as text`
  return row.text
}
