// Checks the promises when all work is done: the promises as SQL, and the order of commits against the positions. The
// answers that customers got are compared with the tables. Each request and mail that arrived must have its attempt.

import type { Db, Queryable } from "#base/database/db.ts"
import { type Broken, brokenPromises } from "#test/harness/promises/broken-promises.ts"
import type { ReceivedRequest } from "./receivers.ts"
import type { Status } from "./visits.ts"

/** Everything seen from outside since the last check. */
export interface Outside {
  /** Each booking, with the last status that an answer gave it. */
  readonly told: ReadonlyMap<string, Status>
  /** Bookings answered since the start. */
  readonly booked: number
  readonly requests: readonly ReceivedRequest[]
  /** The message of each mail that arrived; a mail that came twice is listed twice. */
  readonly mails: readonly string[]
  /** Attempts and messages that had arrived before the last check. */
  readonly earlier: ReadonlySet<string>
}

/** The message in a Message-ID. */
export const idOfMail = (messageId: string): string => /^<([0-9a-f-]{36})@/.exec(messageId)?.[1] ?? messageId

export interface Found {
  readonly broken: readonly Broken[]
  /** Rows that break P1, P2 or P5: something is missing. */
  readonly lost: number
  /** Rows that break P3 or P4: something was not done or sent exactly as often as it should be. */
  readonly doubled: number
  /** Requests and mails that arrived again, each explained by an attempt that failed or whose outcome is unknown. */
  readonly explained: number
  /** The log is checked up to this position. */
  readonly position: number
}

/** @param upTo the work of events up to this position was done before anything outside was looked at. */
export async function check(db: Db, outside: Outside, after: number, upTo: number): Promise<Found> {
  const [head] = await db<[{ position: number }]>`
    select least(${upTo}::bigint, coalesce(max(position), 0)) as position from slotbase.event_positions`
  // Autovacuum would do this within a minute. With plans for the former table sizes, one query took two minutes.
  await db`analyze slotbase.events, slotbase.event_positions, slotbase.handler_history, slotbase.notifications, slotbase.bookings`
  const broken = [...(await brokenPromises(db, after))]
  const add = (promise: string, what: string, rows: readonly Record<string, unknown>[]) => {
    if (rows.length > 0) broken.push({ promise, what, count: rows.length, rows: rows.slice(0, 5) })
  }
  add("P7", "an aggregate whose positions are not in the order of its commits", await outOfCommitOrder(db, after))
  add("P1", "a booking that is not as the customer was told", await untrue(db, outside.told))
  add("P1", "more or fewer bookings than were answered", await miscounted(db, outside.booked))
  const requests = await requestsAgainstAttempts(db, outside.requests, { after, upTo, earlier: outside.earlier })
  for (const [what, rows] of Object.entries(requests.wrong)) add("P4", what, rows)
  const mails = await mailsAgainstMessages(db, outside.mails, { after, upTo, earlier: outside.earlier })
  for (const [what, rows] of Object.entries(mails.wrong)) add("P4", what, rows)
  const nothing = { broken: [], lost: 0, doubled: 0 }
  return withBroken({ ...nothing, explained: requests.explained + mails.explained, position: head.position }, broken)
}

/** With more broken promises, and their counts. */
export function withBroken(found: Found, more: readonly Broken[]): Found {
  const broken = [...found.broken, ...more]
  const sum = (...promises: string[]) =>
    broken.filter(({ promise }) => promises.includes(promise)).reduce((all, { count }) => all + count, 0)
  return { ...found, broken, lost: sum("P1", "P2", "P5"), doubled: sum("P3", "P4") }
}

export const outOfCommitOrder = (db: Queryable, after: number) => db`
  select * from (
    select p.position, e.aggregate_id, e.type, pg_xact_commit_timestamp(e.xmin) as committed,
           lag(pg_xact_commit_timestamp(e.xmin)) over (partition by e.aggregate_id order by p.position) as before
    from slotbase.event_positions p join slotbase.events e on e.id = p.event_id and e.facility_id = p.facility_id
    where p.position > ${after}
  ) o where before > committed`

export const untrue = (db: Queryable, told: ReadonlyMap<string, Status>) => db`
  select t.id, t.status as told, b.status
  from unnest(${[...told.keys()]}::uuid[], ${[...told.values()]}::text[]) t (id, status)
  left join slotbase.bookings b on b.id = t.id
  where b.id is null or b.status <> t.status and not (t.status = 'held' and b.status = 'expired')`

export const miscounted = (db: Queryable, booked: number) => db`
  select count(*) as bookings, ${booked}::bigint as answered from slotbase.bookings having count(*) <> ${booked}::bigint`

/** What must have arrived: that of the events after one position and up to another, unless it came earlier. */
export interface Span {
  readonly after: number
  readonly upTo: number
  readonly earlier: ReadonlySet<string>
}

interface Compared {
  readonly wrong: Readonly<Record<string, readonly Record<string, unknown>[]>>
  readonly explained: number
}

const neverArrived = { delivery: "a delivery that never arrived", mail: "a mail that never arrived" } as const

/**
 * Every request carries its attempt, so exactly one row accounts for each request. An attempt that was answered with
 * 200 has delivered, or its outcome is unknown. Only an attempt that failed or is unknown explains another request.
 */
export async function requestsAgainstAttempts(
  db: Queryable,
  requests: readonly ReceivedRequest[],
  { after, upTo, earlier }: Span,
): Promise<Compared> {
  const arrived = db`
    select attempt, event, bool_or(answered) as answered, count(*)
    from unnest(${requests.map(({ attempt }) => attempt)}::uuid[], ${requests.map(({ event }) => event)}::uuid[],
      ${requests.map(({ answered }) => String(answered))}::text[]::boolean[]) r (attempt, event, answered) group by attempt, event`
  const all = await db<
    { wrong: string | null; id: string; event_id: string; attempt: number; outcome: string; count: number }[]
  >`
    with arrived as materialized (${arrived}), compared as (
      select r.event as event_id, r.attempt as id, a.attempt, a.outcome, r.count, r.answered
      from arrived r left join slotbase.webhook_attempts a on a.event_id = r.event and a.id = r.attempt
    )
    select id, event_id, attempt, outcome, count,
           case when attempt is null then 'a request without its attempt'
                when count > 1 then 'an attempt that was sent twice'
                when answered and outcome not in ('delivered', 'unknown') then 'a request that was answered with 200 and counts as failed'
           end as wrong
    from compared
    where attempt is null or count > 1 or outcome <> 'delivered'
    union all
    select a.id, a.event_id, a.attempt, a.outcome, 0, ${neverArrived.delivery}
    from slotbase.event_positions p join slotbase.webhook_attempts a on a.event_id = p.event_id
    where p.position > ${after} and p.position <= ${upTo} and a.outcome = 'delivered'
      and not exists (select from arrived r where r.attempt = a.id and r.event = a.event_id)`
  const rows = all.filter(({ wrong, id }) => wrong !== neverArrived.delivery || !earlier.has(id))
  return {
    wrong: Object.fromEntries(
      Map.groupBy(
        rows.filter(({ wrong }) => wrong !== null),
        ({ wrong }) => wrong ?? "",
      ),
    ),
    explained: rows.filter(({ wrong }) => wrong === null).length,
  }
}

/**
 * A repeated mail has the same Message-ID, and each send is counted before it begins. Only a send whose outcome is
 * unknown explains another mail. The mail server of the campaign accepts every mail, so no mail may be skipped.
 */
export async function mailsAgainstMessages(
  db: Queryable,
  mails: readonly string[],
  { after, upTo, earlier }: Span,
): Promise<Compared> {
  const arrived = db`select id, count(*) from unnest(${mails.map(idOfMail)}::uuid[]) m (id) group by id`
  const all = await db<{ wrong: string | null; id: string; count: number; attempts: number; unknown: number }[]>`
    with arrived as materialized (${arrived})
    select m.id, m.count, n.attempts, n.unknown_outcomes as unknown, n.status,
           case when n.id is null then 'a mail without its message'
                when m.count > n.attempts then 'a mail that was sent more often than its message says'
                when m.count > n.unknown_outcomes + 1 then 'a mail that came again although its delivery was known' end as wrong
    from arrived m left join slotbase.notifications n on n.id = m.id
    where n.id is null or m.count > 1
    union all
    select n.id, 0, n.attempts, n.unknown_outcomes, n.status, ${neverArrived.mail}
    from slotbase.event_positions p join slotbase.notifications n on n.event_id = p.event_id
    where p.position > ${after} and p.position <= ${upTo} and n.status = 'sent' and n.channel = 'email'
      and not exists (select from arrived m where m.id = n.id)
    union all
    select n.id, 0, n.attempts, n.unknown_outcomes, n.status, 'a mail that was skipped'
    from slotbase.event_positions p join slotbase.notifications n on n.event_id = p.event_id
    where p.position > ${after} and n.status in ('skipped', 'refused', 'failed') and n.channel = 'email'`
  const rows = all.filter(({ wrong, id }) => wrong !== neverArrived.mail || !earlier.has(id))
  return {
    wrong: Object.fromEntries(
      Map.groupBy(
        rows.filter(({ wrong }) => wrong !== null),
        ({ wrong }) => wrong ?? "",
      ),
    ),
    explained: rows.filter(({ wrong }) => wrong === null).reduce((sum, { count }) => sum + count - 1, 0),
  }
}
