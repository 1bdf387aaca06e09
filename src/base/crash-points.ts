/**
 * Places between two writes of the pipeline at which the fault campaign (scripts/chaos) kills the process.
 * In production nothing is armed, and passing a point costs one comparison.
 * No setting, variable or request arms a point. Only a program of the campaign does: it calls `arm` before it starts
 * this one.
 */

/** Every point, with the work that is done there and the work that is not. */
export const crashPoints = {
  // The request.
  "key-claimed": "The Idempotency-Key is claimed in the open transaction, and nothing else has happened.",
  "change-made": "A command has made its change in the open transaction; its event is kept in memory only.",
  "before-commit": "The change and its events are sent; COMMIT is not.",
  "after-commit": "The change and its events are committed; no hint was sent.",
  "after-hint": "The hint was sent inside the process; other processes have not received it.",
  "before-answer": "The command is done and the client has no answer.",
  // The dispatcher.
  "before-dispatch": "Events wait in the outbox, and the pass is about to begin.",
  "after-dispatch": "Positions, runs and deliveries are committed; no hint was sent.",
  "log-hinted": "The hint of the new positions was sent inside the process.",
  "recorded-checked":
    "Events recorded from SQL are marked as checked. None is dispatched yet, and no invalid one is refused.",
  "event-refused":
    "An event recorded from SQL that does not match its Schema is a dead letter. The next event is unchecked.",
  // Runs of handlers.
  "runs-claimed": "A batch of runs is claimed; none was begun.",
  "effect-begun": "A transactional handler is about to handle an event; runs before it may have made their effects.",
  "effect-made": "A transactional handler has made its effect in the open transaction; the run is not settled.",
  "runs-committed": "Effects and settlement are committed; the process does not know it yet.",
  "joint-part-made":
    "A handler has made its effects in the open transaction of several handlers; the next handler has not begun.",
  "joint-part-left":
    "A handler has left the transaction of several handlers, which is rolled back; its runs are still claimed.",
  "outside-begun": "An external handler is about to handle an event.",
  "outside-effect-made": "An external handler has done its work outside; the run is not settled.",
  "outside-settled": "The run of an external handler is settled; the process does not know it yet.",
  "run-failed": "A run has failed; neither its retry nor its dead letter is written.",
  "failure-settled": "The retry or the dead letter of a failed run is written.",
  "runs-returned": "Claimed runs are about to be returned.",
  "batch-cut-short": "A batch that took too long has committed what it did; the rest of it is still claimed.",
  "rest-returned": "The rest of a batch that was cut short is returned; no pass has claimed it.",
  "abandoned-runs-released":
    "The claims of a crashed process are free again; the process that freed them has claimed none of them.",
  "run-abandoned-too-often":
    "A quarantined run was abandoned once too often and is claimed; its dead letter is not written.",
  "abandoned-run-dead-lettered":
    "The dead letter of a run that was abandoned too often is written; the rest of its claim is not begun.",
  // Mail.
  "messages-recorded": "The messages of events are written in the open transaction that settles their runs.",
  "backlog-written": "A part of a backlog of messages is written in the open transaction that takes it out.",
  "messages-claimed": "Messages are claimed and marked as being sent; none has left.",
  "send-begun": "A message is about to leave.",
  "mail-sent": "The mail server has taken a message; it is still marked as being sent.",
  "messages-settled": "Sends are settled; the process does not know it yet, and the state of the service is not noted.",
  "abandoned-messages-freed":
    "The messages of a crashed process are free again; the process that freed them has claimed none of them.",
  // Media.
  "media-claimed": "A file is claimed by a process; nothing of it was read.",
  "media-form-made": "A form of a file is made; it is not stored.",
  "media-form-stored": "A form of a file is stored; it has no row.",
  "media-form-kept": "A form of a file is stored and has its row; the next one is not begun.",
  "media-made": "All forms of a file are there; its work is not settled.",
  "media-settled": "The work on a file is settled; the process does not know it yet.",
  "upload-part-stored": "A part of an upload is stored; it has no row.",
  "upload-part-kept": "A part of an upload is stored and has its row; the request goes on.",
  "upload-joined":
    "The parts of an upload are joined and stored as a file; neither has the file its row, nor is the upload whole.",
  "upload-whole": "An upload is whole and its file has its row; the client has no answer.",
  // Deliveries.
  "attempts-written": "Deliveries are claimed and their attempts written down; no request has left.",
  "request-next": "A request is about to leave.",
  "answer-received": "The receiver has answered; the attempt is not settled.",
  "webhook-switched-off":
    "A receiver's 410 has switched its webhook off in the open transaction; the attempt is not settled.",
  "hook-ended":
    "A receiver's 410 has ended its REST hook subscription in the open transaction; the attempt is not settled.",
  "discarded-in-part":
    "Deliveries of a deleted webhook are dead letters that count as ignored; more of them may be left.",
  "delivered-settled": "Attempts ended together: the successful ones are settled, the failed ones are not.",
  "deliveries-arranged": "Deliveries of an ordered webhook are in their order; none of them is claimed.",
  "ordered-settled": "A delivery in order is settled in the open transaction; the next of its aggregate still waits.",
  "followers-next": "A delivery that waited for the job is settled; those that may follow it are not due yet.",
  "attempts-settled": "Attempts are settled; the process does not know it yet.",
  "deliveries-returned": "Deliveries that were claimed ahead are about to be returned.",
  "orphaned-claims-returned": "Orphaned claims of the process are free again; no pass has claimed them.",
  "abandoned-deliveries-reclaimed":
    "The deliveries of a crashed process are due again; the process that reclaimed them has sent none.",
  // Calendars.
  "calendar-claimed": "A calendar is claimed; its server was not asked.",
  "calendar-entry-written": "An entry stands in the calendar; the database does not know it.",
  "calendar-entry-removed": "An entry is gone from the calendar; the database does not know it.",
  "calendar-entry-settled": "An entry is settled; the next one is not begun.",
  "calendar-page-kept":
    "A part of a calendar's changes is kept; its busy time is not taken, and its token is not kept.",
  "calendar-pulled": "The busy time of a calendar is taken, and its token is kept; the calendar is still claimed.",
  "calendar-in-step": "A calendar is in step; it is still claimed.",
  // Browsers.
  "log-read": "The broadcaster has read new positions and published none of them.",
  "frames-published": "The broadcaster has published the frames of the events, and not those of the slots.",
  // Jobs.
  "ticks-decided":
    "The scheduler has made the runs of due ticks in the open transaction; their schedules have not moved.",
  "ticks-committed": "The runs of due ticks and their schedules are committed; no hint was sent.",
  "job-runs-claimed": "Runs of jobs are claimed; none was begun.",
  "job-done": "A run of a job has done its work; the run has not ended.",
  "job-run-ended": "A run of a job has ended; the process does not know it yet.",
  "retries-due": "Deliveries that waited for the job webhook-retry are due; no hint was sent.",
  "overdue-ended": "Deliveries whose time was over are dead letters; more of their webhook may be.",
  "replay-queued": "A replay has put a batch into the queue in the open transaction; its cursor has not moved.",
  "replay-advanced": "A batch of a replay and its cursor are committed; no hint was sent.",
  "endpoints-told": "Facilities are told of endpoints of one kind; those of the other kinds are not looked at yet.",
  "holds-expired": "Expired holds are released in the open transaction; their events are kept in memory only.",
  "partitions-made": "Housekeeping has made partitions ahead and removed nothing yet.",
  "month-named": "Retention has named the month to remove, and its partitions.",
  "month-dead-lettered": "The unfinished work of the month has become dead letters.",
  "log-forgotten": "The month has left the log.",
  "partition-detached": "A partition of the month is detached.",
  "detached-dead-lettered": "The events are detached. Work that was revived meanwhile has become dead letters again.",
  "partition-dropped": "A partition of the month is dropped.",
  "month-ended": "The month is marked as removed.",
  "bill-issued": "An account has its bill for the month in the open transaction; its event is kept in memory only.",
  "account-billed": "An account has its bill for the month; the next account of the facility is not begun.",
  // The life of a process.
  "process-registered": "The process has registered; its actors have not begun.",
  "actors-stopped": "The process was told to stop. Its actors have stopped, and their claims are not returned.",
  "before-good-bye": "The process has returned its claims, and still counts as alive.",
} as const

export type CrashPoint = keyof typeof crashPoints

/** Points of a job that runs when a month is removed. Its own test hits them (test/actors/jobs/retention.test.ts). */
export const retentionPoints = [
  "month-named",
  "month-dead-lettered",
  "log-forgotten",
  "partition-detached",
  "detached-dead-lettered",
  "partition-dropped",
  "month-ended",
] as const satisfies readonly CrashPoint[]

/** Points of ordered webhooks and of the job webhook-retry. A test hits each of them alone too (kills.test.ts). */
export const retryPoints = [
  "deliveries-arranged",
  "ordered-settled",
  "followers-next",
  "retries-due",
  "overdue-ended",
] as const satisfies readonly CrashPoint[]
/** Points of a job that somebody asks for. A test hits them alone too (test/actors/jobs/replays.test.ts). */
export const replayPoints = ["replay-queued", "replay-advanced"] as const satisfies readonly CrashPoint[]

/** Points of the scheduler and of the runs of jobs. A test hits them alone too (scheduler-kills.test.ts). */
export const schedulerPoints = [
  "ticks-decided",
  "ticks-committed",
  "job-runs-claimed",
  "job-done",
  "job-run-ended",
] as const satisfies readonly CrashPoint[]
/** Points of the job monthly-billing. Its own test hits them (test/actors/jobs/monthly-billing.test.ts). */
export const billingPoints = ["bill-issued", "account-billed"] as const satisfies readonly CrashPoint[]
/** Points of media. Their own tests hit them (test/actors/media and test/domain/media): they need a file each. */
export const mediaPoints = [
  "media-claimed",
  "media-form-made",
  "media-form-stored",
  "media-form-kept",
  "media-made",
  "media-settled",
  "upload-part-stored",
  "upload-part-kept",
  "upload-joined",
  "upload-whole",
] as const satisfies readonly CrashPoint[]

/** Points of calendars. Their own test hits them (test/actors/calendars/long/kills.ts). */
export const calendarPoints = [
  "calendar-claimed",
  "calendar-entry-written",
  "calendar-entry-removed",
  "calendar-entry-settled",
  "calendar-page-kept",
  "calendar-pulled",
  "calendar-in-step",
] as const satisfies readonly CrashPoint[]

/** @param event the event in work, where there is a single one. A point can be armed for this event alone. */
export function reached(point: CrashPoint, event?: string): void {
  if (armed !== undefined) pass(point, event)
}

export interface Arming {
  readonly point: CrashPoint
  /** Kills at the n-th passing, from 1. */
  readonly nth: number
  /** Passings for other events do not count. */
  readonly event?: string
}

/** Ends the process by SIGKILL, at once, when the process passes one of these points. Replaces earlier armings. */
export function arm(armings: readonly Arming[]): void {
  armed = armings.length === 0 ? undefined : armings.map((arming) => ({ ...arming, left: arming.nth }))
}

let armed: (Arming & { left: number })[] | undefined

function pass(point: CrashPoint, event: string | undefined): void {
  for (const arming of armed ?? []) {
    if (arming.point !== point || (arming.event !== undefined && arming.event !== event)) continue
    if (--arming.left === 0) process.kill(process.pid, "SIGKILL")
  }
}
