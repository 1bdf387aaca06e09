/** What is announced of a calendar, to its owner alone. */
import type { Tx } from "#base/database/transaction.ts"
import { record } from "#events/outbox.ts"
import type { CalendarFailureCode } from "./provider.ts"
import type { CalendarConflict } from "./pulled.ts"
import type { CalendarSyncRow } from "./rows.ts"

/** Told once until it works again. */
export const recordFailing = (
  tx: Tx,
  sync: CalendarSyncRow,
  { code, reason, failingSince }: { code: CalendarFailureCode; reason: string; failingSince: Date },
) =>
  record(tx, {
    type: "calendar.sync.failing",
    facilityId: sync.facility_id,
    data: {
      ...headOf(sync),
      provider: sync.provider,
      host: sync.host,
      code,
      reason,
      failingSince: failingSince.toISOString(),
    },
  })

/** Conflicts that one message names. */
const maxTold = 20

/** Told once: the busy time is not taken, and the bookings stay. A person decides. */
export const recordConflicts = (tx: Tx, sync: CalendarSyncRow, conflicts: readonly CalendarConflict[]) =>
  record(tx, {
    type: "calendar.conflict.found",
    facilityId: sync.facility_id,
    data: {
      ...headOf(sync),
      count: conflicts.length,
      conflicts: conflicts.slice(0, maxTold).map(({ booking_id, start_at, end_at }) => ({
        bookingId: booking_id,
        startAt: start_at.toISOString(),
        endAt: end_at.toISOString(),
      })),
    },
  })

const headOf = (sync: CalendarSyncRow) => ({
  syncId: sync.id,
  facilityId: sync.facility_id,
  userId: sync.user_id,
  ...(sync.resource_id !== null && { resourceId: sync.resource_id }),
})
