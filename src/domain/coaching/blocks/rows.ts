/**
 * The rows of coach blocks, read with the booking that occupies their time.
 * A block's status is its booking's, except for a rejected block. So no two statuses must be kept in step.
 * Writes: coach_blocks.
 */
import * as Schema from "effect/Schema"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound } from "#base/errors.ts"
import { Id, Instant } from "#base/schema/fact-fields.ts"
import type { LockedBooking } from "#domain/booking/booking-row.ts"
import { endsAfter, lockBooking } from "#domain/booking/find.ts"

export const BlockStatus = Schema.Literals(["pending", "approved", "rejected", "cancelled", "expired"]).annotate({
  description: "expired: nobody decided before its start",
})

export const CoachBlock = Schema.Struct({
  id: Id,
  facilityId: Id,
  bookingId: Id.annotate({ description: "the booking that occupies the resource for it" }),
  coachId: Id,
  coachName: Schema.String,
  resourceId: Id,
  resourceName: Schema.String,
  status: BlockStatus,
  blockType: Schema.String,
  reason: Schema.NullOr(Schema.String),
  requiresApproval: Schema.Boolean,
  startAt: Instant,
  endAt: Instant,
  timezone: Schema.String,
  requestedBy: Id,
  approvedAt: Schema.NullOr(Instant),
  approvedBy: Schema.NullOr(Id).annotate({ description: "null on an approved block: nobody had to approve it" }),
  rejectedAt: Schema.NullOr(Instant),
  rejectedBy: Schema.NullOr(Id),
  rejectionReason: Schema.NullOr(Schema.String),
  cancelledAt: Schema.NullOr(Instant),
  cancelledBy: Schema.NullOr(Id),
  cancellationReason: Schema.NullOr(Schema.String),
  createdAt: Instant,
}).annotate({ identifier: "CoachBlock" })
export type CoachBlock = typeof CoachBlock.Type

export interface BlockRow {
  readonly id: string
  readonly facility_id: string
  readonly booking_id: string
  readonly coach_id: string
  readonly coach_name: string
  readonly resource_id: string
  readonly resource_name: string
  readonly timezone: string
  readonly status: typeof BlockStatus.Type
  readonly block_type: string
  readonly reason: string | null
  readonly requires_approval: boolean
  readonly start_at: Date
  readonly end_at: Date
  readonly requested_by: string
  readonly approved_at: Date | null
  readonly approved_by: string | null
  readonly rejected_at: Date | null
  readonly rejected_by: string | null
  readonly rejection_reason: string | null
  readonly cancelled_at: Date | null
  readonly cancelled_by: string | null
  readonly cancellation_reason: string | null
  readonly created_at: Date
}

/** A block whose booking is locked. */
export interface LockedBlock {
  readonly block: BlockRow
  readonly booking: LockedBooking
}

export type NewBlock = Pick<
  BlockRow,
  "id" | "facility_id" | "booking_id" | "coach_id" | "block_type" | "reason" | "requires_approval" | "requested_by"
> & { readonly approved_by: string | null; readonly approved_at: Date | null; readonly created_at: Date }

export async function insertBlock(tx: Tx, block: NewBlock): Promise<void> {
  await tx`insert into slotbase.coach_blocks ${tx(block)}`
}

/** Stores a decision about a locked block. */
export async function decideBlock(
  tx: Tx,
  { id, facility_id }: BlockRow,
  decision:
    | Pick<BlockRow, "approved_at" | "approved_by">
    | Pick<BlockRow, "rejected_at" | "rejected_by" | "rejection_reason">,
): Promise<void> {
  await tx`update slotbase.coach_blocks set ${tx(decision)} where id = ${id} and facility_id = ${facility_id}`
}

/** Locks the booking of a block, and then reads the block, which cannot change any more. Throws NotFound. */
export async function lockBlock(tx: Tx, facilityId: string, blockId: string): Promise<LockedBlock> {
  const [place] = await tx<{ booking_id: string }[]>`
    select booking_id from slotbase.coach_blocks where id = ${blockId} and facility_id = ${facilityId}`
  if (!place) throw new NotFound("coach block", blockId)
  const booking = await lockBooking(tx, facilityId, place.booking_id)
  const block = await findBlock(tx, facilityId, blockId)
  if (!block) throw new NotFound("coach block", blockId)
  return { block, booking }
}

export async function findBlock(db: Queryable, facilityId: string, blockId: string): Promise<BlockRow | undefined> {
  const [row] = await db<BlockRow[]>`${blocks(db)} where k.id = ${blockId} and k.facility_id = ${facilityId}`
  return row
}

/** The block of a booking; undefined when there is none. */
export async function findBlockOf(
  db: Queryable,
  booking: Pick<LockedBooking, "id" | "facility_id">,
): Promise<BlockRow | undefined> {
  const [row] = await db<BlockRow[]>`
    ${blocks(db)} where k.booking_id = ${booking.id} and k.facility_id = ${booking.facility_id}`
  return row
}

export interface BlockFilter {
  readonly coachId: string | undefined
  readonly status?: BlockRow["status"]
  readonly resourceId?: string
  /** Blocks that end after this instant … */
  readonly from?: string
  /** … and start before this one. */
  readonly to?: string
  /** Blocks that start at this instant or later … */
  readonly startsFrom?: string
  /** … and before this one. */
  readonly startsTo?: string
  /** Start and id of the last block of the page before. */
  readonly after: readonly [string, string] | undefined
  readonly limit: number
}

/** Blocks of a facility by start, then id. */
export async function findBlocks(db: Queryable, facilityId: string, filter: BlockFilter): Promise<readonly BlockRow[]> {
  const { coachId, status, resourceId, from, to, startsFrom, startsTo, after, limit } = filter
  const none = db``
  return db<BlockRow[]>`
    ${blocks(db)}
    where k.facility_id = ${facilityId}
      ${coachId === undefined ? none : db`and k.coach_id = ${coachId}`}
      ${resourceId === undefined ? none : db`and b.resource_id = ${resourceId}`}
      ${status === undefined ? none : db`and ${statusOf(db)} = ${status}`}
      ${from === undefined ? none : endsAfter(db, from)}
      ${to === undefined ? none : db`and b.start_at < ${to}`}
      ${startsFrom === undefined ? none : db`and b.start_at >= ${startsFrom}`}
      ${startsTo === undefined ? none : db`and b.start_at < ${startsTo}`}
      ${after === undefined ? none : db`and (b.start_at, k.id) > (${after[0]}, ${after[1]})`}
    order by b.start_at, k.id
    limit ${limit}`
}

export const toBlock = (row: BlockRow): CoachBlock => ({
  id: row.id,
  facilityId: row.facility_id,
  bookingId: row.booking_id,
  coachId: row.coach_id,
  coachName: row.coach_name,
  resourceId: row.resource_id,
  resourceName: row.resource_name,
  status: row.status,
  blockType: row.block_type,
  reason: row.reason,
  requiresApproval: row.requires_approval,
  startAt: row.start_at.toISOString(),
  endAt: row.end_at.toISOString(),
  timezone: row.timezone,
  requestedBy: row.requested_by,
  approvedAt: iso(row.approved_at),
  approvedBy: row.approved_by,
  rejectedAt: iso(row.rejected_at),
  rejectedBy: row.rejected_by,
  rejectionReason: row.rejection_reason,
  cancelledAt: iso(row.cancelled_at),
  cancelledBy: row.cancelled_by,
  cancellationReason: row.cancellation_reason,
  createdAt: row.created_at.toISOString(),
})

const iso = (at: Date | null) => at?.toISOString() ?? null

const statusOf = (sql: Queryable) => sql`
  case when k.rejected_at is not null then 'rejected'
       when b.status = 'expired' or b.status = 'pending' and b.start_at <= (select slotbase.now()) then 'expired'
       when b.status = 'pending'      then 'pending'
       when b.status in ('confirmed', 'checked_in', 'completed', 'no_show') then 'approved'
       else 'cancelled' end`

/** A rejected block's booking is cancelled too. That only frees the time, and is no cancellation of the block. */
const blocks = (sql: Queryable) => sql`
  select k.id, k.facility_id, k.booking_id, k.coach_id, u.first_name || ' ' || u.last_name as coach_name, b.resource_id,
         r.name as resource_name, f.timezone, ${statusOf(sql)} as status, k.block_type, k.reason, k.requires_approval,
         b.start_at, b.end_at, k.requested_by, k.approved_at, k.approved_by, k.rejected_at, k.rejected_by, k.rejection_reason,
         case when k.rejected_at is null then b.cancelled_at end as cancelled_at,
         case when k.rejected_at is null then b.cancelled_by end as cancelled_by,
         case when k.rejected_at is null then b.cancellation_reason end as cancellation_reason, k.created_at
  from slotbase.coach_blocks k
  join slotbase.bookings b on b.id = k.booking_id and b.facility_id = k.facility_id
  join slotbase.resources r on r.id = b.resource_id and r.facility_id = b.facility_id
  join slotbase.facilities f on f.id = k.facility_id
  join slotbase.users u on u.id = k.coach_id`
