/**
 * One claimed calendar: push → pull → compare → settle. A failure of the calendar is settled with its reason and the
 * next try. A server that asks for a pause holds all calendars of its host, in every process.
 */

import { NotDone } from "#base/bounded/run-bounded.ts"
import { clock } from "#base/clock.ts"
import type { Config } from "#base/config.ts"
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { EgressRefused } from "#base/egress/failures.ts"
import { TooMany } from "#base/errors.ts"
import { jobsUserId, newId } from "#base/ids.ts"
import type { SecretBox } from "#base/secrets.ts"
import { facilityZones } from "#domain/club/facility-zones.ts"
import { type EventContext, transact } from "#events/outbox.ts"
import type { ChannelToStop } from "#outbound/calendars/channels/channels.ts"
import { recordFailing } from "#outbound/calendars/events.ts"
import { openCalendar, type SyncToOpen } from "#outbound/calendars/open.ts"
import {
  CalendarFailed,
  type CalendarFailureCode,
  type CalendarProvider,
  Throttled,
} from "#outbound/calendars/provider.ts"
import { whyNotInStep } from "#outbound/calendars/rights.ts"
import {
  type CalendarSyncRow,
  failThrottled,
  holdHost,
  keepCredentials,
  markSyncTold,
  moveSync,
  noteCheck,
  settleFailed,
  settleInStep,
  settleLater,
  settleThrottled,
} from "#outbound/calendars/rows.ts"
import { serviceHosts } from "#outbound/calendars/services.ts"
import { checkEntries } from "./check.ts"
import { pullChanges } from "./pull.ts"
import { LeaseLost, pushEntries } from "./push.ts"
import { keepWatched, stopChannel } from "./watch.ts"

export interface SyncTools {
  readonly db: Db
  readonly config: Pick<Config, "environment" | "egressAllow" | "google" | "outlook" | "publicUrl">
  readonly secrets: SecretBox
}

/** How often a calendar is asked for changes, milliseconds. */
export const pollMs = 5 * 60_000
/** While its provider notifies: notifications may be lost. */
const watchedPollMs = 30 * 60_000
/** How often all of a calendar is read and compared. */
const checkEveryMs = 24 * 60 * 60_000
/** What stopped because the process ends, or another task had the reader, goes on soon. */
const againMs = 1_000

export async function syncCalendar(tools: SyncTools, sync: CalendarSyncRow, signal: AbortSignal): Promise<void> {
  const { db, config, secrets } = tools
  reached("calendar-claimed")
  try {
    const notAllowed = await whyNotInStep(db, sync)
    if (notAllowed !== undefined) throw new CalendarFailed("refused", notAllowed)
    const keeping = (row: SyncToOpen, sealed: Uint8Array) => keepCredentials(db, { ...sync, ...row }, sealed)
    const calendar = openCalendar({ config, secrets, signal, keepCredentials: keeping }, sync)
    if (sync.last_sync_at === null && (await isElsewhere(db, calendar, sync))) return
    const [pushes, pulls] = [sync.sync_direction !== "pull", sync.sync_direction !== "push"]
    if (pushes) await pushEntries(db, calendar, sync, signal)
    // Also after a failure: a server that was away may come back as it was a while ago.
    const isCheckDue =
      sync.failures > 0 || sync.checked_at === null || clock.now() - sync.checked_at.getTime() >= checkEveryMs
    if (pulls && !signal.aborted) {
      const timezone = (await facilityZones(db, [sync])).get(sync.facility_id) ?? "Etc/UTC"
      await pullChanges({ db, context: contextOf(tools) }, calendar, sync, timezone, isCheckDue)
    }
    if (isCheckDue && !signal.aborted) await (pushes ? checkEntries(db, calendar, sync) : noteCheck(db, sync, 0))
    // What the pull and the comparison found.
    if (pushes) await pushEntries(db, calendar, sync, signal)
    const isWatched = pulls && !signal.aborted && (await keepWatched(db, config.publicUrl, calendar, sync))
    reached("calendar-in-step")
    await (signal.aborted ? settleLater(db, sync, 0) : settleInStep(db, sync, isWatched ? watchedPollMs : pollMs))
  } catch (error) {
    await settleError(tools, sync, error, signal)
  }
}

/** Once, before the first sync: the address of an account leads to its calendar, at which the next pass goes on. */
async function isElsewhere(db: Db, calendar: CalendarProvider, sync: CalendarSyncRow): Promise<boolean> {
  const calendarId = await calendar.locate?.()
  if (calendarId === undefined) return false
  if (!(await moveSync(db, sync, { calendarId, host: new URL(calendarId).host })))
    throw new CalendarFailed("refused", "The calendar of this account is connected already.")
  return true
}

/** Stops a channel whose calendar may be disconnected. It is claimed, and tried again when it fails. */
export async function endChannel(tools: SyncTools, channel: ChannelToStop, signal: AbortSignal): Promise<void> {
  const { db, config, secrets } = tools
  const sync = {
    id: channel.sync_id,
    provider: channel.provider,
    credentials: channel.stop_with,
    calendar_id: "primary",
  }
  try {
    await stopChannel(db, openCalendar({ config, secrets, signal, keepCredentials: async () => {} }, sync), channel)
  } catch (error) {
    if (error instanceof Throttled)
      await holdHost(db, serviceHosts[channel.provider], error.retryAfterMs, error.message)
    else if (!(error instanceof CalendarFailed) && !(error instanceof EgressRefused)) throw error
  }
}

async function settleError(
  tools: SyncTools,
  sync: CalendarSyncRow,
  error: unknown,
  signal: AbortSignal,
): Promise<void> {
  const { db } = tools
  // Also after a change of its configuration: the new one begins at once.
  if (error instanceof LeaseLost) return void (await settleLater(db, sync, 0))
  if (signal.aborted || error instanceof TooMany) return void (await settleLater(db, sync, againMs))
  if (error instanceof Throttled) {
    if (error.scope === "host") await holdHost(db, sync.host, error.retryAfterMs, error.message)
    return void (await settleThrottled(db, sync, error.retryAfterMs))
  }
  const failure = failureOf(error)
  await transact(db, contextOf(tools)(), async (tx) => {
    const settled = await settleFailed(tx, sync, { ...failure, retryMs: retryMsAfter(sync.failures + 1) })
    if (settled === undefined || settled.told_at !== null) return
    const { failing_since, failures, now } = settled
    if (failures < 2 || now.getTime() - failing_since.getTime() < patienceMs[failure.code]) return
    await markSyncTold(tx, sync)
    recordFailing(tx, sync, { ...failure, failingSince: failing_since })
  })
}

/** Tells the owners of calendars that have waited for their provider for hours. The next day would be too late. */
export async function tellThrottled(tools: SyncTools): Promise<void> {
  await transact(tools.db, contextOf(tools)(), async (tx) => {
    for (const sync of await failThrottled(tx, throttledPatienceMs, maxToldAtOnce))
      recordFailing(tx, sync, {
        code: "throttled",
        reason: sync.status_reason ?? "",
        failingSince: sync.failing_since ?? sync.updated_at,
      })
  })
}

const maxToldAtOnce = 50

/** What is the calendar's own failure. Anything else is a defect, and fails the actor. */
function failureOf(error: unknown): { code: CalendarFailureCode; reason: string } {
  if (error instanceof CalendarFailed) return { code: error.code, reason: error.message }
  if (error instanceof EgressRefused) return { code: "refused", reason: error.message }
  if (error instanceof NotDone) return { code: "not_understood", reason: error.message }
  throw error
}

const minuteMs = 60_000
/** A limit of a day ends within the day. Half a day of waiting is told. */
const throttledPatienceMs = 12 * 60 * minuteMs

/** A person hears soon of what a person must mend. A server that is away mostly comes back by itself. */
const patienceMs: Readonly<Record<CalendarFailureCode, number>> = {
  credentials_refused: 10 * minuteMs,
  calendar_gone: 10 * minuteMs,
  // Its operator sees it by the doctor. Its owner can wait, and only knows then why.
  program_refused: 12 * 60 * minuteMs,
  refused: 60 * minuteMs,
  not_understood: 60 * minuteMs,
  unreachable: 6 * 60 * minuteMs,
  throttled: throttledPatienceMs,
}

/** 1, 3, 9, 27 minutes, then every hour. */
const retryMsAfter = (failures: number) => Math.min(60, 3 ** Math.min(failures - 1, 4)) * minuteMs

const contextOf =
  ({ config }: SyncTools) =>
  (): EventContext => ({ environment: config.environment, correlationId: newId(), userId: jobsUserId })
