/**
 * The ids for a newcomer's first commands: the clubs, and of the oldest club a court and a member to book for. Reads
 * only. A person is named in development only, because the answer is printed.
 */
import type { Config } from "#base/config.ts"
import type { Queryable } from "#base/database/db.ts"
import { platformFacilityId, rootUserId } from "#base/ids.ts"

export interface FirstClub {
  /** The oldest first, at most `shownClubs`. */
  readonly clubs: readonly Named[]
  readonly furtherClubs: number
  readonly court: Named | undefined
  readonly member: (Named & { readonly email: string }) | undefined
  /** The start of an hour of tomorrow to book the court for; the hour is free, unless all offered hours are taken. */
  readonly hour: Date
  /** How the root key begins, or "SLOTBASE_ROOT_KEY" when that variable set it. */
  readonly keyHint: string
}

interface Named {
  readonly id: string
  readonly name: string
}

const shownClubs = 5
/** Hours of tomorrow, UTC. The README books at 8, 9 and 11 o'clock. */
const offeredHours = [10, 12, 13, 14, 15, 16, 17]

export async function findFirstClub(db: Queryable, config: Pick<Config, "environment">): Promise<FirstClub> {
  const clubs = await db<(Named & { count: number })[]>`
    select id, name, count(*) over () as count from slotbase.facilities
    where id <> ${platformFacilityId} order by id limit ${shownClubs}`
  const [key] = await db<{ hint: string }[]>`select key_hint as hint from slotbase.api_keys where id = ${rootUserId}`
  const first = clubs[0]?.id ?? null
  const isShown = config.environment === "development"
  const [court] = await db<Named[]>`
    select id, name from slotbase.resources where facility_id = ${first} and ${isShown} order by id limit 1`
  const [member] = await db<(Named & { email: string })[]>`
    select u.id, concat_ws(' ', u.first_name, u.last_name) as name, u.email
    from slotbase.role_grants g join slotbase.users u on u.id = g.user_id
    where g.scope_id = ${first} and u.email is not null and ${isShown}
    group by u.id having bool_and(g.role = 'player') order by u.id limit 1`
  const [{ hour }] = await db<[{ hour: Date }]>`
    select t.hour from unnest(${offeredHours}::integer[]) h
    cross join lateral (
      select (date_trunc('day', slotbase.now() at time zone 'UTC') + interval '1 day' + make_interval(hours => h))
             at time zone 'UTC' as hour) t
    order by exists (
      select from slotbase.occupancies o
      where o.resource_id = ${court?.id ?? null} and o.during && tstzrange(t.hour, t.hour + interval '1 hour')), t.hour
    limit 1`
  return {
    clubs: clubs.map(({ id, name }) => ({ id, name })),
    furtherClubs: (clubs[0]?.count ?? 0) - clubs.length,
    court,
    member,
    hour,
    keyHint: key?.hint ?? "SLOTBASE_ROOT_KEY",
  }
}
