/** Every area of the API in one list, for the server, the document and the typed client. */

import { agentRoutes } from "#domain/agents/routes/agents.ts"
import { approvalRoutes } from "#domain/booking/routes/approvals.ts"
import { checkInRoutes } from "#domain/booking/routes/attendance.ts"
import { availabilityRoutes } from "#domain/booking/routes/availability.ts"
import { bookingRoutes } from "#domain/booking/routes/bookings.ts"
import { holdRoutes } from "#domain/booking/routes/holds.ts"
import { bookingPolicyRoutes } from "#domain/booking/routes/policies.ts"
import { questionRoutes } from "#domain/booking/routes/questions.ts"
import { reminderSettingsRoutes } from "#domain/booking/routes/reminder-settings.ts"
import { recurringBookingRoutes } from "#domain/booking/routes/series.ts"
import { waitlistRoutes } from "#domain/booking/routes/waitlist.ts"
import { closureRoutes } from "#domain/closures/routes.ts"
import { facilityRoutes } from "#domain/club/routes/facilities.ts"
import { lostItemRoutes } from "#domain/club/routes/lost-items.ts"
import { organizationRoutes } from "#domain/club/routes/organizations.ts"
import { resourceRoutes } from "#domain/club/routes/resources.ts"
import { coachBlockRoutes } from "#domain/coaching/routes/blocks.ts"
import { coachRoutes } from "#domain/coaching/routes/coaches.ts"
import { feedbackRoutes } from "#domain/coaching/routes/feedback.ts"
import { mediaRoutes } from "#domain/coaching/routes/feedback-files.ts"
import { feedbackPartRoutes } from "#domain/coaching/routes/feedback-parts.ts"
import { feedbackUploadRoutes } from "#domain/coaching/routes/feedback-uploads.ts"
import { progressRoutes } from "#domain/coaching/routes/progress.ts"
import { coachSessionRoutes } from "#domain/coaching/routes/sessions.ts"
import { figuresRoutes } from "#domain/figures/routes/figures.ts"
import { reportRoutes } from "#domain/figures/routes/reports.ts"
import { paymentAgingRoutes } from "#domain/invoices/routes/aging.ts"
import { invoiceRoutes } from "#domain/invoices/routes/invoices.ts"
import { invoiceSettingsRoutes } from "#domain/invoices/routes/settings.ts"
import { billingRoutes } from "#domain/payments/routes/accounts.ts"
import { offlinePaymentRoutes } from "#domain/payments/routes/offline.ts"
import { paymentRoutes } from "#domain/payments/routes/payments.ts"
import { stripeRoutes } from "#domain/payments/routes/stripe.ts"
import { accountLinkRoutes } from "#domain/people/routes/account-links.ts"
import { accountRoutes } from "#domain/people/routes/accounts.ts"
import { keyRoutes } from "#domain/people/routes/api-keys.ts"
import { childRoutes } from "#domain/people/routes/children.ts"
import { memberRoutes } from "#domain/people/routes/members.ts"
import { mySessionRoutes } from "#domain/people/routes/my-sessions.ts"
import { phoneNumberRoutes } from "#domain/people/routes/phones.ts"
import { roleInvitationRoutes } from "#domain/people/routes/role-invitations.ts"
import { roleRoutes } from "#domain/people/routes/roles.ts"
import { sessionRoutes } from "#domain/people/routes/sessions.ts"
import { userRoutes } from "#domain/people/routes/users.ts"
import { walkInRoutes } from "#domain/people/routes/walk-ins.ts"
import { planRoutes } from "#domain/subscriptions/routes/plans.ts"
import { subscriptionRoutes } from "#domain/subscriptions/routes/subscription.ts"
import { auditRoutes } from "#operations/audit/routes.ts"
import { deadLetterRoutes } from "#operations/dead-letters/routes.ts"
import { jobRoutes } from "#operations/jobs/routes.ts"
import { healthRoutes } from "#operations/routes/health.ts"
import { metricsRoutes } from "#operations/routes/metrics.ts"
import { calendarConsentRoutes } from "#outbound/calendars/consents/routes.ts"
import { calendarFeedRoutes } from "#outbound/calendars/feeds/routes.ts"
import { calendarSyncRoutes } from "#outbound/calendars/routes/calendar-syncs.ts"
import { eventTypeRoutes } from "#outbound/feed/routes/event-types.ts"
import { eventRoutes } from "#outbound/feed/routes/events.ts"
import { eventStreamRoutes } from "#outbound/feed/routes/stream.ts"
import { hookRoutes } from "#outbound/hooks/routes.ts"
import { notificationRoutes } from "#outbound/messages/channels/in-app/routes.ts"
import { pushRoutes } from "#outbound/messages/channels/push/routes.ts"
import { messageTemplateRoutes } from "#outbound/messages/own-words/routes/message-templates.ts"
import { preferenceRoutes } from "#outbound/messages/preferences/routes/preferences.ts"
import { continuityRoutes } from "#outbound/webhooks/routes/continuity.ts"
import { deliveryRoutes } from "#outbound/webhooks/routes/deliveries.ts"
import { webhookTrialRoutes } from "#outbound/webhooks/routes/formats.ts"
import { replayRoutes } from "#outbound/webhooks/routes/replays.ts"
import { webhookRoutes } from "#outbound/webhooks/routes/webhooks.ts"

export const areas = [
  userRoutes,
  roleRoutes,
  roleInvitationRoutes,
  childRoutes,
  walkInRoutes,
  memberRoutes,
  sessionRoutes,
  accountRoutes,
  mySessionRoutes,
  phoneNumberRoutes,
  notificationRoutes,
  pushRoutes,
  preferenceRoutes,
  calendarFeedRoutes,
  accountLinkRoutes,
  organizationRoutes,
  facilityRoutes,
  resourceRoutes,
  closureRoutes,
  lostItemRoutes,
  keyRoutes,
  availabilityRoutes,
  holdRoutes,
  bookingRoutes,
  approvalRoutes,
  checkInRoutes,
  bookingPolicyRoutes,
  questionRoutes,
  recurringBookingRoutes,
  waitlistRoutes,
  coachRoutes,
  coachBlockRoutes,
  coachSessionRoutes,
  planRoutes,
  subscriptionRoutes,
  figuresRoutes,
  reportRoutes,
  paymentRoutes,
  offlinePaymentRoutes,
  billingRoutes,
  invoiceRoutes,
  paymentAgingRoutes,
  invoiceSettingsRoutes,
  stripeRoutes,
  feedbackRoutes,
  agentRoutes,
  feedbackUploadRoutes,
  feedbackPartRoutes,
  mediaRoutes,
  progressRoutes,
  eventStreamRoutes,
  eventRoutes,
  eventTypeRoutes,
  webhookRoutes,
  webhookTrialRoutes,
  deliveryRoutes,
  replayRoutes,
  continuityRoutes,
  hookRoutes,
  calendarSyncRoutes,
  calendarConsentRoutes,
  auditRoutes,
  deadLetterRoutes,
  jobRoutes,
  reminderSettingsRoutes,
  messageTemplateRoutes,
  healthRoutes,
  metricsRoutes,
] as const
