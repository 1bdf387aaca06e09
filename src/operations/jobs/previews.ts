/**
 * The work that a run of a job would find now, by the job's name, read without changes. A missing job has no preview.
 */

import type { Queryable } from "#base/database/db.ts"
import { countDueNoShows } from "#domain/booking/attendance/no-shows.ts"
import { countDueReminders } from "#domain/booking/reminders/reminders.ts"
import { countDueSeries } from "#domain/booking/series/rows.ts"
import { facilitiesWithOffers } from "#domain/booking/waitlist/candidates.ts"
import { countDueRenewals } from "#domain/subscriptions/renew.ts"
import type { Did } from "./rows.ts"

export async function previewOf(db: Queryable, job: string): Promise<Did | null> {
  return Object.hasOwn(previews, job) ? ((await previews[job]?.(db)) ?? null) : null
}

const previews: Readonly<Record<string, (db: Queryable) => Promise<Did>>> = {
  "booking-reminder-check": async (db) => ({ reminders: await countDueReminders(db) }),
  "hold-expiration": async (db) => {
    const [row] = await db<[{ holds: number; requests: number }]>`
      select count(*) filter (where status = 'held') as holds, count(*) filter (where status = 'pending') as requests
      from slotbase.bookings
      where status = 'held' and hold_expires_at <= (select slotbase.now())
         or status = 'pending' and start_at <= (select slotbase.now())`
    return { holds: row.holds, ...(row.requests > 0 && { requests: row.requests }) }
  },
  "no-show-detection": async (db) => ({ noShows: await countDueNoShows(db) }),
  "recurring-extension": async (db) => ({ series: await countDueSeries(db) }),
  "webhook-retry": async (db) => {
    const [row] = await db<[{ webhooks: number }]>`
      select count(*) as webhooks from slotbase.webhooks_to_retry('00000000-0000-0000-0000-000000000000', 1000)
      where due <= slotbase.now()`
    return { webhooks: row.webhooks }
  },
  "waitlist-offers": async (db) => ({ facilities: (await facilitiesWithOffers(db, 100)).length }),
  "subscription-renewal-check": async (db) => ({ subscriptions: await countDueRenewals(db) }),
}
