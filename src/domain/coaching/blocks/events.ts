/** The events of coach blocks: each event's data, from the rows. */
import type { Tx } from "#base/database/transaction.ts"
import { record } from "#events/outbox.ts"
import type { BlockRow } from "./rows.ts"

export function recordRequested(tx: Tx, block: BlockRow): string {
  return record(tx, {
    type: "coach.block.requested",
    facilityId: block.facility_id,
    data: {
      blockId: block.id,
      coachId: block.coach_id,
      coachName: block.coach_name,
      facilityId: block.facility_id,
      resourceId: block.resource_id,
      resourceName: block.resource_name,
      startAt: block.start_at.toISOString(),
      endAt: block.end_at.toISOString(),
      blockType: block.block_type,
      ...(block.reason !== null && { reason: block.reason }),
      requiresApproval: block.requires_approval,
    },
    about: aboutOf(block),
  })
}

/** `by`: "system" when no approval was needed. */
export function recordApproved(tx: Tx, block: BlockRow, by: string, at: Date): string {
  return record(tx, {
    type: "coach.block.approved",
    facilityId: block.facility_id,
    data: {
      blockId: block.id,
      coachId: block.coach_id,
      facilityId: block.facility_id,
      approvedBy: by,
      approvedAt: at.toISOString(),
    },
    about: aboutOf(block),
  })
}

export function recordRejected(tx: Tx, block: BlockRow, by: string, at: Date, rejectionReason: string): string {
  return record(tx, {
    type: "coach.block.rejected",
    facilityId: block.facility_id,
    data: {
      blockId: block.id,
      coachId: block.coach_id,
      facilityId: block.facility_id,
      rejectedBy: by,
      rejectedAt: at.toISOString(),
      rejectionReason,
    },
    about: aboutOf(block),
  })
}

export function recordBlockExpired(tx: Tx, block: BlockRow, at: Date): string {
  return record(tx, {
    type: "coach.block.expired",
    facilityId: block.facility_id,
    data: {
      blockId: block.id,
      coachId: block.coach_id,
      facilityId: block.facility_id,
      resourceId: block.resource_id,
      startAt: block.start_at.toISOString(),
      endAt: block.end_at.toISOString(),
      expiredAt: at.toISOString(),
    },
    about: aboutOf(block),
  })
}

export function recordBlockStruck(tx: Tx, block: BlockRow, reason: string, at: Date): string {
  return record(tx, {
    type: "coach.block.struck",
    facilityId: block.facility_id,
    data: {
      blockId: block.id,
      coachId: block.coach_id,
      facilityId: block.facility_id,
      resourceId: block.resource_id,
      startAt: block.start_at.toISOString(),
      endAt: block.end_at.toISOString(),
      reason,
      struckAt: at.toISOString(),
    },
    about: aboutOf(block),
  })
}

export function recordBlockCancelled(
  tx: Tx,
  block: BlockRow,
  by: string,
  at: Date,
  cancellationReason: string,
): string {
  return record(tx, {
    type: "coach.block.cancelled",
    facilityId: block.facility_id,
    data: {
      blockId: block.id,
      coachId: block.coach_id,
      facilityId: block.facility_id,
      resourceId: block.resource_id,
      startAt: block.start_at.toISOString(),
      endAt: block.end_at.toISOString(),
      cancelledBy: by,
      cancelledAt: at.toISOString(),
      cancellationReason,
    },
    about: aboutOf(block),
  })
}

/** The facts for webhook filters. */
const aboutOf = ({ resource_id }: BlockRow) => ({ resourceId: resource_id, bookingType: "coach_block" })
