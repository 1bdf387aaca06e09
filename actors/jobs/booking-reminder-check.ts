/**
 * The scheduled job booking-reminder-check: decides which reminders have come due. It sends nothing: each is an event in
 * the transaction that decides it, and NotificationHandler tells the booker and records booking.reminder.sent.
 */

import type { Actor, Pass } from "#actors/runtime/actor.ts"
import { jobsUserId, newId } from "#base/ids.ts"
import { decideReminders } from "#domain/booking/reminders/reminders.ts"
import { transact } from "#events/outbox.ts"
import type { JobTools } from "./job-tools.ts"

/** Reminders per transaction. */
const batch = 200

export const bookingReminderCheck = ({ db, config }: JobTools): Actor => {
  async function pass(facilityId?: string): Promise<Pass> {
    const context = { environment: config.environment, correlationId: newId(), userId: jobsUserId }
    const { result } = await transact(db, context, (tx) => decideReminders(tx, batch, facilityId))
    const { due, overtaken, more } = result
    return { more, did: { due, overtaken } }
  }
  return {
    name: "booking-reminder-check",
    description: "Check for upcoming bookings needing reminders",
    cron: "* * * * *",
    deadlineMs: 60_000,
    pass: () => pass(),
    passIn: (facilityId) => pass(facilityId),
  }
}
