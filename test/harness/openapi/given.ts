// What must be there before an example with a body is pasted. The result gives the real ids by the ids of the example,
// and the caller if it is not the root key. given-thing.ts has the same for requests without a body.

import { exampleBodies, phoneCodeOfText } from "#api/examples.ts"
import { newId } from "#base/ids.ts"
import { phoneCodeOf } from "#domain/people/phones/codes.ts"
import { example } from "#events/example.ts"
import {
  begun,
  block,
  booked,
  calendarSync,
  type Desk,
  explained,
  feedback,
  type Given,
  invited,
  invitedToARole,
  mailedLink,
  named,
  noticed,
  offered,
  owedRefund,
  paidAccount,
  pending,
  series,
  session,
  signedUp,
  subscribed,
  suggested,
  webhook,
} from "./desk.ts"

const f = "/v1/facilities/{facilityId}"
const { playerId } = example

/** By operation; an example without an entry needs nothing but the demo club. */
export const given: Readonly<Record<string, (desk: Desk) => Promise<Given>>> = {
  [`POST ${f}/lost-items/{id}/claim`]: async ({ at, post }) => {
    const body = exampleBodies[`POST ${f}/lost-items`]
    return { ids: { [example.itemId]: (await post(`${at}/lost-items`, body)).id } }
  },
  [`POST ${f}/agent-reports/{id}/decide`]: explained,
  [`POST ${f}/feedback-suggestions/{id}/approve`]: suggested,
  [`POST ${f}/feedback-suggestions/{id}/reject`]: suggested,
  [`PATCH ${f}/bookings/{bookingId}`]: async (desk) => named((await booked(desk)).id),
  [`POST ${f}/members/{userId}/invitation`]: async ({ at, post }) => {
    const guest = { firstName: "Kim", lastName: "Guest", email: "kim.guest@example.com" }
    return { ids: { [example.coachId]: (await post(`${at}/walk-ins`, guest)).id } }
  },
  [`POST ${f}/bookings/{bookingId}/approve`]: async (desk) => named(await pending(desk)),
  [`POST ${f}/bookings/{bookingId}/reject`]: async (desk) => named(await pending(desk)),
  [`POST ${f}/bookings/{bookingId}/confirm`]: async ({ at, post, court, hour }) =>
    named((await post(`${at}/holds`, { resourceId: court, bookerId: playerId, ...hour() })).id),
  [`POST ${f}/holds/{bookingId}/extend`]: async ({ at, post, court, hour }) =>
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
  [`POST ${f}/bookings/{bookingId}/no-show/undo`]: async (desk) => {
    const id = await begun(desk, 20)
    await desk.post(`${desk.at}/bookings/${id}/no-show`, {})
    return named(id)
  },
  [`POST ${f}/bookings/{bookingId}/check-in/undo`]: async (desk) => {
    const id = await begun(desk, 5)
    await desk.post(`${desk.at}/bookings/${id}/check-in`, {})
    return named(id)
  },
  [`POST ${f}/bookings/{bookingId}/complete/undo`]: async (desk) => {
    const id = await begun(desk, 5)
    await desk.post(`${desk.at}/bookings/${id}/complete`, {})
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
  [`POST ${f}/coach-sessions/{sessionId}/complete/undo`]: async (desk) => {
    const { id } = await session(desk, 70)
    await desk.post(`${desk.at}/coach-sessions/${id}/complete`, {})
    return { ids: { [example.sessionId]: id } }
  },
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
  [`POST ${f}/refunds/{refundId}/hand-back`]: owedRefund,
  [`POST ${f}/billing-accounts/{billingAccountId}/card`]: paidAccount,
  [`PUT ${f}/billing-accounts/{billingAccountId}/invoice-address`]: paidAccount,

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
  [`POST ${f}/calendar-syncs`]: async ({ api }) => ({
    ids: {},
    token: (await api.person("coach", example.facilityId)).token,
  }),
  [`POST ${f}/calendar-consents`]: async ({ api }) => ({
    ids: {},
    token: (await api.person("coach", example.facilityId)).token,
  }),
  [`PATCH ${f}/calendar-syncs/{id}`]: calendarSync,
  [`POST ${f}/calendar-syncs/{id}/sync`]: calendarSync,
  [`PATCH ${f}/webhooks/{id}`]: async (desk) => ({ ids: { webhooks: await webhook(desk) } }),
  [`POST ${f}/webhooks/{id}/rotate-secret`]: async (desk) => ({ ids: { webhooks: await webhook(desk) } }),
  [`POST ${f}/webhooks/{id}/replays`]: async (desk) => ({ ids: { webhooks: await webhook(desk) } }),
  [`POST ${f}/webhooks/{id}/continuity`]: async (desk) => ({ ids: { webhooks: await webhook(desk) } }),
  [`POST ${f}/webhooks/{id}/test`]: async (desk) => ({ ids: { webhooks: await webhook(desk) } }),
  [`POST ${f}/jobs/{name}/pause`]: async () => ({ ids: { "hold-expiration": "daily-reports" } }),
  [`POST ${f}/jobs/{name}/resume`]: async () => ({ ids: { "hold-expiration": "daily-reports" } }),
  [`POST ${f}/jobs/{name}/run`]: async () => ({ ids: {}, query: "?wait=0" }),
  "POST /v1/jobs/{name}/run": async () => ({ ids: {}, query: "?wait=0" }),
  "PATCH /v1/me": signedUp,
  "POST /v1/me/password": signedUp,
  "POST /v1/me/email-change": signedUp,
  "PUT /v1/me/phone": signedUp,
  "POST /v1/me/phone/verification": async (desk) => {
    const given = await signedUp(desk)
    const number = "+4915112345678"
    await desk.api.call("PUT", "/v1/me/phone", { token: given.token ?? null, body: { number } })
    const [phone] = await desk.api.database.db<{ id: string }[]>`
      select code_id as id from slotbase.phones where wanted = ${number} order by code_expires_at desc limit 1`
    return { ...given, ids: { ...given.ids, [phoneCodeOfText]: phoneCodeOf(desk.api.app.secrets, phone?.id ?? "") } }
  },
  "PUT /v1/me/message-preferences": signedUp,
  "POST /v1/me/notifications/read": noticed,
  "POST /v1/me/push-subscriptions": signedUp,
  "POST /v1/me/memberships": async ({ api }) => ({ ids: {}, token: (await api.person()).token }),
  "POST /v1/account-links/use": mailedLink,
  "POST /v1/child-links/{id}/accept": invited,
  "POST /v1/child-links/{id}/decline": invited,
  "POST /v1/role-invitations/{id}/accept": invitedToARole,
  "POST /v1/role-invitations/{id}/decline": invitedToARole,
}
