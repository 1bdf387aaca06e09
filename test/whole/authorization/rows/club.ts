// A club: its courts and rules, bookings, coaches, money, feedback.

import { jpeg } from "#test/harness/club/media-files.ts"
import { admins, everybody, members, type Row, staff } from "#test/whole/authorization/row.ts"
import type { Scene } from "#test/whole/authorization/scene.ts"

const f = "/v1/facilities/:facilityId"
const slot = ({ world, place }: Scene) => ({ resourceId: place.court, ...world.freeHour() })
/**
 * Only staff book for somebody else, and name the person. Members omit the field, or name themselves or their child.
 */
const forThem = (scene: Scene) => ({ ...slot(scene), bookerId: scene.whose })
const reason = () => ({ cancellationReason: "rain" })
const seriesReason = () => ({ scope: "all", cancellationReason: "rain" })
const series = ({ world, place, whose }: Scene) => {
  const { startAt } = world.freeHour()
  const when = { startDate: startAt.slice(0, 10), startTime: startAt.slice(11, 16), durationMinutes: 60 }
  return { resourceId: place.court, bookerId: whose, paymentMethod: "waived", rule: "FREQ=DAILY;COUNT=1", ...when }
}
const photo = () => {
  const form = new FormData()
  form.append("file", new File([Buffer.from(jpeg())], "grip.jpg"))
  return form
}
/** A booking, for its booker. A parent without the permission for their child may still read it. */
const member = { own: "M", child: "book", refused: 404, unpermitted: 403 } as const
const reader = { ...member, unpermitted: "may" } as const
/** A draft, for its coach. Staff may read it and not change it. */
const tus = { "tus-resumable": "1.0.0" } as const
const draft = { own: "C", hidden: "CMR" } as const
const pays = { own: "M", child: "pay", refused: 404 } as const
const sees = { own: "M", child: "view_feedback", refused: 404 } as const
const aCoach = { own: "C", refused: 404 } as const

export const clubRows: readonly Row[] = [
  [`GET ${f}`, members],
  [`PATCH ${f}/settings`, admins],
  [`POST ${f}/resources`, admins],
  [`GET ${f}/resources`, members],
  [`GET ${f}/resources/:id`, members],
  [`PATCH ${f}/resources/:id`, admins],
  [
    `POST ${f}/closures`,
    admins,
    { body: ({ world, place }) => ({ reason: "Repair", resourceIds: [place.otherCourt], ...world.freeHour() }) },
  ],
  [`GET ${f}/closures`, members],
  [`GET ${f}/closures/:id`, members],
  [`DELETE ${f}/closures/:id`, admins],
  [`POST ${f}/lost-items`, "POASCMK"],
  [`GET ${f}/lost-items`, members],
  [`GET ${f}/lost-items/:id`, members],
  [
    `POST ${f}/lost-items/:id/claim`,
    staff,
    { body: ({ whose }) => ({ claimedBy: whose }), orElse: "409 item_claimed" },
  ],
  [`POST ${f}/calendar-feeds`, staff, { body: ({ place }) => ({ resourceId: place.court }) }],
  [`GET ${f}/calendar-feeds`, members],
  [`POST ${f}/calendar-feeds/:id/rotate`, "", { own: "OASCMR", refused: 404 }],
  [`DELETE ${f}/calendar-feeds/:id`, admins, { own: "SCMR", refused: 404 }],
  [`GET ${f}/booking-policy`, members],
  [`PUT ${f}/booking-policy`, admins],
  [`GET ${f}/booking-questions`, members],
  [`PUT ${f}/booking-questions`, admins],
  [
    `POST ${f}/price-rules`,
    admins,
    {
      body: ({ place }) => ({
        name: "Repair",
        resourceId: place.otherCourt,
        bookingType: "maintenance",
        hourlyPrice: 1,
      }),
    },
  ],
  [`GET ${f}/price-rules`, admins],
  [`DELETE ${f}/price-rules/:ruleId`, admins],
  [`GET ${f}/reminder-settings`, staff],
  [`PUT ${f}/reminder-settings`, admins],
  [`GET ${f}/message-templates`, admins],
  [`GET ${f}/message-templates/:templateId`, admins],
  [
    `PUT ${f}/message-templates/:templateId`,
    admins,
    { body: ({ caller }) => ({ language: "en", heading: `Hello from ${caller}` }) },
  ],
  [`DELETE ${f}/message-templates/:templateId`, admins],
  [`POST ${f}/message-templates/:templateId/preview`, admins, { body: () => ({ language: "de", heading: "Hallo" }) }],

  [`POST ${f}/walk-ins`, staff],
  [`GET ${f}/members`, staff],
  [`GET ${f}/members/:userId`, staff],
  [`PATCH ${f}/members/:userId`, staff, { body: ({ caller }) => ({ phone: `0${caller.charCodeAt(0)}` }) }],
  [`POST ${f}/members/import`, admins, { body: () => ({ csv: "firstName,lastName\nAda,Keller" }) }],
  [`POST ${f}/members/:userId/invitation`, admins, { meets: "409 has_account" }],
  [`GET ${f}/role-invitations`, admins],

  [`GET ${f}/availability`, members, { query: "date=2027-05-01" }],
  [`POST ${f}/holds`, staff, { own: "CMR", child: "book", body: forThem }],
  [`POST ${f}/holds/:bookingId/extend`, staff, member],
  [`DELETE ${f}/holds/:bookingId`, staff, member],
  [
    `POST ${f}/bookings`,
    staff,
    { own: "CMR", child: "book", body: (scene) => ({ ...forThem(scene), paymentMethod: "online" }) },
  ],
  [`GET ${f}/bookings`, members],
  [`GET ${f}/bookings/:bookingId`, staff, reader],
  [`PATCH ${f}/bookings/:bookingId`, staff, { ...member, body: () => ({ title: "Training" }) }],
  [`POST ${f}/bookings/:bookingId/confirm`, staff, { ...member, meets: "409 booking_not_held" }],
  [`POST ${f}/bookings/:bookingId/cancel`, staff, { ...member, body: reason, orElse: "409 booking_not_confirmed" }],
  [`POST ${f}/bookings/:bookingId/reschedule`, staff, member],
  [`POST ${f}/bookings/:bookingId/approve`, staff, { meets: "409 booking_not_pending" }],
  [`POST ${f}/bookings/:bookingId/reject`, staff, { meets: "409 booking_not_pending" }],
  [`GET ${f}/bookings/:bookingId/check-in-code`, staff, reader],
  [`POST ${f}/bookings/:bookingId/check-in`, staff, { ...member, meets: "409 check_in_too_early" }],
  [`POST ${f}/bookings/:bookingId/no-show`, staff, { meets: "409 booking_not_started" }],
  [`POST ${f}/bookings/:bookingId/no-show/waive`, staff, { meets: "409 booking_not_no_show" }],
  [`POST ${f}/bookings/:bookingId/no-show/undo`, staff, { meets: "409 booking_not_no_show" }],
  [`POST ${f}/bookings/:bookingId/check-in/undo`, staff, { meets: "409 booking_not_checked_in" }],
  [`POST ${f}/bookings/:bookingId/complete`, staff, { meets: "409 booking_not_started" }],
  [`POST ${f}/bookings/:bookingId/complete/undo`, staff, { meets: "409 booking_not_completed" }],
  [`GET ${f}/strikes`, members],
  [`POST ${f}/recurring-bookings`, staff, { body: series }],
  [`GET ${f}/recurring-bookings`, members],
  [`GET ${f}/recurring-bookings/:recurringBookingId`, staff, reader],
  [
    `PATCH ${f}/recurring-bookings/:recurringBookingId`,
    staff,
    { ...member, body: () => ({ scope: "all", durationMinutes: 45 }) },
  ],
  [
    `POST ${f}/recurring-bookings/:recurringBookingId/cancel`,
    staff,
    { ...member, body: seriesReason, orElse: "409 series_cancelled" },
  ],
  [`POST ${f}/waitlist`, staff, { own: "CMR", child: "book", body: forThem, meets: "409 slot_is_free" }],
  [`GET ${f}/waitlist`, members],
  [`GET ${f}/waitlist/:entryId`, staff, reader],
  [`DELETE ${f}/waitlist/:entryId`, staff, member],
  [`POST ${f}/waitlist/:entryId/accept`, staff, { ...member, meets: "409 no_offer" }],
  [`POST ${f}/waitlist/:entryId/decline`, staff, { ...member, meets: "409 no_offer" }],

  [`GET ${f}/coaches`, members],
  [`GET ${f}/coaches/:userId`, members],
  [`PUT ${f}/coaches/:userId`, admins, { own: "C" }],
  [
    `POST ${f}/coach-blocks`,
    staff,
    {
      own: "C",
      body: (scene) => ({ ...slot(scene), blockType: "training", coachId: scene.whose }),
      orElse: "422 not_a_coach",
    },
  ],
  [`GET ${f}/coach-blocks`, members],
  [`GET ${f}/coach-blocks/:blockId`, staff, aCoach],
  [`POST ${f}/coach-blocks/:blockId/approve`, staff, { meets: "409 block_not_pending" }],
  [`POST ${f}/coach-blocks/:blockId/reject`, staff, { meets: "409 block_not_pending" }],
  [`POST ${f}/coach-blocks/:blockId/cancel`, staff, { ...aCoach, orElse: "409 block_not_open" }],
  [
    `POST ${f}/coach-sessions`,
    staff,
    {
      own: "C",
      body: (scene) => ({
        ...slot(scene),
        sessionType: "private",
        paymentMethod: "online",
        coachId: scene.whose,
        students: [scene.place.somebody.id],
      }),
      orElse: "422 not_a_coach",
    },
  ],
  [`GET ${f}/coach-sessions`, members],
  [`GET ${f}/coach-sessions/:sessionId`, staff, { ...sees, own: "CM" }],
  [
    `PATCH ${f}/coach-sessions/:sessionId`,
    staff,
    {
      ...aCoach,
      body: ({ place }) => ({ attendance: [{ userId: place.somebody.id, attended: true }] }),
      meets: "409 session_not_started",
    },
  ],
  [`POST ${f}/coach-sessions/:sessionId/complete`, staff, { ...aCoach, meets: "409 session_not_started" }],
  [`POST ${f}/coach-sessions/:sessionId/complete/undo`, staff, { meets: "409 session_not_completed" }],
  [`POST ${f}/coach-sessions/:sessionId/cancel`, staff, { ...aCoach, orElse: "409 session_not_scheduled" }],

  [
    `POST ${f}/payments`,
    staff,
    {
      ...pays,
      about: "holds",
      body: ({ params }) => ({ referenceType: "booking", referenceId: params.holds, cardToken: "tok_visa" }),
      orElse: "409 nothing_due",
    },
  ],
  [`GET ${f}/payments`, members],
  [`GET ${f}/payments/:paymentId`, staff, pays],
  [`POST ${f}/payments/:paymentId/refunds`, staff, { orElse: "409 already_refunded" }],
  [`GET ${f}/refunds`, staff],
  [`GET ${f}/refunds/:refundId`, staff],
  [`POST ${f}/refunds/:refundId/hand-back`, staff, { orElse: "409 refund_not_owed" }],
  [`POST ${f}/offline-payments`, staff, { body: () => ({ amount: 100, paymentMethod: "cash", payerName: "Walk-in" }) }],
  [`GET ${f}/offline-payments`, staff],
  [`GET ${f}/offline-payments/:offlinePaymentId`, staff],
  [
    `POST ${f}/billing-accounts`,
    staff,
    {
      body: ({ whose, world }) => ({ type: "family", ownerId: whose, memberIds: [world.child] }),
      orElse: "409 in_a_family_account",
    },
  ],
  [`GET ${f}/billing-accounts`, members],
  [`GET ${f}/billing-accounts/:billingAccountId`, staff, pays],
  [
    `DELETE ${f}/billing-accounts/:billingAccountId/members/:userId`,
    staff,
    { ...pays, meets: "409 not_a_family_account" },
  ],
  [
    `POST ${f}/billing-accounts/:billingAccountId/card`,
    staff,
    { own: "M", refused: 404, body: () => ({ cardToken: "tok_visa" }) },
  ],

  [
    `POST ${f}/feedback`,
    admins,
    {
      own: "C",
      about: "coach-sessions",
      body: ({ params, place }) => ({ sessionId: params["coach-sessions"], studentId: place.somebody.id }),
    },
  ],
  [`GET ${f}/feedback`, members],
  [`GET ${f}/feedback/:feedbackId`, staff, aCoach],
  [`PATCH ${f}/feedback/:feedbackId`, admins, draft],
  [`POST ${f}/feedback/:feedbackId/publish`, admins, { ...draft, orElse: "409 feedback_published" }],
  [`GET ${f}/feedback/:feedbackId/suggestions`, admins, draft],
  [`POST ${f}/feedback-suggestions/:id/approve`, admins, { ...draft, orElse: "409 suggestion_decided" }],
  [`POST ${f}/feedback-suggestions/:id/reject`, admins, { ...draft, orElse: "409 suggestion_decided" }],
  [`GET ${f}/agent-settings`, staff],
  [`PUT ${f}/agent-settings`, admins, { body: () => ({ whoseWords: "adults", monthlyBudget: 1_000 }) }],
  [`GET ${f}/agent-calls`, admins],
  [`GET ${f}/agent-reports`, staff],
  [
    `POST ${f}/agent-reports/:id/decide`,
    staff,
    { body: () => ({ decision: "dismiss" }), orElse: "409 report_decided" },
  ],
  [`POST ${f}/feedback/:feedbackId/media`, admins, { ...draft, form: photo }],
  [
    `POST ${f}/feedback/:feedbackId/uploads`,
    admins,
    { ...draft, headers: { ...tus, "upload-length": "1000" }, orElse: "409 too_many_uploads" },
  ],
  [`OPTIONS ${f}/feedback/:feedbackId/uploads`, everybody, { readsNothing: true }],
  [`OPTIONS ${f}/uploads/:uploadId`, everybody, { readsNothing: true }],
  // Only who began it has it.
  [`HEAD ${f}/uploads/:uploadId`, "", { ...aCoach, headers: tus }],
  [`PATCH ${f}/uploads/:uploadId`, "", { ...aCoach, headers: { ...tus, "upload-offset": "0" } }],
  [`DELETE ${f}/uploads/:uploadId`, "", { ...aCoach, headers: tus }],
  [`GET ${f}/media/:mediaId`, staff, aCoach],
  [`DELETE ${f}/media/:mediaId`, admins, draft],
  [`POST ${f}/players/:playerId/progress`, "POAC", { body: () => ({ skillId: "tennis.serve", newLevel: 3 }) }],
  [`GET ${f}/players/:playerId/progress`, "POASCK", sees],

  // Last, because a plan limits the rows before it.
  [
    `POST ${f}/subscription`,
    admins,
    { body: () => ({ planId: "club", billingCycle: "monthly" }), orElse: "409 subscription_exists" },
  ],
  [`GET ${f}/subscription`, admins],
  [
    `POST ${f}/subscription/change-plan`,
    admins,
    { body: () => ({ planId: "club", preview: true }), meets: "409 plan_unchanged" },
  ],
  [`POST ${f}/subscription/cancel`, admins, { orElse: "409 subscription_ends" }],
  [`POST ${f}/subscription/resume`, admins, { orElse: "409 subscription_not_cancelled" }],
  [`GET ${f}/subscription/usage`, staff],
  [`GET ${f}/reports`, staff],
  [`GET ${f}/reports/:day`, staff],
  [`GET ${f}/subscription/active-users`, staff],
  [`GET ${f}/figures`, staff, { query: "from=2027-05-01&until=2027-05-02" }],
  [`GET ${f}/subscription/invoices`, admins],
  [`GET ${f}/subscription/upgrade-prompts`, admins],
  [`POST ${f}/subscription/upgrade-prompts/:promptId/dismiss`, admins],
]
