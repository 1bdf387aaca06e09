/** The people whom messages are for: how they can be reached, and what they have chosen. One question for all. */
import type { Queryable } from "#base/database/db.ts"
import type { Choice } from "./rows.ts"

export interface Reader extends Choice {
  /** Has an account, and so sees messages inside the program. */
  readonly signsIn: boolean
  /** The verified number, in E.164. */
  readonly phone: string | null
  /** The ids of the browsers that are subscribed. */
  readonly browsers: readonly string[]
}

/** Whoever is no user is not in it. */
export async function findReaders(db: Queryable, userIds: readonly string[]): Promise<ReadonlyMap<string, Reader>> {
  const ids = [...new Set(userIds)]
  if (ids.length === 0) return new Map()
  const rows = await db<({ id: string } & Reader)[]>`
    select u.id, u.timezone, u.password_hash is not null as "signsIn",
           (select number from slotbase.phones p where p.user_id = u.id) as phone,
           array(select b.id from slotbase.push_subscriptions b where b.user_id = u.id order by b.created_at, b.id) as browsers,
           (select coalesce(jsonb_agg(jsonb_build_object('type', s.type, 'channel', s.channel, 'enabled', s.enabled)
                                      order by s.type, s.channel), '[]')
            from slotbase.message_switches s where s.user_id = u.id) as switches,
           (select jsonb_build_object('start', q.start_time, 'end', q.end_time, 'channels', q.channels)
            from slotbase.quiet_hours q where q.user_id = u.id) as "quietHours"
    from slotbase.users u
    where u.id = any (${ids}::uuid[])`
  return new Map(rows.map(({ id, ...reader }) => [id, reader]))
}
