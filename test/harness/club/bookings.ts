// Reads for the tests of bookings: a booking's events and rows, and a clock that can stand at the hour of play.

import type { Db } from "#base/database/db.ts"
import { atHour } from "./club.ts"

export interface BookingEvent {
  readonly type: string
  readonly facility_id: string
  readonly resource_id: string
  readonly booking_type: string
  readonly data: object
}

/** The events of a booking, in the order of recording. */
export async function eventsOf(db: Db, bookingId: string): Promise<BookingEvent[]> {
  const rows = await db<BookingEvent[]>`
    select type, facility_id, resource_id, booking_type, data from slotbase.events where aggregate_id = ${bookingId} order by id`
  return rows.map((row) => ({ ...row }))
}

/** The number of rows in all tables that a booking command writes. */
export async function bookingCounts(db: Db): Promise<Record<string, number>> {
  const [row] = await db<Record<string, number>[]>`
    select (select count(*) from slotbase.bookings) as bookings, (select count(*) from slotbase.occupancies) as occupancies,
           (select count(*) from slotbase.booking_participants) as participants, (select count(*) from slotbase.events) as events,
           (select count(*) from slotbase.outbox) as outbox`
  return { ...row }
}

export const isOccupied = async (db: Db, bookingId: string): Promise<boolean> =>
  (await db`select from slotbase.occupancies where booking_id = ${bookingId}`).length === 1

/** Moves the clock to this many minutes from the start of an hour, runs the work, and moves the clock back. */
export async function atMinuteOf<T>(db: Db, hour: number, minutes: number, work: () => Promise<T>): Promise<T> {
  const [row] = await db<[{ by: number }]>`
    select extract(epoch from ${atHour(hour).startAt}::timestamptz + ${minutes} * interval '1 minute' - slotbase.now())::float8 as by`
  await db`select slotbase.move_clock(make_interval(secs => ${row.by}))`
  try {
    return await work()
  } finally {
    await db`select slotbase.move_clock(make_interval(secs => ${-row.by}))`
  }
}
