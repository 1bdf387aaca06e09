/**
 * The row of a booking policy, as columns. A facility without a row has the defaults.
 * Writes: booking_policies.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { defaults, type Rules } from "./policy-fields.ts"

export interface PolicyRow {
  lead_time_minutes: number
  advance_days: number | null
  approval_booking_types: Rules["approvalBookingTypes"]
  approval_resource_ids: string[]
  check_in_grace_minutes: number | null
  no_show_fee: number
  strike_threshold: number | null
  restriction_days: number | null
  reschedule_hours_before: number
  cancellation_policy: Rules["cancellationPolicy"]
  start_grid_minutes: number | null
  least_minutes: number | null
  greatest_minutes: number | null
  length_step_minutes: number | null
  buffers: Rules["buffers"]
  member_limits: Rules["memberLimits"]
  week_starts_on: Rules["weekStartsOn"]
  hold_pause_minutes: number | null
  version: number
  updated_at: Date
}

/** The rules of a row; of none: the defaults. */
export const policyRulesOf = (row: PolicyRow | undefined): Rules => (row ? toRules(row) : defaults)

const toRules = (row: PolicyRow): Rules => ({
  leadTimeMinutes: row.lead_time_minutes,
  advanceDays: row.advance_days,
  approvalBookingTypes: row.approval_booking_types,
  approvalResourceIds: row.approval_resource_ids,
  checkInGraceMinutes: row.check_in_grace_minutes,
  noShowFee: row.no_show_fee,
  strikeThreshold: row.strike_threshold,
  restrictionDays: row.restriction_days,
  rescheduleHoursBefore: row.reschedule_hours_before,
  cancellationPolicy: row.cancellation_policy,
  startGridMinutes: row.start_grid_minutes,
  minBookingMinutes: row.least_minutes,
  maxBookingMinutes: row.greatest_minutes,
  bookingStepMinutes: row.length_step_minutes,
  buffers: row.buffers,
  memberLimits: row.member_limits,
  weekStartsOn: row.week_starts_on,
  holdPauseMinutes: row.hold_pause_minutes,
})

export async function findPolicy(db: Queryable, facilityId: string): Promise<PolicyRow | undefined> {
  const [row] = await db<PolicyRow[]>`select * from slotbase.booking_policies where facility_id = ${facilityId}`
  return row
}

/** The row of an existing facility, locked. A facility without one gets a row with the defaults to lock. */
export async function lockPolicy(tx: Tx, facilityId: string): Promise<PolicyRow> {
  await tx`insert into slotbase.booking_policies (facility_id, version) values (${facilityId}, 0) on conflict do nothing`
  const [row] = await tx<PolicyRow[]>`
    select * from slotbase.booking_policies where facility_id = ${facilityId} for update`
  if (!row) throw new Error("lockPolicy: there is no policy row after the insert")
  return row
}

/** Writes the rules into a locked row. */
export async function writePolicy(tx: Tx, facilityId: string, rules: Rules): Promise<PolicyRow | undefined> {
  const [written] = await tx<PolicyRow[]>`
    update slotbase.booking_policies
    set lead_time_minutes = ${rules.leadTimeMinutes}, advance_days = ${rules.advanceDays},
        approval_booking_types = ${[...rules.approvalBookingTypes]}::text[],
        approval_resource_ids = ${[...rules.approvalResourceIds]}::uuid[],
        check_in_grace_minutes = ${rules.checkInGraceMinutes}::integer,
        no_shows_detected_since = case when ${rules.checkInGraceMinutes}::integer is not null
          then coalesce(no_shows_detected_since, slotbase.now()) end,
        no_show_fee = ${rules.noShowFee}, strike_threshold = ${rules.strikeThreshold},
        restriction_days = ${rules.restrictionDays}, reschedule_hours_before = ${rules.rescheduleHoursBefore},
        cancellation_policy = ${tx.json(rules.cancellationPolicy as never)},
        start_grid_minutes = ${rules.startGridMinutes}, least_minutes = ${rules.minBookingMinutes},
        greatest_minutes = ${rules.maxBookingMinutes}, length_step_minutes = ${rules.bookingStepMinutes},
        buffers = ${tx.json(rules.buffers as never)},
        longest_buffer_minutes = greatest(longest_buffer_minutes, ${Math.max(0, ...rules.buffers.map((each) => each.minutes))}::smallint),
        member_limits = ${tx.json(rules.memberLimits as never)}, week_starts_on = ${rules.weekStartsOn},
        hold_pause_minutes = ${rules.holdPauseMinutes}::integer,
        version = version + 1, updated_at = slotbase.now()
    where facility_id = ${facilityId}
    returning *`
  return written
}

/** Counts a change of rules outside the row. */
export const countVersion = (tx: Tx, facilityId: string) => tx`
  update slotbase.booking_policies set version = version + 1, updated_at = slotbase.now() where facility_id = ${facilityId}`

/** As a value of SQL: the version of all rules of a facility `f` on which its slots depend. */
export const rulesVersion = (sql: Queryable) => sql`
  (f.version + coalesce((select v.version from slotbase.booking_policies v where v.facility_id = f.id), 0))`
