/**
 * Progress: every assessment of a player's skill, in order, each with the level before it.
 * A coach or an administrator assesses directly, or ProgressUpdateHandler from published feedback.
 * Assessments of one player wait for each other. So no level between two is lost, and their events are in order.
 * Writes: progress.
 */
import { type Member, mayActFor } from "#access/caller.ts"
import { isMemberOf } from "#access/membership.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotAllowed, NotFound, RuleBroken, WrongState } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import { keyAfter, pageLimitOf, pageOf } from "#base/schema/page.ts"
import { findCoach } from "#domain/coaching/coaches.ts"
import { record } from "#events/outbox.ts"
import {
  historyKey,
  type Progress,
  type ProgressHistory,
  type ProgressInput,
  type ProgressQuery,
  type ProgressRow,
  type SkillLevel,
  toProgress,
} from "./answer.ts"
import { improvementPercent, type Skill, skillOf } from "./skills.ts"

/** The most skills of one player whose present levels are listed. */
const maxLevels = 500

/**
 * Assesses a skill of a member. For coaches of the facility and administrators. Records progress.updated.
 * @throws NotFound, NotAllowed, RuleBroken (sport_unknown, feedback_of_another), WrongState (skill_assessed_already)
 */
export async function assessPlayer(
  tx: Tx,
  member: Member,
  playerId: string,
  { newLevel, feedbackId: given, ...skill }: ProgressInput,
): Promise<Progress> {
  const { caller, facilityId } = member
  await requireMayAssess(tx, member)
  const feedbackId = given?.toLowerCase() ?? null
  const [facility] = await tx<{ sport_types: string[]; is_member: boolean; has_feedback: boolean }[]>`
    select f.sport_types,
           exists (select from slotbase.users u
                   where u.id = ${playerId} and u.kind = 'person' and ${isMemberOf(tx, tx`u.id`)}) as is_member,
           exists (select from slotbase.feedback b
                   where b.id = ${feedbackId} and b.facility_id = f.id and b.student_id = ${playerId}) as has_feedback
    from slotbase.facilities f where f.id = ${facilityId}`
  if (!facility) throw new NotFound("facility", facilityId)
  if (!facility.is_member) throw new NotFound("player", playerId)
  if (feedbackId !== null && !facility.has_feedback) {
    const fault = { path: "body.feedbackId", message: "Expected the id of feedback on this player" }
    throw new RuleBroken("feedback_of_another", "There is no such feedback on the player.", [fault])
  }
  await lockProgressOf(tx, playerId)
  const row = await keepLevel(tx, {
    facilityId,
    playerId,
    skill: skillOf(skill, facility.sport_types, "body"),
    newLevel,
    assessedBy: caller.userId,
    feedbackId,
  })
  if (!row) throw new WrongState("skill_assessed_already", `The feedback has assessed ${skill.skillId} already.`)
  return toProgress(row)
}

/**
 * Records the levels in published feedback, in the name of its coach; returns the number of new ones.
 * Levels that the feedback has already recorded stay. Records progress.updated for each new level.
 */
export async function recordAssessmentsOf(tx: Tx, facilityId: string, feedbackId: string): Promise<number> {
  const [feedback] = await tx<{ student_id: string; coach_id: string }[]>`
    select student_id, coach_id from slotbase.feedback
    where id = ${feedbackId} and facility_id = ${facilityId} and published_at is not null`
  if (!feedback) return 0
  await lockProgressOf(tx, feedback.student_id)
  const assessed = await tx<{ skill_id: string; skill_name: string; sport: string; level: number }[]>`
    select skill_id, skill_name, sport, level::float8 as level from slotbase.feedback_assessments
    where feedback_id = ${feedbackId} and facility_id = ${facilityId} order by skill_id`
  let recorded = 0
  for (const { skill_id, skill_name, sport, level } of assessed) {
    const row = await keepLevel(tx, {
      facilityId,
      playerId: feedback.student_id,
      skill: { skillId: skill_id, skillName: skill_name, sport },
      newLevel: level,
      assessedBy: feedback.coach_id,
      feedbackId,
    })
    if (row) recorded++
  }
  return recorded
}

/**
 * A player's assessments, the latest first, and the present level of each skill.
 * For the player, parents who may see the player's feedback, coaches and staff of the facility. Throws NotFound.
 */
export async function readProgress(
  db: Queryable,
  member: Member,
  playerId: string,
  query: ProgressQuery,
): Promise<ProgressHistory> {
  const { facilityId } = member
  const maySee = mayActFor(member, playerId, "view_feedback") || (await isCoachOrStaff(db, member))
  if (!maySee) throw new NotFound("player", playerId)
  const [facility] = await db<{ is_known: boolean }[]>`
    select ${isKnown(db, playerId)} as is_known from slotbase.facilities f where f.id = ${facilityId}`
  if (!facility) throw new NotFound("facility", facilityId)
  if (!facility.is_known) throw new NotFound("player", playerId)
  const limit = pageLimitOf(query)
  const after = keyAfter(query, historyKey)
  const ofSkill = query.skillId === undefined ? db`` : db`and skill_id = ${query.skillId}`
  const [rows, levels] = await Promise.all([
    db<ProgressRow[]>`
      select ${columns(db)} from slotbase.progress
      where player_id = ${playerId} and facility_id = ${facilityId} ${ofSkill}
        ${after ? db`and (assessed_at, id) < (${after[0]}, ${after[1]}::uuid)` : db``}
      order by assessed_at desc, id desc limit ${limit + 1}`,
    db<SkillLevel[]>`
      select distinct on (skill_id) skill_id as "skillId", skill_name as "skillName", sport, new_level::float8 as level,
             slotbase.utc(assessed_at) as "assessedAt"
      from slotbase.progress
      where player_id = ${playerId} and facility_id = ${facilityId} ${ofSkill}
      order by skill_id, number desc limit ${maxLevels}`,
  ])
  const page = pageOf(rows, limit, (row) => [row.assessed_at_text, row.id], toProgress)
  return { ...page, levels: levels.map((level) => ({ ...level })) }
}

async function requireMayAssess(tx: Tx, member: Member): Promise<void> {
  const { caller, facilityId } = member
  if (member.isAtLeast("facility_admin")) return
  if (await findCoach(tx, facilityId, caller.userId)) return
  throw new NotAllowed("Coaches and administrators of the facility assess its players.")
}

const isCoachOrStaff = async (db: Queryable, { caller, facilityId, isStaff }: Member) =>
  isStaff || (await findCoach(db, facilityId, caller.userId)) !== undefined

/** A person who holds a role in the facility `f`, or was taught or assessed there. */
const isKnown = (sql: Queryable, userId: string) => sql`
  exists (select from slotbase.users u where u.id = ${userId} and u.kind = 'person') and (
   exists (select from slotbase.role_grants g
           where g.user_id = ${userId} and g.scope_id in (f.id, f.organization_id) and g.scope_type in ('facility', 'organization'))
   or exists (select from slotbase.coach_session_students t where t.user_id = ${userId} and t.facility_id = f.id)
   or exists (select from slotbase.progress p where p.player_id = ${userId} and p.facility_id = f.id))`

/**
 * Locks until the end of the transaction. The lock covers all facilities, because events of one player keep their
 * order.
 */
const lockProgressOf = (tx: Tx, playerId: string) =>
  tx`select pg_advisory_xact_lock(hashtext('slotbase progress'), hashtext(${playerId}))`

interface NewLevel {
  readonly facilityId: string
  readonly playerId: string
  readonly skill: Skill
  readonly newLevel: number
  readonly assessedBy: string
  readonly feedbackId: string | null
}

/** Called under the player's lock. Undefined when the feedback has already assessed the skill. */
async function keepLevel(tx: Tx, level: NewLevel): Promise<ProgressRow | undefined> {
  const { facilityId, playerId, skill, newLevel, assessedBy, feedbackId } = level
  const [row] = await tx<ProgressRow[]>`
    with before as (
      select new_level, number from slotbase.progress
      where player_id = ${playerId} and facility_id = ${facilityId} and skill_id = ${skill.skillId}
      order by number desc limit 1
    )
    insert into slotbase.progress
      (id, facility_id, player_id, skill_id, number, skill_name, sport, previous_level, new_level, assessed_by, feedback_id)
    select ${newId()}::uuid, ${facilityId}::uuid, ${playerId}::uuid, ${skill.skillId}, coalesce(b.number, 0) + 1,
           ${skill.skillName}, ${skill.sport}, coalesce(b.new_level, 0), ${newLevel}::float8::numeric(5, 2),
           ${assessedBy}::uuid, ${feedbackId}::uuid
    from (select) one left join before b on true
    on conflict (feedback_id, facility_id, skill_id) where feedback_id is not null do nothing
    returning ${columns(tx)}`
  if (!row) return undefined
  const { previous_level: previousLevel } = row
  record(tx, {
    type: "progress.updated",
    facilityId,
    data: {
      playerId,
      ...skill,
      previousLevel,
      newLevel: row.new_level,
      assessedBy,
      improvementPercent: improvementPercent(previousLevel, row.new_level),
    },
  })
  return row
}

const columns = (sql: Queryable) => sql`
  id, facility_id, player_id, skill_id, skill_name, sport, previous_level::float8 as previous_level,
  new_level::float8 as new_level, assessed_by, feedback_id, assessed_at,
  to_char(assessed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as assessed_at_text`
