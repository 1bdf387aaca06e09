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
import type { NotificationConfig, RecipientType, SentMessage } from "./notification-config.ts"
import { whyNoReceipt } from "./together/receipt.ts"
import { whyNoRefund } from "./together/refund.ts"
import { toldInSeries, whyNoSeries } from "./together/series.ts"
import { toldOfSuggestions } from "./together/suggestions.ts"

const mail = (...types: readonly RecipientType[]) => types.map((type) => ({ type, channel: "email" as const }))
const mailAndPush = (type: RecipientType) => [...mail(type), { type, channel: "push" as const }]

const configs = {
  "booking.confirmed": {
    templateId: "booking-confirmation",
    priority: "high",
    recipients: [...mailAndPush("booker"), ...mail("participants"), ...mailAndPush("coach")],
    toldElsewhere: toldInSeries,
  },
  "recurring_booking.created": {
    templateId: "series-booked",
    priority: "high",
    recipients: [...mailAndPush("booker"), ...mail("participants")],
    toldElsewhere: whyNoSeries,
  },
  "recurring_booking.changed": {
    templateId: "series-booked",
    templateFor: ({ change }: EventData<"recurring_booking.changed">) =>
      change === "rescheduled" ? "series-moved" : "series-booked",
    priority: "high",
    recipients: [...mailAndPush("booker"), ...mail("participants")],
    toldElsewhere: whyNoSeries,
  },
  "recurring_booking.cancelled": {
    templateId: "series-cancelled",
    priority: "high",
    recipients: [...mailAndPush("booker"), ...mail("participants")],
    toldElsewhere: whyNoSeries,
  },
  "feedback.published": {
    templateId: "session-feedback",
    priority: "normal",
    recipients: mailAndPush("parents"),
  },
  "feedback.enhanced": {
    templateId: "suggestion-waiting",
    priority: "normal",
    recipients: mailAndPush("coach"),
    toldElsewhere: toldOfSuggestions,
    whyNot: (db: Queryable, { feedbackId }: EventData<"feedback.enhanced">, facilityId: string) =>
      noSuggestionWaits(db, facilityId, feedbackId),
  },
  "booking.cancelled": {
    templateId: "booking-cancelled",
    priority: "high",
    recipients: [...mailAndPush("booker"), ...mail("participants"), ...mailAndPush("coach")],
    toldElsewhere: toldInSeries,
  },
  "booking.no_show": {
    templateId: "booking-no-show",
    priority: "normal",
    recipients: mail("booker"),
  },
  "booking.no_show.undone": {
    templateId: "no-show-undone",
    priority: "normal",
    recipients: mail("booker"),
  },
  "booking.reminder.due": {
    templateId: "booking-reminder",
    priority: "high",
    recipients: mail("booker"),
    whyNot: (db: Queryable, data: EventData<"booking.reminder.due">) => noLongerTrue(db, data),
    // A message inside the program reminds nobody who is away.
    whenSent: async (tx: Tx, data: EventData<"booking.reminder.due">, { channel, ...message }: SentMessage) =>
      channel === "in_app" ? undefined : reminderSent(tx, data, { ...message, channel }),
  },
  "booking.rescheduled": {
    templateId: "booking-rescheduled",
    priority: "high",
    recipients: [...mailAndPush("booker"), ...mail("participants"), ...mailAndPush("coach")],
    toldElsewhere: toldInSeries,
  },
  "booking.local_time_changed": {
    templateId: "booking-local-time-changed",
    priority: "high",
    recipients: mail("booker", "participants"),
  },
  "booking.approval.requested": {
    templateId: "approval-requested",
    priority: "high",
    recipients: mail("booker", "facility_admins"),
    toldElsewhere: toldInSeries,
  },
  "booking.approval.granted": {
    templateId: "approval-granted",
    priority: "high",
    recipients: mail("booker"),
  },
  "booking.approval.rejected": {
    templateId: "approval-rejected",
    priority: "high",
    recipients: mail("booker"),
  },
  "recurring_booking.blocked": {
    templateId: "series-blocked",
    priority: "high",
    recipients: mail("facility_admins"),
  },
  "booking.approval.expired": {
    templateId: "approval-expired",
    priority: "high",
    recipients: mail("booker"),
  },
  "waitlist.offered": {
    templateId: "waitlist-offer",
    priority: "high",
    recipients: mailAndPush("booker"),
  },
  "waitlist.expired": {
    templateId: "waitlist-expired",
    priority: "normal",
    recipients: mail("booker"),
  },
  "booking.payment_voided": {
    templateId: "payment-voided",
    priority: "high",
    recipients: mail("payer", "booker"),
  },
  "payment.refund_failed": {
    templateId: "refund-failed",
    priority: "high",
    recipients: mail("facility_admins"),
  },
  "payment.failed": {
    templateId: "payment-failed",
    priority: "high",
    recipients: mail("payer"),
  },
  "payment.succeeded": {
    templateId: "payment-receipt",
    priority: "normal",
    recipients: mail("payer"),
    toldElsewhere: whyNoReceipt,
  },
  "payment.refunded": {
    templateId: "payment-refunded",
    priority: "normal",
    recipients: mail("payer"),
    toldElsewhere: whyNoRefund,
  },
  "booking.payment_overdue": {
    templateId: "payment-overdue",
    priority: "normal",
    recipients: mail("payer", "parents"),
    whyNot: (db: Queryable, { bookingId, facilityId }: EventData<"booking.payment_overdue">) =>
      whyNoLongerOwed(db, facilityId, bookingId),
  },
  "facility.payments_overdue": {
    templateId: "overdue-overview",
    priority: "normal",
    recipients: mail("facility_admins"),
  },
  "invoice.issued": {
    templateId: "invoice-issued",
    priority: "normal",
    recipients: mail("payer", "parents"),
  },
  "subscription.limit_warning": {
    templateId: "limit-warning",
    priority: "high",
    recipients: mail("facility_admins"),
  },
  "subscription.renewed": {
    templateId: "subscription-renewed",
    priority: "normal",
    recipients: mail("facility_admins"),
  },
  "subscription.cancelled": {
    templateId: "subscription-cancelled",
    priority: "normal",
    recipients: mail("facility_admins"),
  },
  "subscription.plan_changed": {
    templateId: "subscription-changed",
    priority: "normal",
    recipients: mail("facility_admins"),
  },
  "subscription.status_changed": {
    templateId: "subscription-status",
    priority: "high",
    recipients: mail("facility_admins"),
  },
  "coach.block.requested": {
    templateId: "coach-block-requested",
    priority: "normal",
    recipients: mail("facility_admins"),
    whyNot: async (_db: Queryable, { requiresApproval }: EventData<"coach.block.requested">) =>
      requiresApproval ? undefined : "it needs no approval",
  },
  "coach.block.approved": {
    templateId: "coach-block-decided",
    priority: "normal",
    recipients: mail("coach"),
  },
  "coach.block.rejected": {
    templateId: "coach-block-decided",
    priority: "normal",
    recipients: mail("coach"),
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
    recipients: mail("previous_address"),
  },
  "user.phone_code_requested": {
    templateId: "phone-code",
    priority: "critical",
    recipients: [{ type: "phone", channel: "sms" }],
  },
  "user.password_changed": {
    templateId: "password-changed",
    priority: "high",
    recipients: mail("account"),
  },
  "user.password_reset_requested": {
    templateId: "password-reset",
    priority: "high",
    recipients: mail("link"),
  },
  "user.invited": {
    templateId: "account-invitation",
    priority: "normal",
    recipients: mail("link"),
  },
  "booking.struck": {
    templateId: "booking-struck",
    priority: "high",
    recipients: [...mailAndPush("booker"), ...mail("participants", "coach")],
  },
  "coach.block.struck": {
    templateId: "coach-block-struck",
    priority: "high",
    recipients: mail("coach"),
  },
  "coach.block.expired": {
    templateId: "coach-block-expired",
    priority: "normal",
    recipients: mail("coach"),
  },
  "webhook.failing": {
    templateId: "webhook-failing",
    priority: "high",
    recipients: mail("facility_admins"),
  },
  "webhook.disabled": {
    templateId: "webhook-disabled",
    priority: "high",
    recipients: mail("facility_admins"),
  },
  "webhook.recovered": {
    templateId: "webhook-recovered",
    priority: "normal",
    recipients: mail("facility_admins"),
  },
  "calendar.sync.failing": {
    templateId: "calendar-failing",
    priority: "high",
    recipients: mail("account"),
  },
  "calendar.conflict.found": {
    templateId: "calendar-conflict",
    priority: "high",
    recipients: mailAndPush("account"),
  },
  "facility.job.failing": {
    templateId: "job-failing",
    priority: "high",
    recipients: mail("facility_admins"),
  },
  "facility.job.recovered": {
    templateId: "job-recovered",
    priority: "normal",
    recipients: mail("facility_admins"),
  },
  "platform.failing": {
    templateId: "platform-failing",
    priority: "high",
    recipients: mail("platform_admins"),
    whyNot: async (_db: Queryable, { trouble }: EventData<"platform.failing">) =>
      trouble === "mail_held" ? "no mail can say that mail is held" : undefined,
  },
  "facility.report.made": {
    templateId: "daily-report",
    priority: "normal",
    recipients: mail("facility_admins"),
  },
  "progress.summary.made": {
    templateId: "progress-summary",
    priority: "normal",
    recipients: mail("parents", "account"),
  },
  "platform.recovered": {
    templateId: "platform-recovered",
    priority: "normal",
    recipients: mail("platform_admins"),
  },
} as const satisfies Partial<Record<EventType, NotificationConfig>>

export const NOTIFICATION_CONFIGS: Readonly<Partial<Record<string, NotificationConfig>>> = configs

/** The events with a notification. */
export const notifiedEvents = Object.keys(configs) as (keyof typeof configs)[]
