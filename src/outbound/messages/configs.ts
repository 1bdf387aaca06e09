/**
 * The events that notify people, with their recipients and messages, in one list.
 * booking.confirmed and feedback.published are the specification's NOTIFICATION_CONFIGS. The coach of a lesson is added
 * to the first. The others are this project's:
 * - events that the specification's registry gives to NotificationHandler,
 * - events that cost their recipient something, or wait for the recipient's decision.
 * There is no welcome mail: registration is open, so anybody could have one sent to any address. The mails of accounts
 * have limits of their own.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { noSuggestionWaits } from "#domain/agents/feedback/waiting.ts"
import { noLongerTrue, reminderSent } from "#domain/booking/reminders/reminders.ts"
import { whyNoLongerOwed } from "#domain/ledger/debts.ts"
import type { EventData, EventType } from "#events/catalogue.ts"
import type { NotificationConfig, SentMessage } from "./notification-config.ts"
import { whyNoReceipt } from "./together/receipt.ts"
import { whyNoRefund } from "./together/refund.ts"
import { toldInSeries, whyNoSeries } from "./together/series.ts"
import { toldOfSuggestions } from "./together/suggestions.ts"

const configs = {
  "booking.confirmed": {
    templateId: "booking-confirmation",
    priority: "high",
    recipients: [
      { type: "booker", channel: "email" },
      { type: "booker", channel: "push" },
      { type: "participants", channel: "email" },
      { type: "coach", channel: "email" },
      { type: "coach", channel: "push" },
    ],
    toldElsewhere: toldInSeries,
  },
  "recurring_booking.created": {
    templateId: "series-booked",
    priority: "high",
    recipients: [
      { type: "booker", channel: "email" },
      { type: "booker", channel: "push" },
      { type: "participants", channel: "email" },
    ],
    toldElsewhere: whyNoSeries,
  },
  "recurring_booking.changed": {
    templateId: "series-booked",
    templateFor: ({ change }: EventData<"recurring_booking.changed">) =>
      change === "rescheduled" ? "series-moved" : "series-booked",
    priority: "high",
    recipients: [
      { type: "booker", channel: "email" },
      { type: "booker", channel: "push" },
      { type: "participants", channel: "email" },
    ],
    toldElsewhere: whyNoSeries,
  },
  "recurring_booking.cancelled": {
    templateId: "series-cancelled",
    priority: "high",
    recipients: [
      { type: "booker", channel: "email" },
      { type: "booker", channel: "push" },
      { type: "participants", channel: "email" },
    ],
    toldElsewhere: whyNoSeries,
  },
  "feedback.published": {
    templateId: "session-feedback",
    priority: "normal",
    recipients: [
      { type: "parents", channel: "email" },
      { type: "parents", channel: "push" },
    ],
  },
  "feedback.enhanced": {
    templateId: "suggestion-waiting",
    priority: "normal",
    recipients: [
      { type: "coach", channel: "email" },
      { type: "coach", channel: "push" },
    ],
    toldElsewhere: toldOfSuggestions,
    whyNot: (db: Queryable, { feedbackId }: EventData<"feedback.enhanced">, facilityId: string) =>
      noSuggestionWaits(db, facilityId, feedbackId),
  },
  "booking.cancelled": {
    templateId: "booking-cancelled",
    priority: "high",
    recipients: [
      { type: "booker", channel: "email" },
      { type: "booker", channel: "push" },
      { type: "participants", channel: "email" },
      { type: "coach", channel: "email" },
      { type: "coach", channel: "push" },
    ],
    toldElsewhere: toldInSeries,
  },
  "booking.no_show": {
    templateId: "booking-no-show",
    priority: "normal",
    recipients: [{ type: "booker", channel: "email" }],
  },
  "booking.no_show.undone": {
    templateId: "no-show-undone",
    priority: "normal",
    recipients: [{ type: "booker", channel: "email" }],
  },
  "booking.reminder.due": {
    templateId: "booking-reminder",
    priority: "high",
    recipients: [{ type: "booker", channel: "email" }],
    whyNot: (db: Queryable, data: EventData<"booking.reminder.due">) => noLongerTrue(db, data),
    // A message inside the program reminds nobody who is away.
    whenSent: async (tx: Tx, data: EventData<"booking.reminder.due">, { channel, ...message }: SentMessage) =>
      channel === "in_app" ? undefined : reminderSent(tx, data, { ...message, channel }),
  },
  "booking.rescheduled": {
    templateId: "booking-rescheduled",
    priority: "high",
    recipients: [
      { type: "booker", channel: "email" },
      { type: "booker", channel: "push" },
      { type: "participants", channel: "email" },
      { type: "coach", channel: "email" },
      { type: "coach", channel: "push" },
    ],
    toldElsewhere: toldInSeries,
  },
  "booking.local_time_changed": {
    templateId: "booking-local-time-changed",
    priority: "high",
    recipients: [
      { type: "booker", channel: "email" },
      { type: "participants", channel: "email" },
    ],
  },
  "booking.approval.requested": {
    templateId: "approval-requested",
    priority: "high",
    recipients: [
      { type: "booker", channel: "email" },
      { type: "facility_admins", channel: "email" },
    ],
    toldElsewhere: toldInSeries,
  },
  "booking.approval.granted": {
    templateId: "approval-granted",
    priority: "high",
    recipients: [{ type: "booker", channel: "email" }],
  },
  "booking.approval.rejected": {
    templateId: "approval-rejected",
    priority: "high",
    recipients: [{ type: "booker", channel: "email" }],
  },
  "recurring_booking.blocked": {
    templateId: "series-blocked",
    priority: "high",
    recipients: [{ type: "facility_admins", channel: "email" }],
  },
  "booking.approval.expired": {
    templateId: "approval-expired",
    priority: "high",
    recipients: [{ type: "booker", channel: "email" }],
  },
  "waitlist.offered": {
    templateId: "waitlist-offer",
    priority: "high",
    recipients: [
      { type: "booker", channel: "email" },
      { type: "booker", channel: "push" },
    ],
  },
  "waitlist.expired": {
    templateId: "waitlist-expired",
    priority: "normal",
    recipients: [{ type: "booker", channel: "email" }],
  },
  "booking.payment_voided": {
    templateId: "payment-voided",
    priority: "high",
    recipients: [
      { type: "payer", channel: "email" },
      { type: "booker", channel: "email" },
    ],
  },
  "payment.refund_failed": {
    templateId: "refund-failed",
    priority: "high",
    recipients: [{ type: "facility_admins", channel: "email" }],
  },
  "payment.failed": {
    templateId: "payment-failed",
    priority: "high",
    recipients: [{ type: "payer", channel: "email" }],
  },
  "payment.succeeded": {
    templateId: "payment-receipt",
    priority: "normal",
    recipients: [{ type: "payer", channel: "email" }],
    toldElsewhere: whyNoReceipt,
  },
  "payment.refunded": {
    templateId: "payment-refunded",
    priority: "normal",
    recipients: [{ type: "payer", channel: "email" }],
    toldElsewhere: whyNoRefund,
  },
  "booking.payment_overdue": {
    templateId: "payment-overdue",
    priority: "normal",
    recipients: [
      { type: "payer", channel: "email" },
      { type: "parents", channel: "email" },
    ],
    whyNot: (db: Queryable, { bookingId, facilityId }: EventData<"booking.payment_overdue">) =>
      whyNoLongerOwed(db, facilityId, bookingId),
  },
  "facility.payments_overdue": {
    templateId: "overdue-overview",
    priority: "normal",
    recipients: [{ type: "facility_admins", channel: "email" }],
  },
  "invoice.issued": {
    templateId: "invoice-issued",
    priority: "normal",
    recipients: [
      { type: "payer", channel: "email" },
      { type: "parents", channel: "email" },
    ],
  },
  "subscription.limit_warning": {
    templateId: "limit-warning",
    priority: "high",
    recipients: [{ type: "facility_admins", channel: "email" }],
  },
  "subscription.renewed": {
    templateId: "subscription-renewed",
    priority: "normal",
    recipients: [{ type: "facility_admins", channel: "email" }],
  },
  "subscription.cancelled": {
    templateId: "subscription-cancelled",
    priority: "normal",
    recipients: [{ type: "facility_admins", channel: "email" }],
  },
  "subscription.plan_changed": {
    templateId: "subscription-changed",
    priority: "normal",
    recipients: [{ type: "facility_admins", channel: "email" }],
  },
  "subscription.status_changed": {
    templateId: "subscription-status",
    priority: "high",
    recipients: [{ type: "facility_admins", channel: "email" }],
  },
  "coach.block.requested": {
    templateId: "coach-block-requested",
    priority: "normal",
    recipients: [{ type: "facility_admins", channel: "email" }],
    whyNot: async (_db: Queryable, { requiresApproval }: EventData<"coach.block.requested">) =>
      requiresApproval ? undefined : "it needs no approval",
  },
  "coach.block.approved": {
    templateId: "coach-block-decided",
    priority: "normal",
    recipients: [{ type: "coach", channel: "email" }],
  },
  "coach.block.rejected": {
    templateId: "coach-block-decided",
    priority: "normal",
    recipients: [{ type: "coach", channel: "email" }],
  },
  "user.email_change_requested": {
    templateId: "email-confirmation",
    priority: "high",
    recipients: [
      { type: "link", channel: "email" },
      { type: "previous_address", channel: "email", templateId: "email-change-notice" },
    ],
  },
  "user.email_changed": {
    templateId: "email-changed",
    priority: "high",
    recipients: [{ type: "previous_address", channel: "email" }],
  },
  "user.phone_code_requested": {
    templateId: "phone-code",
    priority: "critical",
    recipients: [{ type: "phone", channel: "sms" }],
  },
  "user.password_changed": {
    templateId: "password-changed",
    priority: "high",
    recipients: [{ type: "account", channel: "email" }],
  },
  "user.password_reset_requested": {
    templateId: "password-reset",
    priority: "high",
    recipients: [{ type: "link", channel: "email" }],
  },
  "user.invited": {
    templateId: "account-invitation",
    priority: "normal",
    recipients: [{ type: "link", channel: "email" }],
  },
  "booking.struck": {
    templateId: "booking-struck",
    priority: "high",
    recipients: [
      { type: "booker", channel: "email" },
      { type: "booker", channel: "push" },
      { type: "participants", channel: "email" },
      { type: "coach", channel: "email" },
    ],
  },
  "coach.block.struck": {
    templateId: "coach-block-struck",
    priority: "high",
    recipients: [{ type: "coach", channel: "email" }],
  },
  "coach.block.expired": {
    templateId: "coach-block-expired",
    priority: "normal",
    recipients: [{ type: "coach", channel: "email" }],
  },
  "webhook.failing": {
    templateId: "webhook-failing",
    priority: "high",
    recipients: [{ type: "facility_admins", channel: "email" }],
  },
  "webhook.disabled": {
    templateId: "webhook-disabled",
    priority: "high",
    recipients: [{ type: "facility_admins", channel: "email" }],
  },
  "webhook.recovered": {
    templateId: "webhook-recovered",
    priority: "normal",
    recipients: [{ type: "facility_admins", channel: "email" }],
  },
  "calendar.sync.failing": {
    templateId: "calendar-failing",
    priority: "high",
    recipients: [{ type: "account", channel: "email" }],
  },
  "calendar.conflict.found": {
    templateId: "calendar-conflict",
    priority: "high",
    recipients: [
      { type: "account", channel: "email" },
      { type: "account", channel: "push" },
    ],
  },
  "platform.failing": {
    templateId: "platform-failing",
    priority: "high",
    recipients: [{ type: "platform_admins", channel: "email" }],
    whyNot: async (_db: Queryable, { trouble }: EventData<"platform.failing">) =>
      trouble === "mail_held" ? "no mail can say that mail is held" : undefined,
  },
  "facility.report.made": {
    templateId: "daily-report",
    priority: "normal",
    recipients: [{ type: "facility_admins", channel: "email" }],
  },
  "progress.summary.made": {
    templateId: "progress-summary",
    priority: "normal",
    recipients: [
      { type: "parents", channel: "email" },
      { type: "account", channel: "email" },
    ],
  },
  "platform.recovered": {
    templateId: "platform-recovered",
    priority: "normal",
    recipients: [{ type: "platform_admins", channel: "email" }],
  },
} as const satisfies Partial<Record<EventType, NotificationConfig>>

export const NOTIFICATION_CONFIGS: Readonly<Partial<Record<string, NotificationConfig>>> = configs

/** The events with a notification. */
export const notifiedEvents = Object.keys(configs) as (keyof typeof configs)[]
