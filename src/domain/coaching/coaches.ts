/**
 * Coaches of a facility and their profiles. A coach is a person with the role coach in the facility or its
 * organization, with or without a profile.
 * A person who has lost the role is no coach, whatever rows are kept.
 * Writes: coach_profiles.
 */

import * as Schema from "effect/Schema"
import type { Member } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { InvalidInput, NotAllowed, NotFound, RuleBroken } from "#base/errors.ts"
import { keyAfter, type Page, pageLimitOf, pageOf } from "#base/schema/page.ts"
import { Currency, Id, Money, Note } from "#base/schema/request-fields.ts"
import { lineUpTo } from "#base/schema/text-fields.ts"
import { isFacility, requireMovableIn } from "#domain/club/facilities.ts"
import { noteChange } from "#events/audit.ts"

const maxSports = 50
const maxSportLength = 60

const rate = Schema.NullOr(Money).annotate({
  description: "minor units for 60 minutes of the coach alone, without the court; null: not set",
})

/** Replaces the profile: a field that is left out becomes empty. */
export const CoachInput = Schema.Struct({
  sports: Schema.Array(lineUpTo(maxSportLength)).check(Schema.isMaxLength(maxSports), Schema.isUnique()),
  bio: Schema.optionalKey(Note),
  hourlyRate: Schema.optionalKey(rate),
  blocksNeedApproval: Schema.optionalKey(Schema.Boolean).annotateKey({
    description: "whether staff must approve the coach's blocks; only administrators change it; it stays when left out",
  }),
})
export type CoachInput = typeof CoachInput.Type

export const Coach = Schema.Struct({
  userId: Id,
  facilityId: Id,
  name: Schema.String,
  sports: Schema.Array(Schema.String),
  bio: Schema.String,
  hourlyRate: rate,
  currency: Currency,
  blocksNeedApproval: Schema.Boolean,
  updatedAt: Schema.NullOr(Schema.String).annotate({ description: "null: there is no profile yet" }),
}).annotate({ identifier: "Coach" })
export type Coach = typeof Coach.Type

/**
 * Writes the profile: for the coach, or an administrator.
 * @throws NotFound when the person is no coach here, NotAllowed
 */
export async function putProfile(
  tx: Tx,
  member: Member,
  userId: string,
  { sports, bio = "", hourlyRate = null, blocksNeedApproval }: CoachInput,
): Promise<Coach> {
  const { caller, facilityId } = member
  const admin = member.isAtLeast("facility_admin")
  if (!admin && caller.userId !== userId) throw new NotAllowed("Coaches write their own profile, administrators any.")
  const before = await findCoach(tx, facilityId, userId)
  if (!before) throw new NotFound("coach", userId)
  if (!admin && blocksNeedApproval !== undefined && blocksNeedApproval !== before.blocksNeedApproval) {
    throw new NotAllowed("Only administrators decide whether a coach's blocks need approval.")
  }
  if (hourlyRate !== before.hourlyRate) await requireMovableIn(tx, facilityId, hourlyRate, "body.hourlyRate")
  // A caller who may not change the field does not write it: an administrator may just have changed it.
  const approval = admin ? (blocksNeedApproval ?? null) : null
  await tx`
    insert into slotbase.coach_profiles as c (user_id, facility_id, sports, bio, hourly_rate, blocks_need_approval)
    values (${userId}, ${facilityId}, ${tx.array([...sports])}::text[], ${bio}, ${hourlyRate}, coalesce(${approval}::boolean, true))
    on conflict (user_id, facility_id) do update
    set sports = excluded.sports, bio = excluded.bio, hourly_rate = excluded.hourly_rate,
        blocks_need_approval = coalesce(${approval}::boolean, c.blocks_need_approval), updated_at = slotbase.now()`
  const after = await findCoach(tx, facilityId, userId)
  if (!after) throw new NotFound("coach", userId)
  noteChange(tx, { before, after })
  return after
}

/** Throws NotFound. */
export async function getCoach(db: Queryable, member: Member, userId: string): Promise<Coach> {
  const { facilityId } = member
  const coach = await findCoach(db, facilityId, userId)
  if (!coach) throw new NotFound("coach", userId)
  return coach
}

/** The coaches of a facility by name, for its members. Throws NotFound. */
export async function listCoaches(
  db: Queryable,
  member: Member,
  query: { readonly limit?: string; readonly after?: string },
): Promise<Page<Coach>> {
  const { facilityId } = member
  const limit = pageLimitOf(query)
  const after = keyAfter(query, Schema.Tuple([Schema.String, Id]))
  const rows = await db<Coach[]>`
    select * from (${coaches(db, facilityId)}) c
    ${after ? db`where (c.name, c."userId") > (${after[0]}, ${after[1]}::uuid)` : db``}
    order by c.name, c."userId" limit ${limit + 1}`
  if (rows.length === 0 && !(await isFacility(db, facilityId))) throw new NotFound("facility", facilityId)
  return pageOf(rows, limit, (row) => [row.name, row.userId], toCoach)
}

/** A person who holds the role coach in the facility now; undefined otherwise. */
export async function findCoach(db: Queryable, facilityId: string, userId: string): Promise<Coach | undefined> {
  const [row] = await db<Coach[]>`${coaches(db, facilityId, userId)}`
  return row && toCoach(row)
}

/**
 * Checks by roles alone that the caller may act as a coach: coaches, and staff on behalf of coaches.
 * Called before anything is read; `actingCoach` decides.
 * @throws NotAllowed, InvalidInput when an API key names no coach
 */
export function requireMayCoach(member: Member, coachId: string | undefined): void {
  const { caller } = member
  if (member.isStaff) {
    if (coachId === undefined && caller.kind !== "person") {
      throw new InvalidInput([{ path: "body.coachId", message: "Missing key: an API key names the coach" }])
    }
    return
  }
  if (coachId !== undefined && coachId.toLowerCase() !== caller.userId) {
    throw new NotAllowed("Coaches act for themselves; only staff and API keys may name another coachId.")
  }
  if (!member.isAtLeast("coach")) throw new NotAllowed(coachesOnly)
}

/**
 * The coach of a request: the caller, or the coach that staff name.
 * @throws the errors of `requireMayCoach`, and RuleBroken `not_a_coach`
 */
export async function actingCoach(tx: Tx, member: Member, coachId: string | undefined): Promise<Coach> {
  requireMayCoach(member, coachId)
  const { caller, facilityId } = member
  const userId = coachId?.toLowerCase() ?? caller.userId
  const coach = await findCoach(tx, facilityId, userId)
  if (coach) return coach
  if (!member.isStaff) throw new NotAllowed(coachesOnly)
  throw new RuleBroken("not_a_coach", `${userId} does not hold the role coach in the facility.`, [
    { path: "body.coachId", message: "Expected the id of a coach of the facility" },
  ])
}

const coachesOnly = "This is for coaches of the facility, and for staff."

const coaches = (sql: Queryable, facilityId: string, userId?: string) => sql`
  select u.id as "userId", f.id as "facilityId", u.first_name || ' ' || u.last_name as name,
         coalesce(p.sports, '{}') as sports, coalesce(p.bio, '') as bio, p.hourly_rate as "hourlyRate", f.currency,
         coalesce(p.blocks_need_approval, true) as "blocksNeedApproval", slotbase.utc(p.updated_at) as "updatedAt"
  from slotbase.facilities f
  join lateral (
    select distinct g.user_id from slotbase.role_grants g
    where g.scope_id in (f.id, f.organization_id) and g.role = 'coach' and g.scope_type in ('facility', 'organization')
      ${userId === undefined ? sql`` : sql`and g.user_id = ${userId}`}
  ) g on true
  join slotbase.users u on u.id = g.user_id and u.kind = 'person'
  left join slotbase.coach_profiles p on p.user_id = u.id and p.facility_id = f.id
  where f.id = ${facilityId}`

/** Without the hidden columns of the driver's row. */
const toCoach = (row: Coach): Coach => ({ ...row })
