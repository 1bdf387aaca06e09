// Every handler of the program bears its events twice, in another order, and again after a crash. The crash comes
// between its effect and the settlement of its runs. Its effects are those of one delivery. A handler without a row in
// the table fails here. A company's own handlers of both kinds stand in it too.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Handler } from "#actors/handlers/handler.ts"
import { handlersOf, mirrorHandlers, reservedNames } from "#actors/handlers/index.ts"
import type { Db } from "#base/database/db.ts"
import { newId } from "#base/ids.ts"
import { recordUploaded } from "#domain/coaching/feedback/files.ts"
import { insertMedia, type StoredFile } from "#domain/media/rows.ts"
import { useEntitlement } from "#domain/plans/entitlements.ts"
import type { AfterHook } from "#events/after-hook.ts"
import { record } from "#events/outbox.ts"
import type { ExtensionHandler } from "#hooks/extension.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { makeCourts } from "#test/harness/api/booking-api.ts"
import { buildClub } from "#test/harness/club/build.ts"
import { aClub, bySql, run } from "#test/harness/club/club.ts"
import { aForm } from "#test/harness/club/feedback-club.ts"
import { atHour, hoursFrom } from "#test/harness/club/hours.ts"
import { wav } from "#test/harness/club/media-files.ts"
import { aTinyPlan, subscribed } from "#test/harness/club/subscriptions.ts"
import { afterACrash, inOrderOf, once, twice } from "#test/harness/pipeline/delivered-again.ts"

let api: TestApi
let db: Db
let handlers: readonly Handler[]
/** The keys that the after hook was called with. */
let hookKeys = new Set<string>()
const lamp: AfterHook = {
  point: "after:booking.confirmed",
  name: "lamp",
  run: async (_, { idempotencyKey }) => void hookKeys.add(idempotencyKey),
}
/** The keys that the company's gate was opened with: it ignores a repeated one. */
let gateKeys = new Set<string>()
const own: readonly ExtensionHandler[] = [
  {
    name: "GateHandler",
    events: ["booking.confirmed"],
    handle: async (_, { idempotencyKey }) => void gateKeys.add(idempotencyKey),
  },
  {
    // It takes no care of repetitions: what it writes commits with its run.
    name: "DoorLogHandler",
    kind: "transactional",
    events: ["booking.confirmed", "booking.cancelled"],
    handle: async ({ id, facilityId }, { sql }) => {
      await sql`insert into public.door_log (event_id, facility_id) values (${id}, ${facilityId ?? null})`
    },
  },
]
const ownNames = own.map(({ name }) => name)

beforeAll(async () => {
  api = await testApi()
  db = api.database.db
  await aTinyPlan(db)
  await db`create table public.door_log (event_id uuid not null, facility_id uuid)`
  handlers = handlersOf({ ...api.app, hooks: [lamp], ownHandlers: own })
})
afterAll(() => api.database.drop())

/** Makes the events of a handler in a new facility. Answers how to read its effects there, without any id. */
type Story = () => Promise<() => Promise<unknown>>

const rows = async (query: PromiseLike<readonly object[]>) => (await query).map((row) => ({ ...row }))

/** Two bookings, and one of them cancelled. */
async function played() {
  const club = await aClub(db)
  const friends = [{ userId: club.friend.id }]
  await club.book(club.court, 9, { participants: friends })
  await club.cancel((await club.book(club.court, 11)).id)
  return club
}

/** A coach with two drafts of feedback. */
async function coached() {
  const { id, court, coach, student } = await buildClub(bySql(db), {
    facility: { sportTypes: ["tennis"] },
    courts: ["court"],
    people: { coach: "coach", student: "player" },
  })
  const at = `/v1/facilities/${id}`
  const drafts: string[] = []
  for (const [nth, text] of ["watch the backhand", "more footwork , please"].entries()) {
    const lesson = { resourceId: court, ...atHour(nth), sessionType: "private", paymentMethod: "offline" }
    const session = await request(`${at}/coach-sessions`, { ...lesson, students: [student.id] }, coach.token)
    const body = { sessionId: session.id, studentId: student.id, text }
    drafts.push((await request(`${at}/feedback`, body, coach.token)).id)
  }
  return { id, coach, drafts }
}

/** A club with a photo in feedback on a session. */
async function aFileOfFeedback() {
  const { id, coach, drafts } = await coached()
  const owner = { facilityId: id, feedbackId: drafts[0] ?? "", uploadedBy: coach.id }
  const told = { fileName: "a.jpg", contentType: "image/jpeg", fileSizeBytes: 5, durationSeconds: undefined }
  const file: StoredFile = { ...told, id: newId(), mediaType: "photo", isVoiceNote: false, storedIn: "disk" }
  await run(db, async (tx) => recordUploaded(tx, id, await insertMedia(tx, owner, file)))
  return { id }
}

async function request(path: string, body: object, token?: string): Promise<{ readonly id: string }> {
  const answer = await api.call("POST", path, { body, ...(token !== undefined && { token }) })
  if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.body
}

/** The handlers, each with its story and its effects. A new handler needs a row. */
const stories: Readonly<Record<string, Story>> = {
  AnalyticsHandler: async () => {
    const { id } = await played()
    return () =>
      rows(db`
        select bookings, cancellations, booked_minutes, booked_amount from slotbase.daily_facility_figures
        where facility_id = ${id} order by day`)
  },
  CacheInvalidationHandler: async () => {
    const { id } = await played()
    return () =>
      rows(db`
        select c.touched_at = (select max(p.position) from slotbase.event_positions p
                               where p.facility_id = ${id} and p.type in ('booking.confirmed', 'booking.cancelled')) as newest
        from slotbase.availability_cache c where c.facility_id = ${id}`)
  },
  CapacityTrackingHandler: async () => {
    const { id } = await played()
    return () => rows(db`select users from slotbase.active_user_months where facility_id = ${id}`)
  },
  MediaProcessingHandler: async () => {
    const { id } = await aFileOfFeedback()
    return () =>
      rows(db`
        select p.state, p.attempts, p.reported, p.event_id = e.id as of_its_event
        from slotbase.media_processing p
        join slotbase.events e on e.type = 'media.uploaded' and e.data ->> 'mediaId' = p.media_id::text
        where p.facility_id = ${id}`)
  },
  NotificationHandler: async () => {
    const { id } = await played()
    return () =>
      rows(db`
        select n.type, n.channel, n.template_id, n.status, count(*), sum(n.attempts) as attempts
        from slotbase.notifications n where n.facility_id = ${id}
        group by 1, 2, 3, 4 order by 1, 2, 3, 4`)
  },
  AfterHooks: async () => {
    await played()
    hookKeys = new Set()
    return async () => hookKeys.size
  },
  GateHandler: async () => {
    await played()
    gateKeys = new Set()
    return async () => gateKeys.size
  },
  DoorLogHandler: async () => {
    const { id } = await played()
    return () =>
      rows(db`
        select count(*), count(distinct event_id) as events from public.door_log where facility_id = ${id}`)
  },
  ProgressUpdateHandler: async () => {
    const { id, court, coach, student } = await buildClub(bySql(db), {
      facility: { sportTypes: ["tennis"] },
      courts: ["court"],
      people: { coach: "coach", student: "player" },
    })
    const at = `/v1/facilities/${id}`
    for (const [nth, level] of [3, 5].entries()) {
      const lesson = { resourceId: court, ...atHour(nth), sessionType: "private", paymentMethod: "offline" }
      const session = await request(`${at}/coach-sessions`, { ...lesson, students: [student.id] }, coach.token)
      const assessments = [{ skillId: "tennis.serve", level }]
      const body = { sessionId: session.id, studentId: student.id, text: "Watch the ball.", assessments }
      const feedback = await request(`${at}/feedback`, body, coach.token)
      await request(`${at}/feedback/${feedback.id}/publish`, {}, coach.token)
    }
    return async () => ({
      levels: await rows(db`select new_level from slotbase.progress where facility_id = ${id} order by 1`),
      events: (await db`select from slotbase.events where facility_id = ${id} and type = 'progress.updated'`).length,
    })
  },
  BookingConfirmationHandler: async () => {
    const its = await makeCourts(api)
    const at = `/v1/facilities/${its.facilityId}`
    for (const hour of [9, 11]) {
      const held = await request(`${at}/holds`, { resourceId: its.court, ...atHour(hour), bookerId: its.player.id })
      const payment = { referenceType: "booking", referenceId: held.id, cardToken: "tok_visa" }
      await request(`${at}/payments`, payment, its.player.token)
    }
    return () =>
      rows(db`
        select b.status, count(distinct b.id) as bookings, count(e.id) as events from slotbase.bookings b
        left join slotbase.events e on e.aggregate_id = b.id::text and e.type = 'booking.confirmed'
        where b.facility_id = ${its.facilityId} group by b.status`)
  },
  RefundHandler: async () => {
    const its = await makeCourts(api)
    const at = `/v1/facilities/${its.facilityId}`
    for (const hour of [9, 11]) {
      const booking = { resourceId: its.court, ...atHour(hour), bookerId: its.player.id, paymentMethod: "offline" }
      const { id } = await request(`${at}/bookings`, booking)
      const payment = { referenceType: "booking", referenceId: id, cardToken: "tok_visa" }
      await request(`${at}/payments`, payment, its.player.token)
      await request(`${at}/bookings/${id}/cancel`, { cancellationReason: "Rain" })
    }
    return () =>
      rows(db`
        select status, count(*), sum(amount) as amount,
               (select count(*) from slotbase.local_provider_refunds p
                where p.key in (select id from slotbase.refunds where facility_id = ${its.facilityId})) as asked
        from slotbase.refunds where facility_id = ${its.facilityId} group by status`)
  },
  WaitlistHandler: async () => {
    const its = await makeCourts(api)
    const at = `/v1/facilities/${its.facilityId}`
    const entries = []
    for (const hour of [48, 52]) {
      const span = hoursFrom(hour, 1)
      const booking = { resourceId: its.court, ...span, bookerId: its.player.id, paymentMethod: "offline" }
      const { id } = await request(`${at}/bookings`, booking)
      for (const nth of [1, 2]) {
        const { token } = await api.person("player", its.facilityId)
        const entry = await request(`${at}/waitlist`, { resourceId: its.court, ...span }, token)
        if (nth === 1) await request(`${at}/bookings/${id}/cancel`, { cancellationReason: "Rain" })
        entries.push(entry.id)
      }
    }
    // The offers end without anybody noticing.
    const offers = db`select offer_booking_id from slotbase.waitlist_entries where id = any (${entries})`
    await db`update slotbase.bookings set status = 'released' where id in (${offers}) and facility_id = ${its.facilityId}`
    await db`delete from slotbase.occupancies where facility_id = ${its.facilityId}`
    return () =>
      rows(db`
        select status, count(*) from slotbase.waitlist_entries where facility_id = ${its.facilityId}
        group by status order by status`)
  },
  SubscriptionPaymentHandler: async () => {
    const owner = await api.person("facility_admin", (await makeCourts(api)).facilityId)
    const facilityId = await api.facility({ ownerId: owner.id })
    const at = `/v1/facilities/${facilityId}`
    const { id } = await request(`${at}/subscription`, { planId: "club", billingCycle: "monthly" }, owner.token)
    const payment = { referenceType: "subscription", referenceId: id, cardToken: "tok_visa" }
    await request(`${at}/payments`, payment, owner.token)
    return () =>
      rows(db`select status, paid_amount from slotbase.subscription_invoices where facility_id = ${facilityId}`)
  },
  InvoiceHandler: async () => {
    const its = await makeCourts(api)
    const at = `/v1/facilities/${its.facilityId}`
    for (const hour of [9, 11]) {
      const booking = { resourceId: its.court, ...atHour(hour), bookerId: its.player.id, paymentMethod: "offline" }
      const { id } = await request(`${at}/bookings`, booking)
      const payment = { referenceType: "booking", referenceId: id, cardToken: "tok_visa" }
      const paid = await request(`${at}/payments`, payment, its.player.token)
      await request(`${at}/payments/${paid.id}/refunds`, { reason: "Rain", amount: 300 + hour })
    }
    return () =>
      rows(db`
        select kind, count(*), sum(gross) as gross,
               (select max(counter) from slotbase.invoices where facility_id = ${its.facilityId}) as last_number
        from slotbase.invoices where facility_id = ${its.facilityId} group by kind order by kind`)
  },
  CalendarSyncHandler: async () => {
    const club = await aClub(db)
    const id = newId()
    await db`
      insert into slotbase.calendar_syncs (id, facility_id, user_id, provider, credentials, calendar_id, host, sync_direction,
        events, title_template, description_template, location_template)
      values (${id}, ${club.id}, ${club.player.id}, 'apple', ${Buffer.of(1)}, 'https://caldav.example.com/', 'caldav.example.com',
        'push', array['booking.confirmed', 'booking.cancelled'], 'Court', '', '')`
    await club.book(club.court, 9)
    await club.cancel((await club.book(club.court, 11)).id)
    return () =>
      rows(db`
        select b.status, w.failures, s.asked > 0 as asked, s.next_sync_at <= slotbase.now() as due
        from slotbase.calendar_work w
        join slotbase.bookings b on b.id = w.booking_id and b.facility_id = w.facility_id
        join slotbase.calendar_syncs s on s.id = w.sync_id and s.facility_id = w.facility_id
        where w.sync_id = ${id} order by b.start_at`)
  },
  AIAnalysisHandler: async () => {
    const { id, coach, drafts } = await coached()
    for (const draft of drafts) {
      const form = aForm(wav(1), { part: "voiceNote", name: "note.wav", type: "audio/wav" })
      const url = `http://slotbase.test/v1/facilities/${id}/feedback/${draft}/media`
      const headers = { authorization: `Bearer ${coach.token}` }
      const answer = await api.server.handle(new Request(url, { method: "POST", headers, body: form }))
      if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`)
    }
    return () =>
      rows(db`
        select data -> 'aiInsights' as insights, count(*) from slotbase.events
        where facility_id = ${id} and type = 'media.processed' group by 1`)
  },
  FeedbackEnhancementAgent: async () => {
    const { id } = await coached()
    return () =>
      rows(db`
        select s.status, s.suggested_text, count(*),
               (select count(*) from slotbase.events e where e.facility_id = ${id} and e.type = 'feedback.enhanced') as events
        from slotbase.feedback_suggestions s where s.facility_id = ${id} group by 1, 2 order by 2`)
  },
  EnforcementAgent: async () => {
    const club = await aClub(db)
    for (const hour of [9, 11]) {
      const { id } = await club.book(club.court, hour)
      await db`update slotbase.clock set shift = shift + interval '3 days'`
      await request(`/v1/facilities/${club.id}/bookings/${id}/no-show`, {})
      await db`update slotbase.clock set shift = '0'`
    }
    return () =>
      rows(db`
        select agent, proposal, status, count(*) from slotbase.agent_reports
        where facility_id = ${club.id} group by 1, 2, 3`)
  },
  MonitoringAgent: async () => {
    const { id } = await aClub(db)
    for (const day of ["2026-03-10", "2026-03-11"])
      await run(db, async (tx) => {
        const data = { facilityId: id, day, bookings: 20, cancellations: 0, noShows: 0, revenue: [] }
        record(tx, { type: "facility.report.made", facilityId: id, data })
      })
    return () =>
      rows(
        db`select agent, lines, count(*) from slotbase.agent_reports where facility_id = ${id} group by 1, 2 order by 2`,
      )
  },
  UpgradePromptHandler: async () => {
    const club = await aClub(db)
    await subscribed(db, club)
    for (const amount of [8, 2]) await run(db, (tx) => useEntitlement(tx, club.id, "bookings_per_month", amount))
    return () =>
      rows(db`
        select entitlement, level, count(*) from slotbase.upgrade_prompts where facility_id = ${club.id} group by 1, 2`)
  },
}

test("every registered handler has a row, and its name is reserved", () => {
  const names = handlers.map(({ name }) => name)
  expect(names.toSorted()).toEqual(Object.keys(stories).toSorted())
  const reserved: readonly string[] = reservedNames
  expect(names.filter((name) => !reserved.includes(name))).toEqual(ownNames)
})

describe.each(Object.keys(stories))("%s has the same effects", (name) => {
  let handler: Handler
  let expected: unknown
  const tell = async (deliver: typeof once) => {
    const effects = await (stories[name] as Story)()
    await deliver(db, handler)
    return effects()
  }

  beforeAll(async () => {
    handler = handlers.find((each) => each.name === name) as Handler
    await mirrorHandlers(db, [handler])
    // What was recorded until now is for nobody.
    const { kind, events } = handler
    await once(db, { kind, name, events, handle: async () => undefined } as Handler)
    expected = await tell(once)
  })

  test("when its events come twice", async () => {
    expect(expected).not.toEqual([])
    expect(await tell(twice)).toEqual(expected)
  })

  test("when its events come in the other order", async () => {
    expect(await tell(inOrderOf())).toEqual(expected)
  })

  test("after a crash between its effects and their settlement", async () => {
    expect(await tell(afterACrash)).toEqual(expected)
  })
})

test.each([...new Bun.Glob("actors/handlers/*.ts").scanSync()].filter((path) => !/(index|handler)\.ts$/.test(path)))(
  "the header of %s says how it is idempotent",
  async (path) => {
    const [header = ""] = (await Bun.file(path).text()).split("*/")
    expect(header).toMatch(/idempotent|exactly once|twice|repeated|repetition|at least once/i)
  },
)
