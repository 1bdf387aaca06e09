/** Reads the log for the live part: positions with their events and the people of their bookings, in one statement. */
import type { Queryable } from "#base/database/db.ts"
import type { LiveChannel } from "./channels.ts"
import type { LogRow } from "./frames.ts"

/** Positions after one, up to another (included), or as far as the log goes. */
export interface LogRange {
  readonly after: number
  readonly upTo?: number
  /** Undefined: of all facilities. */
  readonly facilityId?: string | undefined
  /** Only events of this user's bookings, or of the user's notifications. Undefined: of everybody. */
  readonly ofUser?: Pick<LiveChannel, "pattern" | "id"> | undefined
}

/** A part of the log. */
export interface LogPage {
  /** The log's epoch at the moment of reading. */
  readonly epoch: string
  /** In the order of their positions. */
  readonly rows: readonly LogRow[]
}

export async function readLog(
  db: Queryable,
  { after, upTo, facilityId, ofUser }: LogRange,
  { limit, types }: { limit: number; types?: readonly string[] },
): Promise<LogPage> {
  // The outer join answers the epoch also when there are no rows.
  const rows = await db<({ epoch: string } & (LogRow | { position: null }))[]>`
    select one.epoch, p.position, p.event_id, p.facility_id, p.type, e.data, e.timestamp, f.timezone,
           coalesce((select y.longest_buffer_minutes from slotbase.booking_policies y where y.facility_id = f.id), 0) as longest_buffer,
           b.id as booking_id, b.booker_id,
           array(select user_id from slotbase.booking_participants
                 where booking_id = b.id and facility_id = b.facility_id order by user_id) as participant_ids,
           case when e.type in ('coach.block.approved', 'coach.block.rejected') then (
             select jsonb_build_object('resourceId', k.resource_id, 'startAt', slotbase.utc(k.start_at), 'endAt', slotbase.utc(k.end_at))
             from slotbase.coach_blocks c join slotbase.bookings k on k.id = c.booking_id and k.facility_id = c.facility_id
             where c.id = e.aggregate_id::uuid and c.facility_id = e.facility_id) end as stretch,
           case when e.type = 'notification.created' then (
             select jsonb_agg(jsonb_build_object('notificationId', n.id, 'userId', n.user_id, 'type', n.type, 'title', n.title,
                                                 'body', n.body, 'data', coalesce(n.data, '{}')) order by n.id)
             from slotbase.notifications n
             where n.event_id = e.aggregate_id::uuid and n.facility_id = e.facility_id and n.channel = 'in_app') end as notices
    from (select slotbase.log_epoch() as epoch offset 0) one
    left join (
      select position, event_id, facility_id, type from slotbase.event_positions
      where position > ${after}
        ${upTo === undefined ? db`` : db`and position <= ${upTo}`}
        ${facilityId === undefined ? db`` : db`and facility_id = ${facilityId}`}
        ${types === undefined ? db`` : db`and type = any (${types as string[]})`}
        ${ofUser === undefined ? db`` : db`and event_id = any (array(${eventsOfUser(db, ofUser)}))`}
      order by position limit ${limit}
    ) p on true
    left join slotbase.events e on e.id = p.event_id and e.facility_id = p.facility_id
    left join slotbase.facilities f on f.id = p.facility_id
    left join slotbase.bookings b
      on b.id = case when e.aggregate_type = 'booking' then e.aggregate_id::uuid end and b.facility_id = e.facility_id
    order by p.position`
  return {
    epoch: rows[0]?.epoch ?? "",
    rows: rows.filter((row): row is { epoch: string } & LogRow => row.position !== null),
  }
}

/**
 * The ids of the events of a user's bookings, or of the messages to the user. These are few, and found by indexes. To
 * look through the log for them would read the events of all people.
 */
const eventsOfUser = (db: Queryable, { pattern, id }: Pick<LiveChannel, "pattern" | "id">) => db`
  select e.id from slotbase.events e
  where e.aggregate_id = any (array(${
    pattern === "user:{userId}:bookings"
      ? db`select b.id::text from slotbase.bookings b where b.booker_id = ${id}
           union select p.booking_id::text from slotbase.booking_participants p where p.user_id = ${id}`
      : db`select distinct n.event_id::text from slotbase.notifications n
           where n.user_id = ${id} and n.channel = 'in_app'`
  }))`

/** The first position that is kept (0: there is none), and whether the event of the next position is kept. */
export async function firstOfLog(db: Queryable, after: number): Promise<{ first: number; isKept: boolean }> {
  const [row] = await db<[{ first: number; isKept: boolean }]>`
    select coalesce(min(position), 0) as first,
           coalesce((select e.id is not null
                     from slotbase.event_positions p
                     left join slotbase.events e on e.id = p.event_id and e.facility_id = p.facility_id
                     where p.position = ${after + 1}), true) as "isKept"
    from slotbase.event_positions`
  return row
}

/** The end of the log. */
export async function endOfLog(db: Queryable): Promise<{ readonly last: number; readonly epoch: string }> {
  const [row] = await db<[{ last: number; epoch: string }]>`
    select coalesce(max(position), 0) as last, (select slotbase.log_epoch()) as epoch from slotbase.event_positions`
  return row
}
