/**
 * Places between two writes of the pipeline at which the fault campaign kills the process (scripts/chaos). In production
 * nothing is armed and passing a point costs one comparison; there is no setting, variable or request that arms one: only
 * a program of the campaign's own, which calls `arm` before it starts this one.
 */

/** Every point, with what has happened and what has not. */
export const crashPoints = {
  // The request.
  "key-claimed": "The Idempotency-Key is claimed in the open transaction, and nothing else has happened.",
  "change-made": "A command has made its change in the open transaction; its event is kept in memory only.",
  "before-commit": "The change and its events are on their way, COMMIT is not.",
  "after-commit": "The change and its events are committed; nobody has been told to look.",
  "after-hint": "The hint was raised inside the process; other processes have not heard it.",
  "before-answer": "The command is done and the client has no answer.",
  // The dispatcher.
  "before-dispatch": "Events wait in the outbox, and the pass is about to begin.",
  "after-dispatch": "Positions, runs and deliveries are committed; nobody has been told to look.",
  "log-hinted": "The hint of the new positions was raised inside the process.",
  "recorded-checked":
    "Events recorded from SQL are marked as checked; they are not dispatched yet, nor the others refused.",
  "event-refused":
    "An event recorded from SQL that does not match its Schema is a dead letter; the next is not looked at.",
  // Runs of handlers.
  "runs-claimed": "A batch of runs is claimed, and none was begun.",
  "effect-begun": "A transactional handler is about to handle an event; runs before it may have made their effects.",
  "effect-made": "A transactional handler has made its effect in the open transaction; the run is not settled.",
  "runs-committed": "Effects and settlement are committed; the process does not know it yet.",
  "outside-begun": "An external handler is about to handle an event.",
  "outside-effect-made": "An external handler has done its work outside; the run is not settled.",
  "outside-settled": "The run of an external handler is settled; the process does not know it yet.",
  "run-failed": "A run has failed; neither its retry nor its dead letter is written.",
  "failure-settled": "The retry or the dead letter of a failed run is written.",
  "runs-returned": "Claimed runs are about to be given back.",
  "batch-cut-short": "A batch that took too long has committed what it did; the rest of it is still claimed.",
  "rest-returned": "The rest of a batch that was cut short is given back; nobody has looked for it.",
  "runs-taken-over": "What a dead process had claimed is free again; whoever freed it has claimed none of it.",
  "run-lost": "A run was lost alone once too often and is claimed; its dead letter is not written.",
  "lost-buried": "The dead letter of a run that was lost too often is written; the rest of its claim is not begun.",
  // Mail.
  "messages-recorded": "The messages of an event are recorded, and none was sent.",
  "send-begun": "A message is marked as being sent; it has not left.",
  "mail-sent": "The mail server has taken a message; it is still marked as being sent.",
  // Deliveries.
  "attempts-written": "Deliveries are claimed and their attempts written down; no request has left.",
  "request-next": "A request is about to leave.",
  "answer-received": "The receiver has answered; the attempt is not settled.",
  "webhook-switched-off": "A receiver's 410 has switched its webhook off; the attempt is not settled.",
  "delivered-settled":
    "Of the attempts that ended together those that delivered are settled, those that failed are not.",
  "attempts-settled": "Attempts are settled; the process does not know it yet.",
  "deliveries-returned": "Deliveries that were claimed ahead are about to be given back.",
  "doubtful-returned": "What the process held without knowing it is free again; nobody has looked for it.",
  "taken-over": "What a dead process had under way is due again; whoever took it over has not sent it.",
  // Browsers.
  "log-read": "The broadcaster has read new positions and published none of them.",
  "frames-published": "The broadcaster has published the frames of the events, and not those of the slots.",
  // Jobs.
  "holds-expired": "Dead holds are released in the open transaction; their events are kept in memory only.",
  "partitions-made": "Housekeeping has made partitions ahead and removed nothing yet.",
  "month-named": "Retention has named the month that leaves, and its partitions.",
  "month-buried": "What is unfinished in the month is dead letters.",
  "log-forgotten": "The month has left the log.",
  "partition-detached": "A partition of the month is detached.",
  "detached-buried": "The events are detached, and what was put back to work meanwhile is dead letters again.",
  "partition-dropped": "A partition of the month is dropped.",
  "month-ended": "The month is gone and says so.",
  // The life of a process.
  "process-registered": "The process has its life sign, and its actors have not begun.",
  "actors-stopped": "The process was told to stop: its actors have, what they hold is not given back.",
  "before-good-bye": "The process has given back what it held, and still counts as alive.",
} as const

export type CrashPoint = keyof typeof crashPoints

/** These lie on the way of a job that runs when a month leaves; its own test hits them (test/actors/jobs/retention.test.ts). */
export const retentionPoints = [
  "month-named",
  "month-buried",
  "log-forgotten",
  "partition-detached",
  "detached-buried",
  "partition-dropped",
  "month-ended",
] as const satisfies readonly CrashPoint[]

/** @param event the event that is being worked on, where there is a single one: a point can be armed for it alone. */
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

/** The process ends by SIGKILL, at once, when it passes one of these; replaces what was armed before. */
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
