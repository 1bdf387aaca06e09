/**
 * Ends holds and undecided requests, and decides reminders, at their instant. It sleeps until the earliest of them. An
 * event may have brought an earlier one, so each wakes it too. It does what the jobs hold-expiration and
 * booking-reminder-check do once a minute: they find what it has missed, such as rows that were locked.
 * Several processes may do so at once: each row is locked by one of them.
 */

import type { Actor, Pass } from "#actors/runtime/actor.ts"
import type { Tx } from "#base/database/transaction.ts"
import { nextDeadlines } from "#domain/booking/deadlines.ts"
import { expireHolds } from "#domain/booking/holds.ts"
import { decideReminders, nextReminderAt } from "#domain/booking/reminders/reminders.ts"
import { expireRequests } from "#domain/booking/requests-expired.ts"
import { expireBlocks } from "#domain/coaching/blocks/expire.ts"
import { transact } from "#events/outbox.ts"
import { type JobTools, jobContext } from "./job-context.ts"

/** Rows per transaction. */
const batch = 200
/** An event's deadline may be this much late: so long it waits for more events, milliseconds. */
const gatherMs = 500
/** Reminders are looked for this far ahead, milliseconds, and looked for anew after it. */
const lookAheadMs = 10_000
/** After a pass that left something behind because it was locked, milliseconds. */
const againMs = 250

export function deadlines(tools: JobTools): Actor {
  let reminderAt: Date | undefined
  let lookedUntil = Number.NEGATIVE_INFINITY

  async function pass(): Promise<Pass> {
    const found = await nextDeadlines(tools.db)
    const now = found.now.getTime()
    const due = {
      holds: isDue(found.holds, now),
      requests: isDue(found.requests, now),
      reminders: isDue(reminderAt, now),
    }
    if (due.holds) await inOne(tools, (tx) => expireHolds(tx, batch))
    if (due.requests) {
      await inOne(tools, (tx) => expireRequests(tx, batch))
      await inOne(tools, (tx) => expireBlocks(tx, batch))
    }
    if (due.reminders && (await inOne(tools, (tx) => decideReminders(tx, batch))).result.more) return { more: true }
    // The clock of a demo may be set back.
    if (due.reminders || now >= lookedUntil || now < lookedUntil - lookAheadMs) {
      lookedUntil = now + lookAheadMs
      reminderAt = await nextReminderAt(tools.db, lookAheadMs)
    }
    const { holds, requests } = due.holds || due.requests ? await nextDeadlines(tools.db) : found
    const next = [holds, requests, reminderAt].map((at) => at?.getTime() ?? Number.POSITIVE_INFINITY)
    const at = Math.min(lookedUntil, ...next)
    return { more: false, dueAt: new Date(at > now ? at : now + againMs) }
  }

  return {
    name: "deadlines",
    description: "Ends holds and requests, and decides reminders, at their instant",
    wokenBy: ["log", "clock"],
    gatherMs,
    pollEveryMs: 30_000,
    cron: "* * * * *",
    deadlineMs: 60_000,
    pass,
  }
}

const isDue = (at: Date | null | undefined, now: number) => at != null && at.getTime() <= now

const inOne = <T>(tools: JobTools, work: (tx: Tx) => Promise<T>) => transact(tools.db, jobContext(tools), work)
