/**
 * Which bookings belong to coach blocks. Every command that changes a booking by its own address asks here first. A
 * block's booking is changed through the block alone, and never records an event of bookings.
 */

import type { Queryable } from "#base/database/db.ts"
import { WrongState } from "#base/errors.ts"
import type { BookingRow } from "./booking-row.ts"

/** Throws WrongState `booking_is_coach_block`. Asks the database only about bookings of the type coach_block. */
export async function requireNoBlock(
  db: Queryable,
  booking: Pick<BookingRow, "id" | "facility_id" | "booking_type">,
): Promise<void> {
  const blockId = await blockOf(db, booking)
  if (blockId === undefined) return
  throw new WrongState(
    "booking_is_coach_block",
    `The booking belongs to the coach block ${blockId}; change the block instead.`,
  )
}

/** The id of the block to which the booking belongs; undefined when there is none. */
export async function blockOf(
  db: Queryable,
  booking: Pick<BookingRow, "id" | "facility_id" | "booking_type">,
): Promise<string | undefined> {
  if (booking.booking_type !== "coach_block") return undefined
  const [row] = await db<{ id: string }[]>`
    select id from slotbase.coach_blocks where booking_id = ${booking.id} and facility_id = ${booking.facility_id}`
  return row?.id
}

/** The time that a block takes from a resource. */
export interface BlockedTime {
  readonly resourceId: string
  readonly startAt: string
  readonly endAt: string
}

/** Keyed by the block's id, for the events that name the block alone. Unknown blocks are missing. */
export async function blockedTimesOf(
  db: Queryable,
  blockIds: readonly string[],
): Promise<ReadonlyMap<string, BlockedTime>> {
  if (blockIds.length === 0) return new Map()
  const rows = await db<{ id: string; resource_id: string; start_at: Date; end_at: Date }[]>`
    select k.id, b.resource_id, b.start_at, b.end_at
    from slotbase.coach_blocks k
    join slotbase.bookings b on b.id = k.booking_id and b.facility_id = k.facility_id
    where k.id = any (${[...blockIds]}::uuid[])`
  return new Map(
    rows.map(({ id, resource_id, start_at, end_at }) => [
      id,
      { resourceId: resource_id, startAt: start_at.toISOString(), endAt: end_at.toISOString() },
    ]),
  )
}

/** The bookings of blocks, by the block's id. Unknown blocks are missing. */
export async function bookingsOfBlocks(
  db: Queryable,
  blocks: readonly { readonly facilityId: string; readonly blockId: string }[],
): Promise<ReadonlyMap<string, string>> {
  if (blocks.length === 0) return new Map()
  const rows = await db<{ block_id: string; booking_id: string }[]>`
    select k.id as block_id, k.booking_id
    from unnest(${blocks.map((each) => each.facilityId)}::uuid[], ${blocks.map((each) => each.blockId)}::uuid[]) as q (facility_id, block_id)
    join slotbase.coach_blocks k on k.id = q.block_id and k.facility_id = q.facility_id`
  return new Map(rows.map(({ block_id, booking_id }) => [block_id, booking_id]))
}
