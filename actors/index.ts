/**
 * The list of the actors of a process, in the order in which data reaches them. They start together and stop together.
 * When they stop, the work under way ends, and no attempt is used up. One actor is not in the list: src/main.ts starts
 * the broadcaster (live/broadcaster.ts), because it belongs to the server and its sockets.
 */
import { type Outside, openOutside } from "#api/outside.ts"
import type { Config } from "#base/config.ts"
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import type { Hooks } from "#base/hooks.ts"
import type { SecretBox } from "#base/secrets.ts"
import { findFfmpeg } from "#domain/media/processing/ffmpeg.ts"
import { mirrorEventTypes } from "#events/mirror.ts"
import type { ExtensionHandler } from "#hooks/extension.ts"
import type { Channel } from "#outbound/messages/channels/channel.ts"
import { openChannels } from "#outbound/messages/channels/open-channels.ts"
import { unsubscribeUrl } from "#outbound/messages/preferences/unsubscribe.ts"

import { widenPatterns } from "#outbound/webhooks/webhooks.ts"
import { syncCalendars } from "./calendars/sync-calendars.ts"
import { deliverWebhooks } from "./deliveries/deliver-webhooks.ts"
import { dispatcher } from "./dispatch/dispatcher.ts"
import { handlersOf, mirrorHandlers } from "./handlers/index.ts"
import { activeUserReset } from "./jobs/active-user-reset.ts"
import { bookingReminderCheck } from "./jobs/booking-reminder-check.ts"
import { capacityCheck } from "./jobs/capacity-check.ts"
import { guardedByClock } from "./jobs/clock-guard.ts"
import { dailyReports } from "./jobs/daily-reports.ts"
import { deadlines } from "./jobs/deadlines.ts"
import type { FacilityJob } from "./jobs/facility-job.ts"
import { holdExpiration } from "./jobs/hold-expiration.ts"
import { housekeeping } from "./jobs/housekeeping.ts"
import { isJob, JobRuns, jobRequests } from "./jobs/job-runs.ts"
import { localPayments } from "./jobs/local-payments.ts"
import { monthlyBilling } from "./jobs/monthly-billing.ts"
import { noShowDetection } from "./jobs/no-show-detection.ts"
import { offlinePaymentAging } from "./jobs/offline-payment-aging.ts"
import { paymentResolution } from "./jobs/payment-resolution.ts"
import { platformHealth } from "./jobs/platform-health.ts"
import { recurringExtension } from "./jobs/recurring-extension.ts"
import { replays } from "./jobs/replays.ts"
import { retention } from "./jobs/retention.ts"
import { scheduler } from "./jobs/scheduler.ts"
import { subscriptionRenewalCheck } from "./jobs/subscription-renewal-check.ts"
import { uploadCleanup } from "./jobs/upload-cleanup.ts"
import { waitlistOffers } from "./jobs/waitlist-offers.ts"
import { webhookHealth } from "./jobs/webhook-health.ts"
import { webhookRetry } from "./jobs/webhook-retry.ts"
import { weeklyProgressSummary } from "./jobs/weekly-progress-summary.ts"
import { processMediaActor } from "./media/process-media.ts"
import type { UnsubscribeUrl } from "./messages/outgoing.ts"
import { sendMessages } from "./messages/send-messages.ts"
import { writeMessages } from "./messages/write-messages.ts"
import { runHandlers } from "./runs/run-handlers.ts"
import type { Actor } from "./runtime/actor.ts"
import { startBoss } from "./runtime/boss.ts"
import { superviseBoss } from "./runtime/boss-watch.ts"
import { connectActors } from "./runtime/connections.ts"
import { startLifeSign } from "./runtime/life-sign.ts"
import type { ReportFailure } from "./runtime/supervisor.ts"
import { runActors } from "./runtime/tree.ts"

export interface Actors {
  /** Resolves with the reason when an actor cannot heal; the process must end then. */
  readonly failed: Promise<Error>
  readonly stop: () => Promise<void>
}

/** The tools that main.ts hands to the actors. The actors open their own connections and the systems outside. */
export interface ActorsBase {
  readonly config: Config
  readonly secrets: SecretBox
  readonly hooks?: Hooks
  readonly ownHandlers?: readonly ExtensionHandler[]
}

/** The tools of all actors; each takes the tools that it uses. They work over the actors' own connections. */
interface ActorTools extends ActorsBase, Outside {
  readonly db: Db
  /** What messages are sent by, each channel once. */
  readonly channels: readonly Channel[]
  readonly unsubscribeUrl: UnsubscribeUrl
}

export interface ActorsOptions {
  readonly url: string
  /** Where a session lasts; `url` by default, which a pooler may share out by transactions. */
  readonly sessionUrl?: string
  readonly version: string
  readonly report: ReportFailure
  /** Called after lost connections have been replaced. */
  readonly onSwap?: (reason: string) => void
}

/** How long running pg-boss jobs may take to end when the process stops, milliseconds. */
const stopMs = 10_000

export async function startActors(
  base: ActorsBase,
  { url, sessionUrl = url, version, report, onSwap }: ActorsOptions,
): Promise<Actors> {
  const connections = connectActors(url, `slotbase ${base.config.role} actors`, onSwap)
  const tools = toolsOf(base, connections.db)
  const handlers = handlersOf(tools)
  await mirrorHandlers(tools.db, handlers)
  await mirrorEventTypes(tools.db, tools.config.environment)
  await widenPatterns(tools.db)
  const lifeSign = await startLifeSign(connections.forLifeSign, tools.config.role, version)
  reached("process-registered")
  const jobs = new JobRuns(tools.db, lifeSign.owner)
  const delivering = deliverWebhooks(tools, lifeSign)
  const actors: readonly Actor[] = [
    dispatcher(tools.db, delivering.joinTurn),
    delivering,
    ...runHandlers(tools, handlers, lifeSign),
    writeMessages(tools, lifeSign),
    sendMessages(tools, lifeSign),
    processMediaActor({ ...tools, ffmpeg: findFfmpeg(tools.config.ffmpeg) }, lifeSign),
    syncCalendars(tools, lifeSign),
    scheduler(tools.db, jobs.timetables),
    jobRequests(jobs),
    replays(tools),
    deadlines(tools),
    bookingReminderCheck(tools),
    guardedByClock(tools.db, noShowDetection(tools)),
    guardedByClock(tools.db, subscriptionRenewalCheck(tools)),
    capacityCheck(tools),
    holdExpiration(tools),
    guardedByClock(tools.db, waitlistOffers(tools)),
    guardedByClock(tools.db, recurringExtension(tools)),
    paymentResolution(tools),
    webhookRetry(tools),
    ...(tools.config.stripe ? [] : [localPayments(tools)]),
    webhookHealth(tools),
    platformHealth(tools),
    housekeeping(tools),
    uploadCleanup(tools),
    retention(sessionUrl),
  ]
  /** Those that run for each facility, at a time of its own day. */
  const facilityJobs: readonly FacilityJob[] = [
    dailyReports(tools),
    offlinePaymentAging(tools),
    weeklyProgressSummary(tools),
    monthlyBilling(tools),
    activeUserReset(tools),
  ]
  const tree = runActors(actors, report)
  const boss = await superviseBoss(
    (onError, onStatement) => startBoss(url, onError, onStatement),
    (cause) => report({ actor: "pg-boss", failures: 1, cause }),
  )
  await jobs.serve(tree.running, facilityJobs)
  await boss.serve(tree.running.filter((running) => !isJob(running)))
  return {
    failed: Promise.race([tree.failed, boss.failed]),
    stop: async () => {
      await tree.stop()
      reached("actors-stopped")
      await boss.stop(stopMs)
      await tree.drain()
      for (const channel of tools.channels) await channel.close()
      reached("before-good-bye")
      await lifeSign.stop()
      await connections.end()
    },
  }
}

/** Throws `BadConfig` when SLOTBASE_MAIL_FROM has no address in it. */
const toolsOf = ({ config, secrets, hooks, ownHandlers }: ActorsBase, db: Db): ActorTools => ({
  config,
  secrets,
  ...(hooks && { hooks }),
  ...(ownHandlers && { ownHandlers }),
  db,
  ...openOutside(config, db),
  channels: openChannels({ config, db, secrets }),
  unsubscribeUrl: ({ user_id: userId, type, channel, priority }) =>
    channel === "email" && priority !== "critical"
      ? unsubscribeUrl({ secrets, publicUrl: config.publicUrl }, { userId, type, channel })
      : undefined,
})
