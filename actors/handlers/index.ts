/**
 * The registry: every handler, once. It defines which handlers an event type has. The table slotbase.handlers mirrors
 * it, so that SQL can compute which runs there should be.
 * Writes: handlers.
 */

import type { Db } from "#base/database/db.ts"
import type { Hooks } from "#base/hooks.ts"
import type { RefundTools } from "#domain/payments/send-refund.ts"
import type { ExtensionHandler } from "#hooks/extension.ts"
import { afterHooksHandler } from "./after-hooks.ts"
import { type AnalysisTools, aiAnalysisHandler } from "./ai-analysis.ts"
import { analyticsHandler } from "./analytics.ts"
import { bookingConfirmationHandler } from "./booking-confirmation.ts"
import { cacheInvalidationHandler } from "./cache-invalidation.ts"
import { calendarSyncHandler } from "./calendar-sync.ts"
import { capacityTrackingHandler } from "./capacity-tracking.ts"
import { enforcementAgent } from "./enforcement.ts"
import { type ExtensionHandlerTools, extensionHandler } from "./extension.ts"
import { feedbackEnhancementAgent } from "./feedback-enhancement.ts"
import type { Handler } from "./handler.ts"
import { invoiceHandler } from "./invoice.ts"
import { mediaProcessingHandler } from "./media-processing.ts"
import { monitoringAgent } from "./monitoring.ts"
import { type NotificationTools, notificationHandler } from "./notification.ts"
import { progressUpdateHandler } from "./progress-update.ts"
import { refundHandler } from "./refund.ts"
import { subscriptionPaymentHandler } from "./subscription-payment.ts"
import { upgradePromptHandler } from "./upgrade-prompt.ts"
import { waitlistHandler } from "./waitlist.ts"

/** The tools of all handlers; each takes the ones that it uses. */
export type HandlerTools = RefundTools &
  NotificationTools &
  ExtensionHandlerTools &
  AnalysisTools & {
    readonly hooks?: Hooks
    /** The handlers of a company's own file. */
    readonly ownHandlers?: readonly ExtensionHandler[]
  }

/** No handler of a company may have one of these: those below, and those that RETRY_CONFIG names. */
export const reservedNames = [
  "NotificationHandler",
  "AnalyticsHandler",
  "CacheInvalidationHandler",
  "CapacityTrackingHandler",
  "ProgressUpdateHandler",
  "BookingConfirmationHandler",
  "RefundHandler",
  "WaitlistHandler",
  "SubscriptionPaymentHandler",
  "InvoiceHandler",
  "CalendarSyncHandler",
  "UpgradePromptHandler",
  "MediaProcessingHandler",
  "AfterHooks",
  "AIAnalysisHandler",
  "FeedbackEnhancementAgent",
  "EnforcementAgent",
  "MonitoringAgent",
  ...["PaymentHandler", "WebhookHandler"],
  // The specification's others.
] as const

export function handlersOf(tools: HandlerTools): readonly Handler[] {
  const handlers: readonly Handler[] = [
    // The first one. In a joint transaction it must not see what another handler has done and not yet recorded.
    notificationHandler(tools),
    analyticsHandler(),
    cacheInvalidationHandler(),
    capacityTrackingHandler(),
    progressUpdateHandler(),
    bookingConfirmationHandler(),
    refundHandler(tools),
    waitlistHandler(),
    subscriptionPaymentHandler(),
    invoiceHandler(),
    calendarSyncHandler(),
    upgradePromptHandler(),
    mediaProcessingHandler(),
    aiAnalysisHandler(tools),
    feedbackEnhancementAgent(tools),
    enforcementAgent(),
    monitoringAgent(),
    afterHooksHandler(tools),
    ...(tools.ownHandlers ?? []).map((own) => extensionHandler(own, tools)),
  ].filter((handler) => handler.events.length > 0)
  const names = new Set<string>()
  for (const { name } of handlers) {
    if (names.has(name)) throw new Error(`two handlers are named ${name}`)
    names.add(name)
  }
  return handlers
}

/**
 * Brings the mirror up to date; the dispatcher gives each change its position. A subscription that only an older
 * program knows ends here: while both run, the newest start decides.
 */
export async function mirrorHandlers(db: Db, handlers: readonly Handler[]): Promise<void> {
  const pairs = handlers.flatMap(({ name, events }) => events.map((event) => ({ name, event })))
  const names = pairs.map((pair) => pair.name)
  const types = pairs.map((pair) => pair.event)
  await db.begin(async (tx) => {
    await tx`
      insert into slotbase.handlers (handler, event_type)
      select * from unnest(${names}::text[], ${types}::text[])
      on conflict (handler, event_type) where not ended do nothing`
    await tx`
      update slotbase.handlers h set ended = true
      where not h.ended
        and not exists (select from unnest(${names}::text[], ${types}::text[]) as r (handler, event_type)
                        where r.handler = h.handler and r.event_type = h.event_type)`
  })
}
