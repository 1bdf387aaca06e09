// What must be there before an example is pasted: the things whose ids it names, made by ordinary requests on the demo
// club. The result gives the real ids by the ids of the example, and the caller if it is not the root key.

import type { HandledEvent } from "#actors/handlers/handler.ts"
import { refundHandler } from "#actors/handlers/refund.ts"
import { exampleBodies } from "#api/examples.ts"
import { newId } from "#base/ids.ts"
import { example } from "#events/example.ts"
import type { Answer, TestApi } from "#test/harness/api/api.ts"

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

/** By operation; an example without an entry needs nothing but the demo club. */
export const given: Readonly<Record<string, (desk: Desk) => Promise<Given>>> = {
  [`POST ${f}/lost-items/{id}/claim`]: async ({ at, post }) => {
    const body = exampleBodies[`POST ${f}/lost-items`]
    return { ids: { [example.itemId]: (await post(`${at}/lost-items`, body)).id } }
  },
  [`POST ${f}/bookings/{bookingId}/approve`]: async (desk) => named(await pending(desk)),
  [`POST ${f}/bookings/{bookingId}/reject`]: async (desk) => named(await pending(desk)),
  [`POST ${f}/bookings/{bookingId}/confirm`]: async ({ at, post, court, hour }) =>
    named((await post(`${at}/holds`, { resourceId: court, bookerId: playerId, ...hour() })).id),
  [`POST ${f}/bookings/{bookingId}/cancel`]: async (desk) => named((await booked(desk)).id),
  [`POST ${f}/bookings/{bookingId}/reschedule`]: async (desk) => named((await booked(desk)).id),
  [`POST ${f}/bookings/{bookingId}/check-in`]: async (desk) => named(await begun(desk, -5)),
  [`POST ${f}/bookings/{bookingId}/complete`]: async (desk) => {
    const id = await begun(desk, 5)
    await desk.post(`${desk.at}/bookings/${id}/check-in`, {})
    return named(id)
  },
  [`POST ${f}/bookings/{bookingId}/no-show`]: async (desk) => named(await begun(desk, 20)),
  [`POST ${f}/bookings/{bookingId}/no-show/waive`]: async (desk) => {
    const id = await begun(desk, 20)
    await desk.post(`${desk.at}/bookings/${id}/no-show`, {})
    return named(id)
  },
  [`PATCH ${f}/recurring-bookings/{recurringBookingId}`]: async (desk) => ({
    ids: { [example.recurringBookingId]: await series(desk) },
  }),
  [`POST ${f}/recurring-bookings/{recurringBookingId}/cancel`]: async (desk) => ({
    ids: { [example.recurringBookingId]: await series(desk) },
  }),
  [`POST ${f}/waitlist`]: async ({ at, post, api }) => {
    const { resourceId, bookerId, ...hour } = exampleBodies[`POST ${f}/waitlist`] as Record<string, string>
    // The slot of the example "POST …/bookings", which may have been pasted before.
    const body = { resourceId, bookerId, ...hour, paymentMethod: "offline" }
    const taken = await api.call("POST", `${at}/bookings`, { body })
    if (taken.status !== 201 && taken.status !== 409) await post(`${at}/bookings`, body)
    return { ids: {} }
  },
  [`POST ${f}/waitlist/{entryId}/accept`]: async (desk) => ({
    ids: { [example.waitlistEntryId]: await offered(desk) },
  }),
  [`POST ${f}/waitlist/{entryId}/decline`]: async (desk) => ({
    ids: { [example.waitlistEntryId]: await offered(desk) },
  }),

  [`POST ${f}/coach-blocks/{blockId}/approve`]: async (desk) => ({ ids: { [example.blockId]: await block(desk) } }),
  [`POST ${f}/coach-blocks/{blockId}/reject`]: async (desk) => ({ ids: { [example.blockId]: await block(desk) } }),
  [`POST ${f}/coach-blocks/{blockId}/cancel`]: async (desk) => ({ ids: { [example.blockId]: await block(desk) } }),
  [`PATCH ${f}/coach-sessions/{sessionId}`]: async (desk) => ({
    ids: { [example.sessionId]: (await session(desk, 5)).id },
  }),
  [`POST ${f}/coach-sessions/{sessionId}/complete`]: async (desk) => ({
    ids: { [example.sessionId]: (await session(desk, 70)).id },
  }),
  [`POST ${f}/coach-sessions/{sessionId}/cancel`]: async (desk) => ({
    ids: { [example.sessionId]: (await session(desk)).id },
  }),
  [`POST ${f}/feedback`]: async (desk) => ({ ids: { [example.sessionId]: (await session(desk)).id } }),
  [`PATCH ${f}/feedback/{feedbackId}`]: async (desk) => ({ ids: { [example.feedbackId]: await feedback(desk) } }),
  [`POST ${f}/feedback/{feedbackId}/publish`]: async (desk) => ({
    ids: { [example.feedbackId]: await feedback(desk) },
  }),

  [`POST ${f}/payments`]: async ({ at, post, court, hour }) =>
    named((await post(`${at}/holds`, { resourceId: court, bookerId: playerId, ...hour() })).id),
  [`POST ${f}/payments/{paymentId}/refunds`]: async ({ at, post, court, hour }) => {
    const { id } = await post(`${at}/holds`, { resourceId: court, bookerId: playerId, ...hour() })
    const paid = await post(`${at}/payments`, { referenceType: "booking", referenceId: id, cardToken: "tok_visa" })
    return { ids: { [example.transactionId]: paid.id } }
  },
  [`POST ${f}/refunds/{refundId}/hand-back`]: async (desk) => {
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
    const [refund] = await api.database.db<{ id: string }[]>`
      select id from slotbase.refunds where status = 'owed' order by id desc limit 1`
    return { ids: { [example.refundId]: refund?.id ?? "no refund is owed" } }
  },
  [`POST ${f}/billing-accounts/{billingAccountId}/card`]: async (desk) => {
    const { id, priceAmount: amount } = await booked(desk)
    await desk.post(`${desk.at}/offline-payments`, { bookingId: id, amount, paymentMethod: "cash" })
    const { body } = await desk.api.call("GET", `${desk.at}/billing-accounts?userId=${playerId}&type=individual`)
    return { ids: { [example.billingAccountId]: body.data[0].id } }
  },

  [`POST ${f}/subscription/change-plan`]: subscribed,
  [`POST ${f}/subscription/cancel`]: subscribed,
  [`POST ${f}/subscription/resume`]: async (desk) => {
    await subscribed(desk)
    await desk.api.call("POST", `${desk.at}/subscription/cancel`, { body: {} })
    return { ids: {} }
  },
  [`POST ${f}/subscription/upgrade-prompts/{promptId}/dismiss`]: async (desk) => {
    await subscribed(desk)
    const { db } = desk.api.database
    const id = newId()
    await db`
      insert into slotbase.upgrade_prompts (id, facility_id, subscription_id, event_id, entitlement, level, plan_id, message)
      select ${id}, facility_id, id, ${newId()}, 'resources', 'approaching', 'club', 'More courts'
      from slotbase.subscriptions where facility_id = ${example.facilityId} limit 1`
    return { ids: { promptId: id } }
  },
  [`POST ${f}/api-keys/{id}/transfer`]: async ({ at, post, api }) => ({
    ids: { "api-keys": (await post(`${at}/api-keys`, { name: "Website", role: "staff" })).id },
    // For people, not for keys.
    token: (await api.person("facility_admin", example.facilityId)).token,
  }),
  [`PATCH ${f}/webhooks/{id}`]: async ({ at, post }) => {
    const body = exampleBodies[`POST ${f}/webhooks`] as object
    return { ids: { webhooks: (await post(`${at}/webhooks`, { ...body, url: "http://127.0.0.1:8009/" })).id } }
  },
  [`POST ${f}/jobs/{name}/run`]: async () => ({ ids: {}, query: "?wait=0" }),
  "POST /v1/jobs/{name}/run": async () => ({ ids: {}, query: "?wait=0" }),
  "POST /v1/child-links/{id}/accept": invited,
  "POST /v1/child-links/{id}/decline": invited,
  "POST /v1/role-invitations/{id}/accept": invitedToARole,
  "POST /v1/role-invitations/{id}/decline": invitedToARole,
}

const named = (bookingId: string): Given => ({ ids: { [example.bookingId]: bookingId } })

const booked = ({ at, post, court, hour }: Desk, bookerId: string = playerId) =>
  post(`${at}/bookings`, { resourceId: court, bookerId, paymentMethod: "offline", ...hour() })

/** A booking at so many minutes after its start. */
async function begun(desk: Desk, minutes: number): Promise<string> {
  const { id, startAt } = await booked(desk)
  await desk.moveTo(startAt, minutes)
  return id
}

/** A booking of a member that waits for staff. */
async function pending({ at, post, api, court, hour, tokenOf }: Desk): Promise<string> {
  await api.call("PUT", `${at}/booking-policy`, { body: { approvalResourceIds: [court] } })
  const body = { resourceId: court, paymentMethod: "online", ...hour() }
  const { id } = await post(`${at}/bookings`, body, await tokenOf(playerId))
  await api.call("PUT", `${at}/booking-policy`, { body: {} })
  return id
}

/** A series of the next days: those of the example are far ahead, and have no bookings yet. */
async function series({ at, post, court }: Desk): Promise<string> {
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
async function offered(desk: Desk): Promise<string> {
  const { at, post, court, hour } = desk
  const slot = { resourceId: court, ...hour() }
  const { id } = await post(`${at}/bookings`, { ...slot, bookerId: friendId, paymentMethod: "offline" })
  const entry = await post(`${at}/waitlist`, { ...slot, bookerId: playerId })
  await post(`${at}/bookings/${id}/cancel`, { cancellationReason: "rain" })
  return entry.id
}

async function block({ at, post, court, hour, tokenOf }: Desk): Promise<string> {
  const body = { resourceId: court, blockType: "training", ...hour() }
  return (await post(`${at}/coach-blocks`, body, await tokenOf(coachId))).id
}

async function session({ at, post, court, hour, moveTo }: Desk, minutes?: number) {
  const body = { resourceId: court, coachId, sessionType: "private", students: [playerId], paymentMethod: "waived" }
  const made = await post(`${at}/coach-sessions`, { ...body, ...hour() })
  if (minutes !== undefined) await moveTo(made.startAt, minutes)
  return made
}

async function feedback(desk: Desk): Promise<string> {
  const { id: sessionId } = await session(desk)
  return (await desk.post(`${desk.at}/feedback`, { sessionId, studentId: playerId, text: "Turn earlier." })).id
}

/** A facility has one subscription; any of these examples may be the first to need it. */
async function subscribed({ at, api }: Desk): Promise<Given> {
  await api.call("POST", `${at}/subscription`, { body: { planId: "club", billingCycle: "monthly" } })
  return { ids: {} }
}

/** An invitation, answered by the invited child. */
async function invited({ post, tokenOf, api }: Desk): Promise<Given> {
  const child = await api.person("player", example.facilityId)
  const body = { childId: child.id, relationship: "mother" }
  const link = await post(`/v1/users/${playerId}/children`, body, await tokenOf(playerId))
  return { ids: { "child-links": link.id }, token: child.token }
}

/** An invitation to a role, answered by the invited person, who is no member yet. */
async function invitedToARole({ post, api }: Desk): Promise<Given> {
  const admin = await api.person("facility_admin", example.facilityId)
  const stranger = await api.person()
  const role = { role: "player", scopeType: "facility", scopeId: example.facilityId }
  const { invitationId } = await post(`/v1/users/${stranger.id}/roles`, role, admin.token)
  return { ids: { "role-invitations": invitationId }, token: stranger.token }
}
