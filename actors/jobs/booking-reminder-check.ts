/**
 * The scheduled job booking-reminder-check: decides which reminders are due. It sends nothing: each reminder is an
 * event in the transaction that decides it. NotificationHandler tells the booker, and records booking.reminder.sent.
 */

import type { Actor, Pass } from "#actors/runtime/actor.ts"
import { decideReminders } from "#domain/booking/reminders/reminders.ts"
import { transact } from "#events/outbox.ts"
import { type JobTools, jobContext } from "./job-context.ts"

/** Reminders per transaction. */
const batch = 200

export const bookingReminderCheck = (tools: JobTools): Actor => ({
  name: "booking-reminder-check",
  description: "Check for upcoming bookings needing reminders",
  cron: "* * * * *",
  deadlineMs: 60_000,
  pass: () => pass(tools),
  passIn: (facilityId) => pass(tools, facilityId),
})

async function pass(tools: JobTools, facilityId?: string): Promise<Pass> {
  const { result } = await transact(tools.db, jobContext(tools), (tx) => decideReminders(tx, batch, facilityId))
  const { due, overtaken, more } = result
  return { more, did: { due, overtaken } }
}
