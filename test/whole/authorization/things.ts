// Makes the things that calls act on, each for a person in a facility, by ordinary requests where such requests exist.
// A thing is named by the part of the address before its id.

import { openSession } from "#access/sessions.ts"
import { newId, rootUserId } from "#base/ids.ts"
import { makeReport } from "#domain/figures/reports/make.ts"
import { type EventRow, toDomainEvent } from "#events/envelope.ts"
import { aMember, run } from "#test/harness/club/club.ts"
import { invoiceOf, sellerSettings } from "#test/harness/club/invoices.ts"
import { jpeg } from "#test/harness/club/media-files.ts"
import { dispatchAll } from "#test/harness/pipeline/pipeline.ts"
import { rootKey } from "#test/harness/setup/system.ts"
import type { Place, World } from "./scene.ts"

/** Makes a thing for a person of the place; returns its id. */
type Make = (world: World, place: Place, whose: string) => Promise<string>

/** Makes the thing of a part of an address, such as "bookings". */
export function makeThing(part: string, world: World, place: Place, whose: string): Promise<string> {
  const make = Object.hasOwn(makers, part) ? makers[part] : undefined
  if (make === undefined)
    throw new Error(`nothing is known of /${part}/:id; say in test/whole/authorization/things.ts how to make one`)
  return make(world, place, whose)
}

/** Made by one request of the platform administrator, relative to the facility's address. */
const posted =
  (part: string, body: (world: World, place: Place, whose: string) => object): Make =>
  async (world, place, whose) =>
    (await world.must("POST", `${at(place)}/${part}`, body(world, place, whose))).id

const at = ({ id }: Place) => `/v1/facilities/${id}`
/** The coach of a person's thing: the person when they are the coach caller, otherwise the place's coach. */
const coachOf = (world: World, place: Place, whose: string) => (whose === world.ids.C ? whose : place.coach.id)

const makers: Readonly<Record<string, Make>> = {
  "event-types": async () => "booking.confirmed",
  jobs: async () => "hold-expiration",
  "facility-jobs": async () => "daily-reports",
  members: async (world, place) => (await aMember(world.api.database.db, "player", place.id)).id,
  users: async (_world, _place, whose) => whose,
  sessions: async ({ api: { database } }, _place, whose) => {
    await database.db.begin((tx) => openSession(tx, { id: whose, email: "", firstName: "", lastName: "" }))
    const [session] = await database.db<{ id: string }[]>`
      select id from slotbase.sessions where user_id = ${whose} order by id desc limit 1`
    return session?.id ?? ""
  },
  notifications: async ({ api: { database } }, place, whose) => {
    const id = newId()
    await database.db`
      insert into slotbase.notifications (id, facility_id, event_id, user_id, channel, type, template_id, priority, title, body, status, sent_at)
      values (${id}, ${place.id}, ${newId()}, ${whose}, 'in_app', 'booking.confirmed', 'booking-confirmation', 'high', 'Booked',
              'Court 1 is yours.', 'sent', slotbase.now())`
    return id
  },
  "push-subscriptions": async ({ api: { database } }, _place, whose) => {
    const id = newId()
    await database.db`
      insert into slotbase.push_subscriptions (id, user_id, endpoint_hash, service, sealed, server_key)
      values (${id}, ${whose}, ${Buffer.from(id)}, 'push.example.com', ${Buffer.of(1)}, 'key')`
    return id
  },
  "calendar-feeds": async ({ api: { database } }, place, whose) => {
    const id = newId()
    await database.db`
      insert into slotbase.calendar_feeds (id, facility_id, user_id, token_hash)
      values (${id}, ${place.id}, ${whose}, ${Buffer.from(id)})`
    return id
  },
  "agent-reports": async ({ api: { database } }, place) => {
    const id = newId()
    await database.db`
      insert into slotbase.agent_reports (id, facility_id, event_id, agent, subject_id, lines, proposal, status)
      values (${id}, ${place.id}, ${id}, 'EnforcementAgent', ${id}, '{Missed.}', 'keep', 'open')`
    return id
  },
  "feedback-suggestions": async (world, place, whose) => {
    const [id, feedbackId] = [newId(), await makeThing("feedback", world, place, whose)]
    await world.api.database.db`
      insert into slotbase.feedback_suggestions (id, facility_id, feedback_id, event_id, made_by, is_rule_based,
        original_text, original_skills, suggested_text, suggested_skills)
      values (${id}, ${place.id}, ${feedbackId}, ${id}, 'rules', true, 'Turn earlier.', '{}', 'Turn earlier!', '{}')`
    return id
  },
  players: async (_world, _place, whose) => whose,
  coaches: async (world, place, whose) => coachOf(world, place, whose),
  resources: async (_world, place) => place.court,

  children: async (world, place, whose) => {
    const body = { firstName: "Ben", lastName: "Keller", relationship: "mother", facilityId: place.id }
    return (await world.must("POST", `/v1/users/${whose}/children`, body)).childId
  },
  "child-links": async (world, place, whose) => {
    const parent = await aMember(world.api.database.db, "player", place.id)
    const body = { childId: whose, relationship: "father" }
    return (await world.must("POST", `/v1/users/${parent.id}/children`, body, parent.token)).id
  },
  "role-invitations": async (world, _place, whose) => {
    const { db } = world.api.database
    const facilityId = await world.api.facility()
    const admin = await aMember(db, "facility_admin", facilityId)
    const body = { role: "player", scopeType: "facility", scopeId: facilityId }
    return (await world.must("POST", `/v1/users/${whose}/roles`, body, admin.token)).invitationId
  },
  organizations: async (world) => (await world.must("POST", "/v1/organizations", { name: "City Sports" })).id,
  closures: posted("closures", (world, { otherCourt }) => ({
    reason: "Repair",
    resourceIds: [otherCourt],
    ...world.freeHour(),
  })),
  "lost-items": posted("lost-items", () => ({
    description: "Racket",
    category: "equipment",
    foundLocation: "Court 1",
  })),
  "api-keys": posted("api-keys", () => ({ name: "Till", role: "staff" })),
  "price-rules": posted("price-rules", (_world, { otherCourt }) => ({
    name: "Maintenance",
    resourceId: otherCourt,
    bookingType: "maintenance",
    hourlyPrice: 1,
  })),

  bookings: posted("bookings", (world, { court }, bookerId) => ({
    resourceId: court,
    bookerId,
    paymentMethod: "waived",
    ...world.freeHour(),
  })),
  holds: posted("holds", (world, { court }, bookerId) => ({ resourceId: court, bookerId, ...world.freeHour() })),
  "recurring-bookings": posted("recurring-bookings", (world, { court }, bookerId) => {
    const { startAt } = world.freeHour()
    const [startDate, startTime] = [startAt.slice(0, 10), startAt.slice(11, 16)]
    const rule = { startDate, startTime, durationMinutes: 60, rule: "FREQ=DAILY;COUNT=1" }
    return { resourceId: court, bookerId, paymentMethod: "waived", ...rule }
  }),
  waitlist: async (world, place, whose) => {
    const slot = { resourceId: place.court, ...world.freeHour() }
    await world.must("POST", `${at(place)}/bookings`, { ...slot, bookerId: place.staff.id, paymentMethod: "waived" })
    return (await world.must("POST", `${at(place)}/waitlist`, { ...slot, bookerId: whose })).id
  },

  "coach-blocks": posted("coach-blocks", (world, place, whose) => ({
    resourceId: place.court,
    blockType: "training",
    coachId: coachOf(world, place, whose),
    ...world.freeHour(),
  })),
  "coach-sessions": posted("coach-sessions", (world, place, whose) => ({
    resourceId: place.court,
    sessionType: "private",
    paymentMethod: "waived",
    coachId: coachOf(world, place, whose),
    students: [whose === coachOf(world, place, whose) ? place.somebody.id : whose],
    ...world.freeHour(),
  })),
  feedback: async (world, place, whose) => {
    const studentId = whose === coachOf(world, place, whose) ? place.somebody.id : whose
    const sessionId = await makeThing("coach-sessions", world, place, whose)
    const { id } = await world.must("POST", `${at(place)}/feedback`, { sessionId, studentId, text: "Turn earlier." })
    return id
  },
  media: async (world, place, whose) => {
    const form = new FormData()
    form.append("file", new File([Buffer.from(jpeg())], "grip.jpg"))
    const feedbackId = await makeThing("feedback", world, place, whose)
    const url = `http://slotbase.test${at(place)}/feedback/${feedbackId}/media`
    const headers = { authorization: `Bearer ${rootKey}` }
    const answer = await world.api.server.handle(new Request(url, { method: "POST", headers, body: form }))
    return ((await answer.json()) as { id: string }).id
  },
  uploads: async (world, place, whose) => {
    const [id, feedbackId] = [newId(), await makeThing("feedback", world, place, whose)]
    await world.api.database.db`
      insert into slotbase.uploads (id, facility_id, feedback_id, user_id, length, expires_at)
      values (${id}, ${place.id}, ${feedbackId}, ${whose}, 1000, slotbase.now() + interval '1 day')`
    return id
  },

  payments: async (world, place, whose) => {
    const referenceId = await makeThing("holds", world, place, whose)
    const body = { referenceType: "booking", referenceId, cardToken: "tok_visa" }
    return (await world.must("POST", `${at(place)}/payments`, body)).id
  },
  invoices: async (world, place, whose) => {
    await world.must("PUT", `${at(place)}/invoice-settings`, sellerSettings)
    return invoiceOf(world.api.database.db, place.id, await makeThing("payments", world, place, whose))
  },
  "offline-payments": async (world, place, whose) => {
    const bookingId = await unpaidBooking(world, place, whose)
    const body = { bookingId, amount: 2400, paymentMethod: "cash" }
    return (await world.must("POST", `${at(place)}/offline-payments`, body)).id
  },
  refunds: async (world, place, whose) => {
    const bookingId = await unpaidBooking(world, place, whose)
    await world.must("POST", `${at(place)}/offline-payments`, { bookingId, amount: 2400, paymentMethod: "cash" })
    await world.must("POST", `${at(place)}/bookings/${bookingId}/cancel`, {
      cancellationReason: "rain",
      refundPercent: 100,
    })
    const [refund] = await world.api.database.db<{ id: string }[]>`
      select id from slotbase.refunds where facility_id = ${place.id} order by id desc limit 1`
    return refund?.id ?? "no refund was made"
  },
  "billing-accounts": async (world, place, whose) => {
    await makeThing("offline-payments", world, place, whose)
    const { data } = await world.must("GET", `${at(place)}/billing-accounts?userId=${whose}`)
    return data[0]?.id ?? "no account was made"
  },
  // Each of a day of its own: the same day of another facility is another report.
  reports: async ({ api: { database } }, place) => {
    const day = new Date(Date.UTC(2030, 0, ++reports))
    await run(database.db, (tx) =>
      makeReport(tx, place.id, new Date(day.getTime() + 86_400_000).toISOString().slice(0, 10)),
    )
    return day.toISOString().slice(0, 10)
  },
  "upgrade-prompts": async (world, place) => {
    const { db } = world.api.database
    const running = await world.api.call("GET", `${at(place)}/subscription`)
    const subscription =
      running.status === 200
        ? running.body
        : await world.must("POST", `${at(place)}/subscription`, { planId: "club", billingCycle: "monthly" })
    const id = newId()
    await db`
      insert into slotbase.upgrade_prompts (id, facility_id, subscription_id, event_id, entitlement, level, plan_id, message,
        dismissed_at, dismissed_by)
      values (${id}, ${place.id}, ${subscription.id}, ${newId()}, 'resources', 'approaching', 'club', 'More courts',
        slotbase.now(), ${rootUserId})`
    return id
  },

  "calendar-syncs": async ({ api: { database } }, place, whose) => {
    const id = newId()
    await database.db`
      insert into slotbase.calendar_syncs (id, facility_id, user_id, provider, credentials, calendar_id, host, sync_direction,
        events, title_template, description_template, location_template)
      values (${id}, ${place.id}, ${whose}, 'apple', ${Buffer.of(1)}, ${`http://127.0.0.1:8009/${id}/`}, '127.0.0.1:8009', 'push',
              array['booking.confirmed'], 'Court', '', '')`
    return id
  },
  webhooks: posted("webhooks", () => ({
    name: "Board",
    url: "http://127.0.0.1:8009/hook",
    authType: "none",
    events: ["booking.confirmed"],
  })),
  subscriptions: posted("hooks/subscriptions", () => ({
    hookUrl: `http://127.0.0.1:8009/${newId()}`,
    event: "booking.confirmed",
  })),
  samples: async () => "booking.confirmed",
  "message-templates": async ({ api: { database } }, place) => {
    await database.db`
      insert into slotbase.message_templates (facility_id, template_id, language, subject, updated_by)
      values (${place.id}, 'waitlist-offer', 'en', 'Free: {{ resource }}', ${place.somebody.id})
      on conflict do nothing`
    return "waitlist-offer"
  },
  deliveries: async (world, place) => {
    const { db } = world.api.database
    const webhookId = await makeThing("webhooks", world, place, place.somebody.id)
    await dispatchAll(db)
    await makeThing("bookings", world, place, place.somebody.id)
    await dispatchAll(db)
    const [delivery] = await db<{ id: string }[]>`
      select id from slotbase.webhook_deliveries where webhook_id = ${webhookId} limit 1`
    return delivery?.id ?? "nothing was delivered"
  },
  replays: async (world, place) => {
    const webhookId = await makeThing("webhooks", world, place, place.somebody.id)
    return (await world.must("POST", `${at(place)}/webhooks/${webhookId}/replays`, {})).id
  },
  events: async (world, place) => {
    const [event] = await world.api.database.db<{ id: string }[]>`
      select id from slotbase.events where facility_id = ${place.id} order by id limit 1`
    return event?.id ?? "nothing has happened"
  },
  "dead-letters": async (world, place) => {
    const { db } = world.api.database
    const [event] = await db<
      EventRow[]
    >`select * from slotbase.events where facility_id = ${place.id} order by id limit 1`
    if (event === undefined) return "nothing has happened"
    const id = newId()
    await db`
      insert into slotbase.dead_letters (id, facility_id, event_id, position, handler, event, errors, created_at, last_attempt_at)
      values (${id}, ${place.id}, ${event.id}, 1, 'NoHandler', ${db.json(toDomainEvent(event) as never)}, '[]', slotbase.now(), slotbase.now())`
    return id
  },
  runs: async (world, place) => {
    const { id } = await world.must("POST", `${at(place)}/jobs/hold-expiration/run?wait=0`, {})
    return id
  },
}

async function unpaidBooking(world: World, place: Place, bookerId: string): Promise<string> {
  const body = { resourceId: place.court, bookerId, paymentMethod: "offline", ...world.freeHour() }
  return (await world.must("POST", `${at(place)}/bookings`, body)).id
}

let reports = 0

/** One thing of every kind, for tests that need all of them. */
export const parts: readonly string[] = Object.keys(makers)
