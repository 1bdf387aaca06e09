// The club's front desk in the tests of the examples: makes the things that examples name, by ordinary requests on the
// demo club.

import type { HandledEvent } from "#actors/handlers/handler.ts"
import { refundHandler } from "#actors/handlers/refund.ts"
import { accountLinkToken, exampleBodies } from "#api/examples.ts"
import { newId } from "#base/ids.ts"
import { tokenOfLink } from "#domain/people/accounts/links.ts"
import { example } from "#events/example.ts"
import type { Answer, TestApi } from "#test/harness/api/api.ts"
import { password } from "#test/harness/api/over-api.ts"

export interface Given {
  /** The real id for an id of the example or a parameter of the address. */
  readonly ids: Readonly<Record<string, string>>
  readonly token?: string
  readonly query?: string
}

export interface Desk {
  readonly api: TestApi
  readonly at: string
  /** A request by the root key that succeeds. */
  readonly post: (path: string, body?: unknown, token?: string) => Promise<Answer["body"]>
  /** A free hour of 2030 on another court than that of the examples. */
  readonly hour: () => { readonly startAt: string; readonly endAt: string }
  readonly court: string
  /** Moves the clock to this many minutes after an instant, until the example has been pasted. */
  readonly moveTo: (instant: string, minutes: number) => Promise<void>
  readonly tokenOf: (userId: string) => Promise<string>
}

const f = "/v1/facilities/{facilityId}"
const { playerId, friendId, coachId } = example

export const named = (bookingId: string): Given => ({ ids: { [example.bookingId]: bookingId } })

export const booked = ({ at, post, court, hour }: Desk, bookerId: string = playerId) =>
  post(`${at}/bookings`, { resourceId: court, bookerId, paymentMethod: "offline", ...hour() })

/** A booking at so many minutes after its start. */
export async function begun(desk: Desk, minutes: number): Promise<string> {
  const { id, startAt } = await booked(desk)
  await desk.moveTo(startAt, minutes)
  return id
}

/** A booking of a member that waits for staff. */
export async function pending({ at, post, api, court, hour, tokenOf }: Desk): Promise<string> {
  await api.call("PUT", `${at}/booking-policy`, { body: { approvalResourceIds: [court] } })
  const body = { resourceId: court, paymentMethod: "online", ...hour() }
  const { id } = await post(`${at}/bookings`, body, await tokenOf(playerId))
  await api.call("PUT", `${at}/booking-policy`, { body: {} })
  return id
}

/** A series of the next days: those of the example are far ahead, and have no bookings yet. */
export async function series({ at, post, court }: Desk): Promise<string> {
  const startDate = new Date(Date.now() + 2 * 86_400_000).toISOString().slice(0, 10)
  const body = {
    ...(exampleBodies[`POST ${f}/recurring-bookings`] as object),
    resourceId: court,
    startDate,
    startTime: "12:00",
  }
  return (await post(`${at}/recurring-bookings`, { ...body, skipConflicts: true })).id
}

/** An entry of the waitlist whose slot has become free. */
export async function offered(desk: Desk): Promise<string> {
  const { at, post, court, hour } = desk
  const slot = { resourceId: court, ...hour() }
  const { id } = await post(`${at}/bookings`, { ...slot, bookerId: friendId, paymentMethod: "offline" })
  const entry = await post(`${at}/waitlist`, { ...slot, bookerId: playerId })
  await post(`${at}/bookings/${id}/cancel`, { cancellationReason: "rain" })
  return entry.id
}

export async function block({ at, post, court, hour, tokenOf }: Desk): Promise<string> {
  const body = { resourceId: court, blockType: "training", ...hour() }
  return (await post(`${at}/coach-blocks`, body, await tokenOf(coachId))).id
}

export async function session({ at, post, court, hour, moveTo }: Desk, minutes?: number) {
  const body = { resourceId: court, coachId, sessionType: "private", students: [playerId], paymentMethod: "waived" }
  const made = await post(`${at}/coach-sessions`, { ...body, ...hour() })
  if (minutes !== undefined) await moveTo(made.startAt, minutes)
  return made
}

export async function feedback(desk: Desk): Promise<string> {
  const { id: sessionId } = await session(desk)
  return (await desk.post(`${desk.at}/feedback`, { sessionId, studentId: playerId, text: "Turn earlier." })).id
}

/** A strike that an agent has explained, with its proposal. */
export async function explained({ at, api }: Desk): Promise<Given> {
  const id = newId()
  await api.database.db`
    insert into slotbase.agent_reports (id, facility_id, event_id, agent, subject_id, lines, proposal, status)
    values (${id}, ${at.split("/").at(-1) ?? ""}, ${id}, 'EnforcementAgent', ${id}, '{Missed.}', 'keep', 'open')`
  return { ids: { [example.agentReportId]: id } }
}

/** A suggestion for a draft. */
export async function suggested(desk: Desk): Promise<Given> {
  const [id, feedbackId] = [newId(), await feedback(desk)]
  await desk.api.database.db`
    insert into slotbase.feedback_suggestions (id, facility_id, feedback_id, event_id, made_by, is_rule_based,
      original_text, original_skills, suggested_text, suggested_skills)
    values (${id}, ${desk.at.split("/").at(-1) ?? ""}, ${feedbackId}, ${id}, 'rules', true, 'Turn earlier.', '{}', 'Turn earlier!', '{}')`
  return { ids: { [example.suggestionId]: id } }
}

/** A refund of cash, which the club still has to hand back. */
export async function owedRefund(desk: Desk): Promise<Given> {
  const { at, post, api } = desk
  const { id, priceAmount: amount } = await booked(desk)
  await post(`${at}/offline-payments`, { bookingId: id, amount, paymentMethod: "cash" })
  await post(`${at}/bookings/${id}/cancel`, { cancellationReason: "rain", refundPercent: 100 })
  const { db } = api.database
  const [cancelled] = await db<HandledEvent[]>`
    select *, 1 as position from slotbase.events where aggregate_id = ${id} and type = 'booking.cancelled'`
  if (cancelled === undefined) throw new Error("the cancellation has no event")
  const context = { db, idempotencyKey: id, signal: new AbortController().signal }
  await refundHandler(api.app).handle(cancelled, context)
  const [refund] = await db<{ id: string }[]>`
    select id from slotbase.refunds where status = 'owed' order by id desc limit 1`
  return { ids: { [example.refundId]: refund?.id ?? "no refund is owed" } }
}

/** The account of a player who has paid. */
export async function paidAccount(desk: Desk): Promise<Given> {
  const { id, priceAmount: amount } = await booked(desk)
  await desk.post(`${desk.at}/offline-payments`, { bookingId: id, amount, paymentMethod: "cash" })
  const { body } = await desk.api.call("GET", `${desk.at}/billing-accounts?userId=${playerId}&type=individual`)
  return { ids: { [example.billingAccountId]: body.data[0].id } }
}

/** A webhook to this machine: nothing leaves it. */
export async function webhook({ at, post }: Desk): Promise<string> {
  const body = exampleBodies[`POST ${f}/webhooks`] as object
  return (await post(`${at}/webhooks`, { ...body, url: "http://127.0.0.1:8009/" })).id
}

/** A calendar of a person, at a server that is not there. */
export async function calendarSync({ at, api }: Desk): Promise<Given & { readonly token: string }> {
  const { token } = await api.person("coach", example.facilityId)
  const body = exampleBodies[`POST ${f}/calendar-syncs`] as object
  const calendarId = `http://127.0.0.1:8009/${newId()}/`
  const made = await api.call("POST", `${at}/calendar-syncs`, { token, body: { ...body, calendarId } })
  if (made.status !== 201) throw new Error(`no calendar: ${made.status} ${JSON.stringify(made.body)}`)
  return { ids: { [example.calendarSyncId]: made.body.id }, token }
}

/** A facility has one subscription; any of these examples may be the first to need it. */
export async function subscribed({ at, api }: Desk): Promise<Given> {
  await api.call("POST", `${at}/subscription`, { body: { planId: "club", billingCycle: "monthly" } })
  return { ids: {} }
}

/** Somebody with an account of their own, in place of the demo club's player. */
export async function signedUp({ api }: Desk): Promise<Given> {
  const { id, token } = await api.person()
  return { ids: { [playerId]: id, "demo-password": password }, token }
}

/** A person with a message inside the program. */
export async function noticed(desk: Desk): Promise<Given> {
  const { ids, token = "" } = await signedUp(desk)
  const id = newId()
  await desk.api.database.db`
    insert into slotbase.notifications (id, facility_id, event_id, user_id, channel, type, template_id, priority, title, body, status, sent_at)
    values (${id}, ${example.facilityId}, ${newId()}, ${ids[playerId] ?? ""}, 'in_app', 'booking.confirmed', 'booking-confirmation',
            'high', 'Booked', 'Court 1 is yours.', 'sent', slotbase.now())`
  return { ids: { ...ids, [example.notificationId]: id }, token }
}

/** The link of somebody who has forgotten their password. */
export async function mailedLink({ api, post }: Desk): Promise<Given> {
  const { id, email } = await api.person()
  await post("/v1/password-resets", { email })
  const [link] = await api.database.db<{ id: string }[]>`select id from slotbase.account_links where user_id = ${id}`
  return { ids: { [accountLinkToken]: tokenOfLink(api.app.secrets, link?.id ?? "") } }
}

/** An invitation, answered by the invited child. */
export async function invited({ post, tokenOf, api }: Desk): Promise<Given> {
  const child = await api.person("player", example.facilityId)
  const body = { childId: child.id, relationship: "mother" }
  const link = await post(`/v1/users/${playerId}/children`, body, await tokenOf(playerId))
  return { ids: { "child-links": link.id }, token: child.token }
}

/** An invitation to a role, answered by the invited person, who is no member yet. */
export async function invitedToARole({ post, api }: Desk): Promise<Given> {
  const admin = await api.person("facility_admin", example.facilityId)
  const stranger = await api.person()
  const role = { role: "player", scopeType: "facility", scopeId: example.facilityId }
  const { invitationId } = await post(`/v1/users/${stranger.id}/roles`, role, admin.token)
  return { ids: { "role-invitations": invitationId }, token: stranger.token }
}
