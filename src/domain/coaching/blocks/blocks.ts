/**
 * Coach blocks: time on a resource that a coach requests, and the decisions of staff.
 * A block occupies its time from the request on, through a booking of the type coach_block. So the one constraint
 * against double booking covers blocks too.
 * A block records coach.block.*, and its booking records nothing.
 * Every command locks that booking first: the second of two decisions sees the first.
 */
import * as Schema from "effect/Schema"
import { type Member, requireStaffMember } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotAllowed, NotFound, WrongState } from "#base/errors.ts"
import type { Hooked } from "#base/hooks.ts"
import { newId } from "#base/ids.ts"
import { keyAfter, type Page, pageLimitOf, pageOf, pageQuery } from "#base/schema/page.ts"
import { Id, Instant, WrittenNote } from "#base/schema/request-fields.ts"
import { lineUpTo } from "#base/schema/text-fields.ts"
import { blockOf } from "#domain/booking/block-of.ts"
import type { LockedBooking } from "#domain/booking/booking-row.ts"
import { freedSlotOf } from "#domain/booking/holds-ended.ts"
import type { HoldInput, RejectInput } from "#domain/booking/input.ts"
import { insertPlanned } from "#domain/booking/insert-planned.ts"
import { requireOpen } from "#domain/booking/lock-own.ts"
import { planTrusted } from "#domain/booking/plan.ts"
import { pricedBy } from "#domain/booking/price-lines.ts"
import { changeBooking } from "#domain/booking/rows.ts"
import { afterSlotsFreed } from "#domain/booking/slots-freed.ts"
import { actingCoach } from "#domain/coaching/coaches.ts"
import { recordApproved, recordBlockCancelled, recordRejected, recordRequested } from "./events.ts"
import {
  type BlockRow,
  BlockStatus,
  type CoachBlock,
  decideBlock,
  findBlock,
  findBlocks,
  insertBlock,
  type LockedBlock,
  lockBlock,
  toBlock,
} from "./rows.ts"

const maxTypeLength = 60
const Reason = WrittenNote

export const BlockInput = Schema.Struct({
  resourceId: Id,
  startAt: Instant,
  endAt: Instant,
  blockType: lineUpTo(maxTypeLength).annotate({ description: 'what for, such as "coaching"' }),
  reason: Schema.optionalKey(Reason),
  coachId: Schema.optionalKey(Id).annotateKey({
    description: "coaches leave it out; staff and API keys name the coach",
  }),
})
export type BlockInput = typeof BlockInput.Type
export const CancelBlockInput = Schema.Struct({ cancellationReason: Reason })

/**
 * Takes the time for the coach, the booker of `asked`. Records coach.block.requested.
 * Also records coach.block.approved when no approval is needed (staff asked, or the coach's profile says so).
 *
 * @param asked resource, time and coach, as the before hooks left them
 * @throws NotFound, NotAllowed, InvalidInput, RuleBroken, SlotTaken, CoachTaken
 */
export async function requestBlock(
  tx: Tx,
  member: Member,
  { blockType, reason }: BlockInput,
  asked: Hooked<HoldInput>,
): Promise<CoachBlock> {
  const { caller, facilityId, isStaff: staff } = member
  const coach = await actingCoach(tx, member, asked.input.bookerId)
  const requiresApproval = !staff && coach.blocksNeedApproval
  const plan = await planTrusted(tx, member, asked)
  // Time is taken and nothing is sold: the coach owes nothing.
  const booking = await insertPlanned(
    tx,
    { ...plan, ...pricedBy([]), coachId: coach.userId },
    { status: requiresApproval ? "pending" : "confirmed", payment_method: "waived", hold_id: null },
  )
  const id = newId()
  await insertBlock(tx, {
    id,
    facility_id: facilityId,
    booking_id: booking.id,
    coach_id: coach.userId,
    block_type: blockType,
    reason: reason ?? null,
    requires_approval: requiresApproval,
    requested_by: caller.userId,
    approved_by: staff ? caller.userId : null,
    approved_at: requiresApproval ? null : booking.created_at,
    created_at: booking.created_at,
  })
  const block = await readBlock(tx, facilityId, id)
  recordRequested(tx, block)
  if (!requiresApproval) recordApproved(tx, block, staff ? caller.userId : "system", booking.created_at)
  return toBlock(block)
}

/**
 * Approves a request that has not begun. Records coach.block.approved.
 * @throws NotFound, NotAllowed, WrongState (block_not_pending, block_started), RuleBroken facility_closed
 */
export async function approveBlock(tx: Tx, member: Member, blockId: string): Promise<CoachBlock> {
  requireStaffMember(member)
  const { caller, facilityId } = member
  const { block, booking } = await lockBlock(tx, facilityId, blockId)
  requirePending(block, "approved")
  requireOpen(booking)
  await changeBooking(tx, booking, { status: "confirmed", confirmed_at: booking.now })
  await decideBlock(tx, block, { approved_at: booking.now, approved_by: caller.userId })
  recordApproved(tx, block, caller.userId, booking.now)
  return toBlock(await readBlock(tx, facilityId, blockId))
}

/**
 * Rejects a request and frees its time. Records coach.block.rejected.
 * @throws NotFound, NotAllowed, WrongState (block_not_pending, block_started)
 */
export async function rejectBlock(
  tx: Tx,
  member: Member,
  blockId: string,
  { rejectionReason }: typeof RejectInput.Type,
): Promise<CoachBlock> {
  requireStaffMember(member)
  const { caller, facilityId } = member
  const { block, booking } = await lockBlock(tx, facilityId, blockId)
  requirePending(block, "rejected")
  await free(tx, booking, caller.userId, rejectionReason)
  await decideBlock(tx, block, {
    rejected_at: booking.now,
    rejected_by: caller.userId,
    rejection_reason: rejectionReason,
  })
  recordRejected(tx, block, caller.userId, booking.now, rejectionReason)
  await afterSlotsFreed(tx, [freedSlotOf(booking)])
  return toBlock(await readBlock(tx, facilityId, blockId))
}

/**
 * Cancels a block: its coach until it begins, staff also later. Its sessions are cancelled too. Records
 * coach.block.cancelled.
 * @throws NotFound, WrongState (block_not_open, block_started)
 */
export async function cancelBlock(
  tx: Tx,
  member: Member,
  blockId: string,
  { cancellationReason }: typeof CancelBlockInput.Type,
): Promise<CoachBlock> {
  const { caller, facilityId } = member
  const locked = await lockBlock(tx, facilityId, blockId)
  const { block, booking } = locked
  if (!isTheirs(member, block)) throw new NotFound("coach block", blockId)
  if (booking.start_at <= booking.now && !member.isStaff) {
    throw new WrongState("block_started", "The time has begun; only staff can cancel the block now.")
  }
  await cancelOpenBlock(tx, locked, caller.userId, cancellationReason)
  return toBlock(await readBlock(tx, facilityId, blockId))
}

/**
 * Cancels the block of a locked booking, for example when the facility closes. Returns false when the booking has no
 * block. Records coach.block.cancelled. Throws WrongState `block_not_open`.
 */
export async function cancelBlockOf(tx: Tx, booking: LockedBooking, by: string, reason: string): Promise<boolean> {
  const blockId = await blockOf(tx, booking)
  if (blockId === undefined) return false
  await cancelOpenBlock(tx, { block: await readBlock(tx, booking.facility_id, blockId), booking }, by, reason)
  return true
}

/** A block; coaches see their own blocks. Throws NotFound. */
export async function getBlock(db: Queryable, member: Member, blockId: string): Promise<CoachBlock> {
  const { facilityId } = member
  const block = await findBlock(db, facilityId, blockId)
  if (!block || !isTheirs(member, block)) throw new NotFound("coach block", blockId)
  return toBlock(block)
}

export const BlockQuery = Schema.Struct({
  ...pageQuery,
  status: Schema.optionalKey(BlockStatus),
  coachId: Schema.optionalKey(Id),
  resourceId: Schema.optionalKey(Id),
  from: Schema.optionalKey(Instant).annotateKey({ description: "blocks that end after this instant" }),
  to: Schema.optionalKey(Instant).annotateKey({ description: "blocks that start before this instant" }),
  startsFrom: Schema.optionalKey(Instant).annotateKey({ description: "blocks that start at this instant or later" }),
  startsTo: Schema.optionalKey(Instant).annotateKey({
    description: "blocks that start before this instant, like to",
  }),
})

/**
 * Blocks by start, then id; coaches see their own blocks. Throws NotAllowed when a coach asks for another coach's
 * blocks.
 */
export async function listBlocks(
  db: Queryable,
  member: Member,
  query: typeof BlockQuery.Type,
): Promise<Page<CoachBlock>> {
  const { caller, facilityId, isStaff: staff } = member
  if (!staff && query.coachId !== undefined && query.coachId.toLowerCase() !== caller.userId) {
    throw new NotAllowed("Coaches see their own blocks.")
  }
  const limit = pageLimitOf(query)
  const after = keyAfter(query, Schema.Tuple([Instant, Id]))
  const coachId = staff ? query.coachId : caller.userId
  const rows = await findBlocks(db, facilityId, { ...query, coachId, after, limit: limit + 1 })
  return pageOf(rows, limit, (row) => [row.start_at.toISOString(), row.id], toBlock)
}

/** Cancels a locked block that is open. */
async function cancelOpenBlock(tx: Tx, { block, booking }: LockedBlock, by: string, reason: string): Promise<void> {
  if (booking.status !== "pending" && booking.status !== "confirmed") {
    const what = booking.status === "cancelled" || booking.status === "expired" ? block.status : "over"
    throw new WrongState(
      "block_not_open",
      `The block is ${what}; only one that is pending or approved can be cancelled.`,
    )
  }
  await free(tx, booking, by, reason)
  recordBlockCancelled(tx, block, by, booking.now, reason)
  await afterSlotsFreed(tx, [freedSlotOf(booking)])
}

const free = (tx: Tx, booking: LockedBooking, by: string, reason: string) =>
  changeBooking(
    tx,
    booking,
    { status: "cancelled", cancelled_at: booking.now, cancelled_by: by, cancellation_reason: reason },
    true,
  )

function requirePending(block: BlockRow, what: string): void {
  if (block.status === "pending") return
  if (block.status === "expired") {
    const began = block.start_at.toISOString()
    throw new WrongState("block_started", `The time began at ${began}; the request has expired.`)
  }
  throw new WrongState("block_not_pending", `The block is ${block.status}; only one that is pending can be ${what}.`)
}

async function readBlock(tx: Tx, facilityId: string, blockId: string): Promise<BlockRow> {
  const block = await findBlock(tx, facilityId, blockId)
  if (!block) throw new NotFound("coach block", blockId)
  return block
}

const isTheirs = ({ caller, isStaff }: Member, block: BlockRow) => isStaff || block.coach_id === caller.userId
