/**
 * The booking policy of a facility: the limits for its members when they book, move, cancel and come to play. A
 * facility without a written policy has the defaults. The policy's `version` also counts changes of price rules: both
 * change availability and bookings.
 */
import type { Admin, Caller, Member } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound, RuleBroken } from "#base/errors.ts"
import { isFacility, requireMovableIn } from "#domain/club/facilities.ts"
import { noteChange } from "#events/audit.ts"
import { record } from "#events/outbox.ts"
import { type BookingPolicy, defaults, type PolicyInput, type Rules, ruleNames } from "./policy-fields.ts"
import { countVersion, findPolicy, lockPolicy, type PolicyRow, policyRulesOf, writePolicy } from "./policy-rows.ts"

/** For every member: the policy shows the limits that bind them. Throws NotFound. */
export async function getPolicy(db: Queryable, member: Member): Promise<BookingPolicy> {
  const { facilityId } = member
  const row = await findPolicy(db, facilityId)
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
  const row = await lockExisting(tx, facilityId)
  const before = policyRulesOf(row)
  const given: Rules = { ...defaults, ...input }
  const after = {
    ...given,
    approvalResourceIds: given.approvalResourceIds.map((id) => id.toLowerCase()),
    buffers: given.buffers.map((each) => ({
      ...each,
      ...(each.resourceId !== undefined && { resourceId: each.resourceId.toLowerCase() }),
    })),
  }
  const changed = ruleNames.filter((name) => !Bun.deepEquals(before[name], after[name]))
  if (changed.length === 0) {
    noteChange(tx, "nothing")
    return viewOf(facilityId, row)
  }
  await requireResources(tx, facilityId, [
    ...after.approvalResourceIds.map((id, i) => ({ id, path: `body.approvalResourceIds.${i}` })),
    ...after.buffers.flatMap(({ resourceId: id }, i) =>
      id === undefined ? [] : [{ id, path: `body.buffers.${i}.resourceId` }],
    ),
  ])
  if (changed.includes("noShowFee")) await requireMovableIn(tx, facilityId, after.noShowFee, "body.noShowFee")
  const written = await writePolicy(tx, facilityId, after)
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
  await lockExisting(tx, facilityId)
  await countVersion(tx, facilityId)
  recordChange(tx, caller, facilityId, changed)
}

async function lockExisting(tx: Tx, facilityId: string): Promise<PolicyRow> {
  if (!(await isFacility(tx, facilityId))) throw new NotFound("facility", facilityId)
  return lockPolicy(tx, facilityId)
}

const recordChange = (tx: Tx, caller: Caller, facilityId: string, changed: readonly string[]) =>
  record(tx, {
    type: "facility.settings_updated",
    facilityId,
    data: { facilityId, changedSettings: [...changed], changedBy: caller.userId },
  })

async function requireResources(
  tx: Tx,
  facilityId: string,
  named: readonly { readonly id: string; readonly path: string }[],
): Promise<void> {
  if (named.length === 0) return
  const known = await tx<{ id: string }[]>`
    select id from slotbase.resources
    where facility_id = ${facilityId} and id = any (${named.map((each) => each.id)}::uuid[])`
  const faults = named.flatMap(({ id, path }) =>
    known.some((each) => each.id === id) ? [] : [{ path, message: "Expected the id of a resource of the facility" }],
  )
  if (faults.length > 0) throw new RuleBroken("resource_unknown", "There is no such resource in the facility.", faults)
}

const viewOf = (facilityId: string, row: PolicyRow | undefined): BookingPolicy => ({
  facilityId,
  ...policyRulesOf(row),
  updatedAt: row && row.version > 0 ? row.updated_at.toISOString() : null,
})
