/**
 * What the platform's administrators are told about the whole of SlotBase. Mail or texts are held, runs of handlers
 * were given up, or passes of actors or scheduled jobs failed at every attempt. The state of each trouble is a row of
 * platform_health. Change and event commit together, so each stage is told once, however many processes look and
 * whenever one crashes.
 * Writes: platform_health.
 */
import type { Tx } from "#base/database/transaction.ts"
import { record } from "#events/outbox.ts"
import type { platformStages, platformTroubles } from "#events/types/platform.ts"

/** Something that the administrators were told. */
export interface PlatformTold {
  readonly trouble: (typeof platformTroubles)[number]
  readonly what: "failing" | "recovered"
  readonly stage?: (typeof platformStages)[number]
  readonly count: number
  readonly detail: string
}

interface TroubleRow {
  readonly id: string
  readonly trouble: PlatformTold["trouble"]
  readonly since: Date
  readonly stage: number
  readonly told_at: Date | null
  /** At most `countAtMost` + 1. */
  readonly count: number
  readonly detail: string
  readonly now: Date
}

/** Counting a million rows would take longer than telling about them. */
const countAtMost = 10_000

/** Notes the troubles of now. When the first of what was open is settled, the stages of the rest begin anew. */
export async function noteTroubles(tx: Tx): Promise<void> {
  await tx`
    insert into slotbase.platform_health as h (trouble, since, count, detail)
    select t.trouble, t.since, t.count, t.detail from (${troubles(tx)}) t order by t.trouble
    on conflict (trouble) do update
    set since = excluded.since, count = excluded.count, detail = excluded.detail,
        stage = case when excluded.since > h.since then 0 else h.stage end
    where (h.since, h.count, h.detail) is distinct from (excluded.since, excluded.count, excluded.detail)`
}

/** Tells of each trouble whose next stage has come, and of those that have lasted for days once a day. */
export async function tellTroubles(tx: Tx): Promise<readonly PlatformTold[]> {
  const rows = await tx<TroubleRow[]>`
    with t as materialized (select slotbase.now() as now), due as materialized (
      select h.trouble, t.now, s.reached
      from t
      cross join slotbase.platform_health h
      cross join lateral (
        select case when h.since <= t.now - interval '1 day' then 3 when h.since <= t.now - interval '1 hour' then 2
                    when h.since <= t.now - interval '15 minutes' then 1 else 0 end as reached
      ) s
      where s.reached > h.stage or h.stage = 3 and h.told_at <= t.now - interval '1 day'
      order by h.trouble
      for update of h skip locked
    )
    update slotbase.platform_health h set stage = d.reached, told_at = d.now
    from due d where h.trouble = d.trouble
    returning h.*, d.now`
  return rows.map(({ id, trouble, since, stage: reached, count, detail }) => {
    const stage = stages[reached] ?? "one_day"
    const counted = { count: Math.min(count, countAtMost), countAtLeast: count > countAtMost }
    const about = { troubleId: id, trouble, since: since.toISOString(), detail }
    record(tx, { type: "platform.failing", data: { ...about, stage, ...counted } })
    return { trouble, what: "failing", stage, count, detail }
  })
}

/** Ends what is over, and gives the all-clear where somebody was told. */
export async function tellTroublesOver(tx: Tx): Promise<readonly PlatformTold[]> {
  const rows = await tx<TroubleRow[]>`
    delete from slotbase.platform_health h
    where h.trouble not in (select t.trouble from (${troubles(tx)}) t)
    returning h.*, slotbase.now() as now`
  return rows
    .filter(({ told_at }) => told_at !== null)
    .map(({ id, trouble, since, count, detail, now }) => {
      const times = { since: since.toISOString(), recoveredAt: now.toISOString() }
      record(tx, { type: "platform.recovered", data: { troubleId: id, trouble, detail, ...times } })
      return { trouble, what: "recovered", count, detail }
    })
}

const stages = [undefined, "fifteen_minutes", "one_hour", "one_day"] as const

/** Each has an index of its own, which holds nothing but what is open. */
const troubles = (tx: Tx) => tx`
  select case s.channel when 'email' then 'mail_held' else 'texts_held' end as trouble,
         s.failing_since as since, coalesce(nullif(s.last_answer, ''), 'no answer') as detail,
         (select count(*) from (select from slotbase.notifications n
                                where n.deferred_since is not null and n.status = 'deferred' and n.channel = s.channel
                                limit ${countAtMost + 1}) n)::integer as count
  from slotbase.mail_service s where s.channel in ('email', 'sms') and s.failing_since is not null
  union all
  select 'dead_letters', min(l.created_at), left((array_agg(l.error order by l.created_at desc))[1], 500), count(*)::integer
  from (select d.created_at, d.handler || ': ' || coalesce(d.errors -> -1 -> 'error' ->> 'message', 'no error is known') as error
        from slotbase.dead_letters d where d.handler is not null and d.resolved_at is null
        order by d.created_at limit ${countAtMost + 1}) l
  having count(*) > 0
  union all
  select 'dead_passes', min(p.noted_at), left((array_agg(p.actor || ': ' || p.error order by p.noted_at desc))[1], 500), count(*)::integer
  from (select * from slotbase.dead_passes where recovered_at is null limit ${countAtMost + 1}) p
  having count(*) > 0
  union all
  select 'failing_jobs', min(s.failing_since), left((array_agg(s.job || ': ' || s.last_error order by s.failing_since desc))[1], 500), count(*)::integer
  from (select * from slotbase.job_schedules where failing_since is not null order by failing_since limit ${countAtMost + 1}) s
  having count(*) > 0`
