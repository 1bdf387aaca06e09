/**
 * The booking policy of a facility: the limits for its members when they book, move, cancel and come to play. A
 * facility without a written policy sets no limits. The policy's `version` also counts changes of price rules: both
 * change availability and bookings.
 * Writes: booking_policies.
 */
import * as Schema from "effect/Schema"
import type { Admin, Caller, Member } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound, RuleBroken } from "#base/errors.ts"
import { Id, Money } from "#base/schema/request-fields.ts"
import { rule } from "#base/schema/rule.ts"
import { isFacility, requireMovableIn } from "#domain/club/facilities.ts"
import { noteChange } from "#events/audit.ts"
import { record } from "#events/outbox.ts"
import { BookingType } from "./input.ts"

const maxHours = 365 * 24
const maxRules = 20
const maxResources = 500

const whole = (minimum: number, maximum: number, description: string) =>
  Schema.Int.annotate({ description }).check(Schema.isBetween({ minimum, maximum }))

const CancellationPolicy = Schema.Array(
  Schema.Struct({
    hoursBefore: whole(0, maxHours, "elapsed hours before the start"),
    refundPercent: whole(0, 100, "of what was paid"),
  }),
).check(
  Schema.isMaxLength(maxRules),
  rule("a cancellation policy names each hoursBefore once", (rules: readonly { readonly hoursBefore: number }[]) =>
    rules.flatMap(({ hoursBefore }, i) =>
      rules.findIndex((other) => other.hoursBefore === hoursBefore) < i
        ? [{ path: [i, "hoursBefore"], issue: "is named twice" }]
        : [],
    ),
  ),
)

const fields = {
  leadTimeMinutes: whole(0, 60 * maxHours, "members book at least this long before the start; 0: until it begins"),
  advanceDays: Schema.NullOr(whole(0, 3650, "members book at most so many local days ahead")),
  approvalBookingTypes: Schema.Array(BookingType)
    .annotate({ description: "members' bookings of these types wait for staff" })
    .check(Schema.isMaxLength(20), Schema.isUnique()),
  approvalResourceIds: Schema.Array(Id)
    .annotate({ description: "members' bookings of these resources wait for staff" })
    .check(Schema.isMaxLength(maxResources), Schema.isUnique()),
  checkInGraceMinutes: Schema.NullOr(
    whole(0, 1440, "without a check-in so long after the start a booking is a no-show; null: only staff say so"),
  ),
  noShowFee: Money,
  strikeThreshold: Schema.NullOr(whole(1, 1000, "from so many strikes on, a no-show restricts; null: never")),
  restrictionDays: Schema.NullOr(whole(1, 3650, "how long a restricted member cannot book")),
  rescheduleHoursBefore: whole(0, maxHours, "members move a booking until so many hours before its start"),
  cancellationPolicy: CancellationPolicy.annotate({
    description:
      "a cancellation so many hours before refunds so much, a later one nothing; empty: everything is refunded",
  }),
} as const
type Rules = Schema.Struct<typeof fields>["Type"]

const defaults: Rules = {
  leadTimeMinutes: 0,
  advanceDays: null,
  approvalBookingTypes: [],
  approvalResourceIds: [],
  checkInGraceMinutes: null,
  noShowFee: 0,
  strikeThreshold: null,
  restrictionDays: null,
  rescheduleHoursBefore: 0,
  cancellationPolicy: [],
}

/** Replaces the policy: a field that is left out takes its default. */
export const PolicyInput = Schema.Struct({
  leadTimeMinutes: Schema.optionalKey(fields.leadTimeMinutes),
  advanceDays: Schema.optionalKey(fields.advanceDays),
  approvalBookingTypes: Schema.optionalKey(fields.approvalBookingTypes),
  approvalResourceIds: Schema.optionalKey(fields.approvalResourceIds),
  checkInGraceMinutes: Schema.optionalKey(fields.checkInGraceMinutes),
  noShowFee: Schema.optionalKey(fields.noShowFee),
  strikeThreshold: Schema.optionalKey(fields.strikeThreshold),
  restrictionDays: Schema.optionalKey(fields.restrictionDays),
  rescheduleHoursBefore: Schema.optionalKey(fields.rescheduleHoursBefore),
  cancellationPolicy: Schema.optionalKey(fields.cancellationPolicy),
}).check(
  rule(
    "strikeThreshold and restrictionDays go together",
    ({
      strikeThreshold = null,
      restrictionDays = null,
    }: Partial<Pick<Rules, "strikeThreshold" | "restrictionDays">>) =>
      (strikeThreshold === null) === (restrictionDays === null)
        ? []
        : [{ path: ["restrictionDays"], issue: "goes together with strikeThreshold" }],
  ),
)

export const BookingPolicy = Schema.Struct({
  facilityId: Id,
  ...fields,
  updatedAt: Schema.NullOr(Schema.String).annotate({ description: "null: never written, these are the defaults" }),
}).annotate({ identifier: "BookingPolicy" })
export type BookingPolicy = typeof BookingPolicy.Type

/** For every member: the policy shows the limits that bind them. Throws NotFound. */
export async function getPolicy(db: Queryable, member: Member): Promise<BookingPolicy> {
  const { facilityId } = member
  const [row] = await db<PolicyRow[]>`select * from slotbase.booking_policies where facility_id = ${facilityId}`
  if (!row && !(await isFacility(db, facilityId))) throw new NotFound("facility", facilityId)
  return viewOf(facilityId, row)
}

/**
 * Replaces the policy. Records facility.settings_updated with the rules that differ; without a difference nothing is
 * recorded.
 * @throws NotFound, RuleBroken (resource_unknown, amount_not_movable)
 */
export async function putPolicy(tx: Tx, admin: Admin, input: typeof PolicyInput.Type): Promise<BookingPolicy> {
  const { caller, facilityId } = admin
  const row = await lockPolicy(tx, facilityId)
  const before = rulesOf(row)
  const given: Rules = { ...defaults, ...input }
  const after = { ...given, approvalResourceIds: given.approvalResourceIds.map((id) => id.toLowerCase()) }
  const changed = names.filter((name) => !Bun.deepEquals(before[name], after[name]))
  if (changed.length === 0) {
    noteChange(tx, "nothing")
    return viewOf(facilityId, row)
  }
  await requireResources(tx, facilityId, after.approvalResourceIds)
  if (changed.includes("noShowFee")) await requireMovableIn(tx, facilityId, after.noShowFee, "body.noShowFee")
  const [written] = await tx<PolicyRow[]>`
    update slotbase.booking_policies
    set lead_time_minutes = ${after.leadTimeMinutes}, advance_days = ${after.advanceDays},
        approval_booking_types = ${[...after.approvalBookingTypes]}::text[],
        approval_resource_ids = ${after.approvalResourceIds}::uuid[],
        check_in_grace_minutes = ${after.checkInGraceMinutes}::integer,
        no_shows_detected_since = case when ${after.checkInGraceMinutes}::integer is not null
          then coalesce(no_shows_detected_since, slotbase.now()) end,
        no_show_fee = ${after.noShowFee}, strike_threshold = ${after.strikeThreshold},
        restriction_days = ${after.restrictionDays}, reschedule_hours_before = ${after.rescheduleHoursBefore},
        cancellation_policy = ${tx.json(after.cancellationPolicy as never)},
        version = version + 1, updated_at = slotbase.now()
    where facility_id = ${facilityId}
    returning *`
  recordChange(tx, caller, facilityId, changed)
  noteChange(tx, { before: { ...before }, after: { ...after } })
  return viewOf(facilityId, written)
}

/**
 * Counts a change of policy or prices, and locks the policy until the end of the transaction. Records
 * facility.settings_updated. Throws NotFound.
 */
export async function countPolicyChange(
  tx: Tx,
  caller: Caller,
  facilityId: string,
  changed: readonly string[],
): Promise<void> {
  await lockPolicy(tx, facilityId)
  await tx`
    update slotbase.booking_policies set version = version + 1, updated_at = slotbase.now() where facility_id = ${facilityId}`
  recordChange(tx, caller, facilityId, changed)
}

/** As a value of SQL: the version of all rules of a facility `f` on which its slots depend. */
export const rulesVersion = (sql: Queryable) => sql`
  (f.version + coalesce((select v.version from slotbase.booking_policies v where v.facility_id = f.id), 0))`

/** The locked row. A facility without one gets a row with the defaults, so that it can be locked. */
async function lockPolicy(tx: Tx, facilityId: string): Promise<PolicyRow> {
  if (!(await isFacility(tx, facilityId))) throw new NotFound("facility", facilityId)
  await tx`insert into slotbase.booking_policies (facility_id, version) values (${facilityId}, 0) on conflict do nothing`
  const [row] = await tx<PolicyRow[]>`
    select * from slotbase.booking_policies where facility_id = ${facilityId} for update`
  if (!row) throw new Error("lockPolicy: there is no policy row after the insert")
  return row
}

const recordChange = (tx: Tx, caller: Caller, facilityId: string, changed: readonly string[]) =>
  record(tx, {
    type: "facility.settings_updated",
    facilityId,
    data: { facilityId, changedSettings: [...changed], changedBy: caller.userId },
  })

async function requireResources(tx: Tx, facilityId: string, resourceIds: readonly string[]): Promise<void> {
  if (resourceIds.length === 0) return
  const known = await tx<{ id: string }[]>`
    select id from slotbase.resources where facility_id = ${facilityId} and id = any (${[...resourceIds]}::uuid[])`
  const faults = resourceIds.flatMap((resourceId, i) =>
    known.some(({ id }) => id === resourceId)
      ? []
      : [{ path: `body.approvalResourceIds.${i}`, message: "Expected the id of a resource of the facility" }],
  )
  if (faults.length > 0) throw new RuleBroken("resource_unknown", "There is no such resource in the facility.", faults)
}

const names = Object.keys(fields) as (keyof Rules)[]

interface PolicyRow {
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
  version: number
  updated_at: Date
}

const rulesOf = (row: PolicyRow): Rules => ({
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
})

const viewOf = (facilityId: string, row: PolicyRow | undefined): BookingPolicy => ({
  facilityId,
  ...(row ? rulesOf(row) : defaults),
  updatedAt: row && row.version > 0 ? row.updated_at.toISOString() : null,
})
