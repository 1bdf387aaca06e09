// The way to each crash point: the role that passes it, and the provocation that makes a process pass it.

import type { billingPoints, CrashPoint, calendarPoints, mediaPoints, retentionPoints } from "#base/crash-points.ts"
import type { Role } from "#scripts/chaos/supervised-process.ts"
import { goneReceiver, hangingBurst, lostClaims, refusingReceiver } from "./deliveries.ts"
import { failingHandler, lostRuns, manyMessages, slowHandler, slowSettling } from "./handlers.ts"
import { dueTicks, expiredHolds, housekeeping } from "./jobs.ts"
import type { Provoke } from "./provocation.ts"
import { recordFromSql } from "./sql-events.ts"
import { deathDuringMails, deathDuringRequests, deathDuringRuns } from "./takeovers.ts"
import { goneHooks, overdueDeliveries, runningReplay, toldEndpoints, waitingForJob } from "./webhooks.ts"

export interface Way {
  readonly role: Role
  /** The process is killed at a random passing, from the first to this one. */
  readonly upTo: number
  readonly provoke?: Provoke
  /** The phase in which a process passes the point, unless it does so as it works. */
  readonly as?: "stopping" | "starting"
  /** Only the first process passes the point. So all but one are armed, however few should die. */
  readonly race?: true
  readonly short?: true
}

/**
 * A month is removed after more than a year, and billed at its end. Media need files, and a calendar needs a server.
 * Their own tests hit those points.
 */
export type ReachedPoint = Exclude<
  CrashPoint,
  | (typeof retentionPoints)[number]
  | (typeof billingPoints)[number]
  | (typeof mediaPoints)[number]
  | (typeof calendarPoints)[number]
>

const request: Way = { role: "server", upTo: 12 }
const actor: Way = { role: "actors", upTo: 4 }

/** A point with two ways is passed by both roles. */
export const ways: Readonly<Record<ReachedPoint, Way | readonly [Way, Way]>> = {
  "key-claimed": request,
  "change-made": request,
  "before-commit": [request, actor],
  "after-commit": { ...request, short: true },
  "after-hint": request,
  "before-answer": request,
  "before-dispatch": actor,
  "after-dispatch": { ...actor, short: true },
  "log-hinted": actor,
  "recorded-checked": { ...actor, upTo: 1, provoke: recordFromSql },
  "event-refused": { ...actor, upTo: 1, provoke: recordFromSql },
  "runs-claimed": actor,
  "effect-begun": actor,
  "effect-made": { ...actor, short: true },
  "runs-committed": actor,
  "joint-part-made": actor,
  "joint-part-left": { ...actor, upTo: 1, provoke: failingHandler },
  "outside-begun": actor,
  "outside-effect-made": actor,
  "outside-settled": actor,
  "run-failed": { ...actor, upTo: 2, provoke: failingHandler },
  "failure-settled": { ...actor, upTo: 2, provoke: failingHandler },
  "runs-returned": { ...actor, upTo: 1, provoke: slowSettling, as: "stopping" },
  "batch-cut-short": { ...actor, upTo: 1, provoke: slowHandler },
  "rest-returned": { ...actor, upTo: 1, provoke: slowHandler },
  "abandoned-runs-released": { ...actor, upTo: 1, race: true, provoke: deathDuringRuns },
  "run-abandoned-too-often": { ...actor, upTo: 1, provoke: lostRuns },
  "abandoned-run-dead-lettered": { ...actor, upTo: 1, provoke: lostRuns },
  "messages-recorded": actor,
  "backlog-written": { ...actor, upTo: 1, race: true, provoke: manyMessages },
  "messages-claimed": actor,
  "send-begun": actor,
  "mail-sent": actor,
  "messages-settled": actor,
  "abandoned-messages-freed": { ...actor, upTo: 1, race: true, provoke: deathDuringMails },
  "attempts-written": { ...actor, short: true },
  "request-next": actor,
  "answer-received": { ...actor, short: true },
  "webhook-switched-off": { ...actor, upTo: 1, provoke: goneReceiver },
  "hook-ended": { ...actor, upTo: 1, race: true, provoke: goneHooks },
  "discarded-in-part": { ...actor, upTo: 1, race: true, provoke: goneHooks },
  "delivered-settled": { ...actor, upTo: 2, provoke: refusingReceiver },
  "deliveries-arranged": { ...actor, upTo: 2 },
  "ordered-settled": { ...actor, upTo: 2 },
  "followers-next": { ...actor, upTo: 1, provoke: waitingForJob },
  "attempts-settled": actor,
  "deliveries-returned": { ...actor, upTo: 1, provoke: hangingBurst, as: "stopping" },
  "orphaned-claims-returned": { ...actor, upTo: 1, provoke: lostClaims },
  "abandoned-deliveries-reclaimed": { ...actor, upTo: 1, race: true, provoke: deathDuringRequests },
  "log-read": { ...request, upTo: 4 },
  "frames-published": { ...request, upTo: 4 },
  "retries-due": { ...actor, upTo: 1, race: true, provoke: waitingForJob },
  "overdue-ended": { ...actor, upTo: 1, race: true, provoke: overdueDeliveries },
  "replay-queued": { ...actor, upTo: 1, race: true, provoke: runningReplay },
  "replay-advanced": { ...actor, upTo: 1, race: true, provoke: runningReplay },
  "endpoints-told": { ...actor, upTo: 1, race: true, provoke: toldEndpoints },
  "ticks-decided": { ...actor, upTo: 1, provoke: dueTicks },
  "ticks-committed": { ...actor, upTo: 1, provoke: dueTicks },
  "job-runs-claimed": { ...actor, upTo: 1, provoke: expiredHolds },
  "job-done": { ...actor, upTo: 1, provoke: expiredHolds },
  "job-run-ended": { ...actor, upTo: 1, provoke: expiredHolds },
  "holds-expired": { ...actor, upTo: 1, provoke: expiredHolds },
  "partitions-made": { ...actor, upTo: 1, provoke: housekeeping },
  "process-registered": { ...actor, upTo: 1, as: "starting" },
  "actors-stopped": { ...actor, upTo: 1, as: "stopping" },
  "before-good-bye": { ...actor, upTo: 1, as: "stopping" },
}
