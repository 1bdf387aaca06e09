/**
 * What happened to the players of a facility in a week: sessions, published feedback, assessed skills, and the sessions
 * of the week that follows. Read for many players with one statement each. Only reads.
 */
import type { Queryable } from "#base/database/db.ts"
import { improvementPercent } from "#domain/coaching/progress/skills.ts"
import type { SummaryFeedback, SummarySession, SummarySkill, SummaryUpcoming } from "./answer.ts"

/** A week of a facility and the one that follows, as UTC instants. */
export interface WeekSpan {
  readonly start: string
  readonly end: string
  readonly nextEnd: string
}

export interface PlayerNews {
  readonly sessions: readonly SummarySession[]
  readonly feedback: readonly SummaryFeedback[]
  readonly skills: readonly SummarySkill[]
  readonly upcoming: readonly SummaryUpcoming[]
}

/** Entries of each kind in one summary. More is no summary. */
const mostOfAKind = 20
/** Assessments of a skill that the chart shows. */
const mostLevels = 8
/** A session inside a block may begin after its block, but no block is longer. */
const longestBlock = "1 day"

/** The people with something to tell, without those who have the summary of the week already. In the order of ids. */
export async function playersWithNews(
  db: Queryable,
  facilityId: string,
  week: string,
  { start, end, nextEnd }: WeekSpan,
): Promise<readonly string[]> {
  const rows = await db<{ player_id: string }[]>`
    select n.player_id
    from (
      select t.user_id as player_id
      ${sessionsBetween(db, facilityId, start, nextEnd)}
      where ${isHeld(db)} and (${startOf(db)} < ${end} and t.attended is not null
                               or ${startOf(db)} >= ${end} and ${startOf(db)} > (select slotbase.now()))
      union
      select student_id from slotbase.feedback
      where facility_id = ${facilityId} and published_at >= ${start} and published_at < ${end}
      union
      select player_id from slotbase.progress
      where facility_id = ${facilityId} and assessed_at >= ${start} and assessed_at < ${end}
    ) n
    where not exists (select from slotbase.progress_summaries s
                      where s.player_id = n.player_id and s.facility_id = ${facilityId} and s.week = ${week}::date)
    order by n.player_id`
  return rows.map((row) => row.player_id)
}

/** The news of these people; those without any have none of each kind. */
export async function newsOf(
  db: Queryable,
  facilityId: string,
  playerIds: readonly string[],
  span: WeekSpan,
): Promise<ReadonlyMap<string, PlayerNews>> {
  const [sessions, feedback, skills] = await Promise.all([
    sessionsOf(db, facilityId, playerIds, span),
    feedbackOf(db, facilityId, playerIds, span),
    skillsOf(db, facilityId, playerIds, span),
  ])
  const end = Date.parse(span.end)
  return new Map(
    playerIds.map((playerId) => {
      const own = sessions.filter((row) => row.player_id === playerId)
      const inWeek = own.filter(({ starts }) => starts.getTime() < end)
      const news: PlayerNews = {
        sessions: inWeek.flatMap((row) =>
          row.attended === null ? [] : [{ ...toUpcoming(row), attended: row.attended }],
        ),
        feedback: feedback.filter((row) => row.player_id === playerId).map(toFeedbackNews),
        skills: skills.filter((row) => row.player_id === playerId).map(toSkill),
        upcoming: own.filter((row) => !inWeek.includes(row) && row.is_to_come).map(toUpcoming),
      }
      return [
        playerId,
        {
          sessions: news.sessions.slice(0, mostOfAKind),
          feedback: news.feedback.slice(0, mostOfAKind),
          skills: news.skills.slice(0, mostOfAKind),
          upcoming: news.upcoming.slice(0, mostOfAKind),
        },
      ]
    }),
  )
}

interface SessionNews {
  readonly player_id: string
  readonly id: string
  readonly starts: Date
  readonly ends: Date
  readonly coach_name: string
  readonly resource_name: string
  readonly attended: boolean | null
  readonly is_to_come: boolean
}

const sessionsOf = (db: Queryable, facilityId: string, players: readonly string[], { start, nextEnd }: WeekSpan) =>
  db<SessionNews[]>`
    select t.user_id as player_id, s.id, ${startOf(db)} as starts, coalesce(s.end_at, b.end_at) as ends,
           u.first_name || ' ' || u.last_name as coach_name, r.name as resource_name, t.attended,
           ${startOf(db)} > (select slotbase.now()) as is_to_come
    ${sessionsBetween(db, facilityId, start, nextEnd)}
    join slotbase.users u on u.id = s.coach_id
    join slotbase.resources r on r.id = b.resource_id and r.facility_id = b.facility_id
    where t.facility_id = ${facilityId} and ${isHeld(db)} and t.user_id = any (${[...players]}::uuid[])
    order by starts, s.id`

const toUpcoming = ({ id, starts, ends, coach_name, resource_name }: SessionNews): SummaryUpcoming => ({
  sessionId: id,
  startAt: starts.toISOString(),
  endAt: ends.toISOString(),
  coachName: coach_name,
  resourceName: resource_name,
})

interface FeedbackNews {
  readonly player_id: string
  readonly id: string
  readonly coach_name: string
  readonly published_at: Date
  readonly skills_worked: readonly string[]
}

const feedbackOf = (db: Queryable, facilityId: string, players: readonly string[], { start, end }: WeekSpan) =>
  db<FeedbackNews[]>`
    select f.student_id as player_id, f.id, u.first_name || ' ' || u.last_name as coach_name, f.published_at, f.skills_worked
    from slotbase.feedback f join slotbase.users u on u.id = f.coach_id
    where f.facility_id = ${facilityId} and f.published_at >= ${start} and f.published_at < ${end}
      and f.student_id = any (${[...players]}::uuid[])
    order by f.published_at, f.id`

const toFeedbackNews = ({ id, coach_name, published_at, skills_worked }: FeedbackNews): SummaryFeedback => ({
  feedbackId: id,
  coachName: coach_name,
  publishedAt: published_at.toISOString(),
  skillsWorked: skills_worked,
})

interface SkillNews {
  readonly player_id: string
  readonly skill_id: string
  readonly skill_name: string
  readonly sport: string
  readonly before: number
  readonly level: number
  /** The latest first. */
  readonly history: readonly { readonly level: number; readonly at: string }[]
}

// An assessment after the week is left to the next summary, also where this one is made late.
const skillsOf = (db: Queryable, facilityId: string, players: readonly string[], { start, end }: WeekSpan) =>
  db<SkillNews[]>`
    with assessed as (
      select p.player_id, p.skill_id, min(p.number) as first, max(p.number) as last
      from slotbase.progress p
      where p.facility_id = ${facilityId} and p.assessed_at >= ${start} and p.assessed_at < ${end}
        and p.player_id = any (${[...players]}::uuid[])
      group by p.player_id, p.skill_id
    )
    select a.player_id, a.skill_id, l.skill_name, l.sport, f.previous_level::float8 as before, l.new_level::float8 as level,
           (select jsonb_agg(jsonb_build_object('level', h.new_level, 'at', slotbase.utc(h.assessed_at)) order by h.number desc)
            from (select number, new_level, assessed_at from slotbase.progress
                  where player_id = a.player_id and facility_id = ${facilityId} and skill_id = a.skill_id and number <= a.last
                  order by number desc limit ${mostLevels}) h) as history
    from assessed a
    join slotbase.progress f on f.player_id = a.player_id and f.facility_id = ${facilityId} and f.skill_id = a.skill_id and f.number = a.first
    join slotbase.progress l on l.player_id = a.player_id and l.facility_id = ${facilityId} and l.skill_id = a.skill_id and l.number = a.last
    order by a.player_id, a.skill_id`

const toSkill = ({ skill_id, skill_name, sport, before, level, history }: SkillNews): SummarySkill => ({
  ...{ skillId: skill_id, skillName: skill_name, sport, before, level },
  improvementPercent: improvementPercent(before, level),
  history: history.map(({ level, at }) => ({ level, assessedAt: at })).toReversed(),
})

const startOf = (sql: Queryable) => sql`coalesce(s.start_at, b.start_at)`

/** The sessions of two weeks with their students, from the bookings of that time. */
const sessionsBetween = (sql: Queryable, facilityId: string, start: string, end: string) => sql`
  from slotbase.bookings b
  join slotbase.coach_sessions s on s.booking_id = b.id and s.facility_id = b.facility_id
    and b.facility_id = ${facilityId} and b.start_at < ${end}
    and b.start_at >= ${start}::timestamptz - ${longestBlock}::text::interval
    and coalesce(s.start_at, b.start_at) >= ${start} and coalesce(s.start_at, b.start_at) < ${end}
  join slotbase.coach_session_students t on t.session_id = s.id and t.facility_id = s.facility_id`

const isHeld = (sql: Queryable) => sql`
  s.cancelled_at is null and b.status in ('confirmed', 'checked_in', 'completed')`
