/**
 * Reads the log: the feed of events by position, one event, and the history of one event (the spec's EventLog).
 * A reader that continues after its last position never misses an event, however late the event's transaction
 * committed.
 * The reason is that positions are assigned after the commit, in one dense order. Reads only.
 */
import type { Queryable } from "#base/database/db.ts"
import { NotFound, WrongState } from "#base/errors.ts"
import { platformFacilityId } from "#base/ids.ts"
import { type DomainEvent, type EventRow, toDomainEvent } from "#events/envelope.ts"
import { isOfOtherLog } from "#events/log-place.ts"

/**
 * An event with its position in the log. The position is null until the event is dispatched, which takes milliseconds.
 */
export type LoggedEvent = DomainEvent & { readonly position: string | null }

export interface FeedPage {
  readonly data: readonly LoggedEvent[]
  /** There is, or may be, more to read at once: continue after this position. Null at the end of the log. */
  readonly next: string | null
  /** The log has been read up to here. A polling reader continues after this position, with or without new events. */
  readonly position: string
  /** The log of the positions: another after a restore, when positions repeat. */
  readonly epoch: string
}

export interface FeedQuery {
  /** Undefined: the events of all facilities, and of none. */
  readonly facilityId?: string | undefined
  /** Undefined: all types. */
  readonly types?: readonly string[] | undefined
  readonly after: number
  /** The log in which `after` counts; undefined: the present one. */
  readonly epoch?: string | undefined
  /** Refuses a position behind which events are missing, in place of going on with those that are kept. */
  readonly whole?: true
  readonly limit: number
}

/**
 * The events after a position, in order.
 * @throws WrongState `resync`: with `whole`, the position is of another log, or no longer kept
 */
export async function readFeed(db: Queryable, query: FeedQuery): Promise<FeedPage> {
  const { facilityId, types, after, limit } = query
  const reach = types === undefined ? limit : Math.max(limit, filteredReach)
  // One statement, so that the end of the log is of the same moment as the events. Without events the result is one
  // row.
  const rows = await db<(FeedEnds & (LogEventRow | NoEvent))[]>`
    with looked as materialized (
      select position, event_id, facility_id, type from slotbase.event_positions
      where position > ${after} ${facilityId === undefined ? db`` : db`and facility_id = ${facilityId}`}
      order by position limit ${reach}
    ), wanted as (
      select position, event_id, facility_id from looked
      ${types === undefined ? db`` : db`where type = any (${types as string[]})`}
      order by position limit ${limit}
    )
    select ends.*, w.position, e.*
    from (select (select count(*) from looked) as looked, (select max(position) from looked) as last_looked,
                 (select count(*) from wanted) as wanted, (select max(position) from wanted) as last_wanted,
                 (select max(position) from slotbase.event_positions) as head,
                 (select min(position) from slotbase.event_positions) as first, slotbase.log_epoch() as epoch) ends
    left join (wanted w join slotbase.events e on e.id = w.event_id and e.facility_id = w.facility_id) on true
    order by w.position`
  const [ends] = rows
  if (ends && query.whole) requireWhole(query, ends)
  const events = rows.filter((row): row is FeedEnds & LogEventRow => row.position !== null)
  const full = ends?.wanted === limit
  const more = full || ends?.looked === reach
  const reached = full ? ends?.last_wanted : more ? ends?.last_looked : ends?.head
  const position = String(reached ?? 0)
  return {
    data: events.map((row) => logged(row, row.position)),
    next: more ? position : null,
    position,
    epoch: ends?.epoch ?? "",
  }
}

/** Position 0 is the beginning of what is kept. A position beyond the log is one of a log before a restore. */
function requireWhole({ after, epoch }: FeedQuery, { first, head, epoch: present }: FeedEnds): void {
  const isOther = isOfOtherLog({ position: after, epoch }, present) || after > (head ?? 0)
  const isGone = after > 0 && first !== null && after + 1 < first
  if (isOther)
    throw new WrongState("resync", "The position is of another log: read from the beginning, without `after`.")
  if (isGone)
    throw new WrongState("resync", "Events after this position are no longer kept: read from the beginning again.")
}

/** One event of a facility; without a facility, any event. */
export async function readEvent(db: Queryable, eventId: string, facilityId?: string): Promise<LoggedEvent> {
  const [row] = await db<(EventRow & { readonly position: number | null })[]>`
    select e.*, p.position
    from slotbase.events e
    left join slotbase.event_positions p on p.event_id = e.id
    where e.id = ${eventId} ${facilityId === undefined ? db`` : db`and e.facility_id = ${facilityId}`}`
  if (!row) throw new NotFound("event", eventId)
  return logged(row, row.position)
}

/** The spec's EventLog. Unfinished runs and deliveries are pending, running or retrying in it. */
export interface EventLog {
  readonly eventId: string
  readonly eventType: string
  readonly timestamp: string
  readonly facilityId?: string
  readonly userId?: string
  readonly position: string | null
  readonly handlers: readonly {
    readonly name: string
    readonly status: "success" | "failed" | "skipped" | "pending" | "running" | "retrying"
    /** Milliseconds; 0 until it has ended. */
    readonly duration: number
    readonly error?: string
  }[]
  readonly webhooks: readonly {
    readonly webhookId: string
    readonly deliveryId: string
    readonly status: string
    /** Milliseconds, of the last attempt. */
    readonly duration?: number
  }[]
}

/** The history of an event: every handler's run and every webhook's delivery. */
export async function readEventLog(db: Queryable, eventId: string, facilityId?: string): Promise<EventLog> {
  const [row] = await db<LogRow[]>`
    select * from slotbase.event_log
    where event_id = ${eventId} ${facilityId === undefined ? db`` : db`and facility_id = ${facilityId}`}`
  if (!row) throw new NotFound("event", eventId)
  return {
    eventId: row.event_id,
    eventType: row.event_type,
    timestamp: row.timestamp.toISOString(),
    ...(row.facility_id !== platformFacilityId && { facilityId: row.facility_id }),
    ...(row.user_id !== null && { userId: row.user_id }),
    position: row.position === null ? null : String(row.position),
    handlers: row.handlers.map(({ name, status, duration, error }) => ({
      name,
      status: status === "dead_letter" ? "failed" : status,
      duration: duration ?? 0,
      ...(error !== undefined && { error }),
    })),
    webhooks: row.webhooks,
  }
}

/**
 * The positions that one page with a filter reads at most, so that a rare type costs no long scan. The next page
 * continues.
 */
const filteredReach = 10_000

interface FeedEnds {
  readonly looked: number
  readonly last_looked: number | null
  readonly wanted: number
  readonly last_wanted: number | null
  readonly head: number | null
  readonly first: number | null
  readonly epoch: string
}
type LogEventRow = EventRow & { readonly position: number }
type NoEvent = { readonly position: null }

interface LogRow {
  readonly event_id: string
  readonly event_type: string
  readonly timestamp: Date
  readonly facility_id: string
  readonly user_id: string | null
  readonly position: number | null
  readonly handlers: readonly {
    name: string
    status: Exclude<EventLog["handlers"][number]["status"], "failed"> | "dead_letter"
    duration?: number
    error?: string
  }[]
  readonly webhooks: EventLog["webhooks"]
}

const logged = (row: EventRow, position: number | null): LoggedEvent => ({
  ...toDomainEvent(row),
  position: position === null ? null : String(position),
})
