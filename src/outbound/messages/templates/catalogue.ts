/** Every message, by its name. */
import { accountInvitation } from "./account-invitation.ts"
import { approvalExpired } from "./approval-expired.ts"
import { approvalGranted } from "./approval-granted.ts"
import { approvalRejected } from "./approval-rejected.ts"
import { approvalRequested } from "./approval-requested.ts"
import { bookingCancelled } from "./booking-cancelled.ts"
import { bookingConfirmation } from "./booking-confirmation.ts"
import { bookingLocalTimeChanged } from "./booking-local-time-changed.ts"
import { bookingNoShow } from "./booking-no-show.ts"
import { bookingReminder } from "./booking-reminder.ts"
import { bookingRescheduled } from "./booking-rescheduled.ts"
import { bookingStruck } from "./booking-struck.ts"
import { calendarConflict } from "./calendar-conflict.ts"
import { calendarFailing } from "./calendar-failing.ts"
import { coachBlockDecided } from "./coach-block-decided.ts"
import { coachBlockExpired } from "./coach-block-expired.ts"
import { coachBlockRequested } from "./coach-block-requested.ts"
import { coachBlockStruck } from "./coach-block-struck.ts"
import { dailyReport } from "./daily-report.ts"
import { emailChangeNotice } from "./email-change-notice.ts"
import { emailChanged } from "./email-changed.ts"
import { emailConfirmation } from "./email-confirmation.ts"
import { invoiceIssued } from "./invoice-issued.ts"
import { jobFailing } from "./job-failing.ts"
import { jobRecovered } from "./job-recovered.ts"
import { limitWarning } from "./limit-warning.ts"
import { noShowUndone } from "./no-show-undone.ts"
import { overdueOverview } from "./overdue-overview.ts"
import { passwordChanged } from "./password-changed.ts"
import { passwordReset } from "./password-reset.ts"
import { paymentFailed } from "./payment-failed.ts"
import { paymentOverdue } from "./payment-overdue.ts"
import { paymentReceipt } from "./payment-receipt.ts"
import { paymentRefunded } from "./payment-refunded.ts"
import { paymentVoided } from "./payment-voided.ts"
import { phoneCode } from "./phone-code.ts"
import { platformFailing } from "./platform-failing.ts"
import { platformRecovered } from "./platform-recovered.ts"
import { progressSummary } from "./progress-summary.ts"
import { refundFailed } from "./refund-failed.ts"
import { seriesBlocked } from "./series-blocked.ts"
import { seriesBooked } from "./series-booked.ts"
import { seriesCancelled } from "./series-cancelled.ts"
import { seriesMoved } from "./series-moved.ts"
import { sessionFeedback } from "./session-feedback.ts"
import { subscriptionCancelled } from "./subscription-cancelled.ts"
import { subscriptionChanged } from "./subscription-changed.ts"
import { subscriptionRenewed } from "./subscription-renewed.ts"
import { subscriptionStatus } from "./subscription-status.ts"
import { suggestionWaiting } from "./suggestion-waiting.ts"
import type { Template } from "./template.ts"
import { waitlistExpired } from "./waitlist-expired.ts"
import { waitlistOffer } from "./waitlist-offer.ts"
import { webhookDisabled } from "./webhook-disabled.ts"
import { webhookFailing } from "./webhook-failing.ts"
import { webhookRecovered } from "./webhook-recovered.ts"

export const templates = {
  "account-invitation": accountInvitation,
  "approval-expired": approvalExpired,
  "approval-granted": approvalGranted,
  "approval-rejected": approvalRejected,
  "approval-requested": approvalRequested,
  "booking-cancelled": bookingCancelled,
  "booking-confirmation": bookingConfirmation,
  "booking-local-time-changed": bookingLocalTimeChanged,
  "booking-no-show": bookingNoShow,
  "booking-reminder": bookingReminder,
  "booking-rescheduled": bookingRescheduled,
  "booking-struck": bookingStruck,
  "calendar-conflict": calendarConflict,
  "calendar-failing": calendarFailing,
  "coach-block-decided": coachBlockDecided,
  "coach-block-expired": coachBlockExpired,
  "coach-block-requested": coachBlockRequested,
  "coach-block-struck": coachBlockStruck,
  "daily-report": dailyReport,
  "email-change-notice": emailChangeNotice,
  "email-changed": emailChanged,
  "email-confirmation": emailConfirmation,
  "invoice-issued": invoiceIssued,
  "job-failing": jobFailing,
  "job-recovered": jobRecovered,
  "limit-warning": limitWarning,
  "no-show-undone": noShowUndone,
  "overdue-overview": overdueOverview,
  "password-changed": passwordChanged,
  "password-reset": passwordReset,
  "payment-failed": paymentFailed,
  "payment-overdue": paymentOverdue,
  "payment-receipt": paymentReceipt,
  "payment-refunded": paymentRefunded,
  "payment-voided": paymentVoided,
  "phone-code": phoneCode,
  "platform-failing": platformFailing,
  "platform-recovered": platformRecovered,
  "progress-summary": progressSummary,
  "refund-failed": refundFailed,
  "series-blocked": seriesBlocked,
  "series-booked": seriesBooked,
  "series-cancelled": seriesCancelled,
  "series-moved": seriesMoved,
  "session-feedback": sessionFeedback,
  "subscription-cancelled": subscriptionCancelled,
  "subscription-changed": subscriptionChanged,
  "subscription-renewed": subscriptionRenewed,
  "subscription-status": subscriptionStatus,
  "suggestion-waiting": suggestionWaiting,
  "waitlist-expired": waitlistExpired,
  "waitlist-offer": waitlistOffer,
  "webhook-disabled": webhookDisabled,
  "webhook-failing": webhookFailing,
  "webhook-recovered": webhookRecovered,
} as const satisfies Readonly<Record<string, Template>>

export type TemplateId = keyof typeof templates

export const templateIds = Object.keys(templates) as TemplateId[]
