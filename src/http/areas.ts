/** Every area of the API, in one list: what is served, documented, and known to the typed client. */
import { keyRoutes } from "./api-keys.ts"
import { approvalRoutes } from "./approvals.ts"
import { availabilityRoutes } from "./availability.ts"
import { billingRoutes } from "./billing.ts"
import { bookingPolicyRoutes } from "./booking-policies.ts"
import { bookingRoutes } from "./bookings.ts"
import { checkInRoutes } from "./check-ins.ts"
import { childRoutes } from "./children.ts"
import { closureRoutes } from "./closures.ts"
import { coachBlockRoutes } from "./coach-blocks.ts"
import { coachSessionRoutes } from "./coach-sessions.ts"
import { coachRoutes } from "./coaches.ts"
import { deadLetterRoutes } from "./dead-letters.ts"
import { deliveryRoutes } from "./deliveries.ts"
import { eventTypeRoutes } from "./event-types.ts"
import { eventRoutes } from "./events.ts"
import { facilityRoutes } from "./facilities.ts"
import { feedbackRoutes } from "./feedback.ts"
import { feedbackUploadRoutes } from "./feedback-uploads.ts"
import { healthRoutes } from "./health.ts"
import { holdRoutes } from "./holds.ts"
import { jobRoutes } from "./jobs.ts"
import { lostItemRoutes } from "./lost-items.ts"
import { mediaRoutes } from "./media.ts"
import { metricsRoutes } from "./metrics.ts"
import { offlinePaymentRoutes } from "./offline-payments.ts"
import { organizationRoutes } from "./organizations.ts"
import { paymentRoutes } from "./payments.ts"
import { planRoutes } from "./plans.ts"
import { progressRoutes } from "./progress.ts"
import { recurringBookingRoutes } from "./recurring-bookings.ts"
import { reminderSettingsRoutes } from "./reminder-settings.ts"
import { resourceRoutes } from "./resources.ts"
import { roleRoutes } from "./roles.ts"
import { sessionRoutes } from "./sessions.ts"
import { stripeRoutes } from "./stripe.ts"
import { subscriptionRoutes } from "./subscription.ts"
import { userRoutes } from "./users.ts"
import { waitlistRoutes } from "./waitlist.ts"
import { webhookRoutes } from "./webhooks.ts"

export const areas = [
  userRoutes,
  roleRoutes,
  childRoutes,
  sessionRoutes,
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
  recurringBookingRoutes,
  waitlistRoutes,
  coachRoutes,
  coachBlockRoutes,
  coachSessionRoutes,
  planRoutes,
  subscriptionRoutes,
  paymentRoutes,
  offlinePaymentRoutes,
  billingRoutes,
  stripeRoutes,
  feedbackRoutes,
  feedbackUploadRoutes,
  mediaRoutes,
  progressRoutes,
  eventRoutes,
  eventTypeRoutes,
  webhookRoutes,
  deliveryRoutes,
  deadLetterRoutes,
  jobRoutes,
  reminderSettingsRoutes,
  healthRoutes,
  metricsRoutes,
] as const
