/**
 * Events whose messages wait to be written, because many came at once in their facility. They are taken out in their
 * order, a part at a time, in turn over the facilities. A part is claimed first. Then it is written in the transaction
 * that takes it out.
 * Writes: message_backlog.
 */
import type { Db, Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"

/** Of these facilities, those that have a backlog. Their further events wait behind it. */
export async function withBacklog(tx: Tx, facilities: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await tx<{ facility_id: string }[]>`
    select f.facility_id from unnest(${[...facilities]}::uuid[]) as f (facility_id)
    where exists (select from slotbase.message_backlog b where b.facility_id = f.facility_id)`
  return new Set(rows.map((row) => row.facility_id))
}

/** Puts events at the end of the backlogs of their facilities. */
export async function keepForLater(
  tx: Tx,
  events: readonly { readonly id: string; readonly facility_id: string }[],
): Promise<void> {
  if (events.length === 0) return
  await tx`
    insert into slotbase.message_backlog (facility_id, event_id)
    select facility_id, id
    from unnest(${events.map((each) => each.facility_id)}::uuid[], ${events.map(({ id }) => id)}::uuid[]) with ordinality as e (facility_id, id, nth)
    order by nth`
}

/** Turns of an event with others. When none of them came to its end, the next ones are by itself. */
const turnsTogether = 2

export interface NextBacklog {
  readonly facility_id: string
  /** Its next event has begun turns that never ended, and has its next one by itself. */
  readonly suspect: boolean
}

/** The next facility with a backlog, from the one after `after` on; undefined: there is none at all. */
export async function nextBacklog(db: Queryable, after: string): Promise<NextBacklog | undefined> {
  const [row] = await db<NextBacklog[]>`
    with next as materialized (
      select coalesce(
        (select facility_id from slotbase.message_backlog where facility_id > ${after} order by facility_id limit 1),
        (select facility_id from slotbase.message_backlog order by facility_id limit 1)) as facility_id
    )
    select n.facility_id, b.turns >= ${turnsTogether} as suspect
    from next n
    cross join lateral (
      select turns from slotbase.message_backlog where facility_id = n.facility_id order by seq limit 1
    ) b`
  return row
}

/** The turn of a facility: the places of its events, and how many turns the first of them has begun. */
export interface BacklogTurn {
  readonly places: readonly number[]
  readonly turns: number
}

/**
 * Claims the next events of a facility, in a transaction of its own, so that a turn that ends its process is counted.
 * Undefined, when another living process has its turn there: two at once would write the messages of a booking in the
 * wrong order.
 */
export async function claimBacklog(
  db: Db,
  facilityId: string,
  owner: number,
  atMost: number,
): Promise<BacklogTurn | undefined> {
  const rows = await db.begin(async (tx) => {
    const [mine] = await tx<[{ mine: boolean }]>`
      select pg_try_advisory_xact_lock(hashtext('slotbase backlog'), hashtext(${facilityId})) as mine`
    if (!mine.mine) return []
    return tx<{ seq: number; turns: number }[]>`
      with next as materialized (
        select seq, turns, owner, row_number() over (order by seq) as nth from (
          select * from slotbase.message_backlog where facility_id = ${facilityId} order by seq limit ${atMost}) b
      ), mine as (
        select n.seq from next n
        where not exists (
            select from next o join slotbase.processes p on p.id = o.owner
            where o.owner <> ${owner} and p.alive_until > clock_timestamp())
          -- Up to the first that must have a turn by itself; that one too, if it is the next.
          and (n.nth = 1 or not exists (select from next f where f.nth <= n.nth and f.turns >= ${turnsTogether}))
      )
      update slotbase.message_backlog b set owner = ${owner}, turns = b.turns + 1
      from mine m where b.facility_id = ${facilityId} and b.seq = m.seq
      returning b.seq, b.turns`
  })
  const first = rows.toSorted((a, b) => a.seq - b.seq)[0]
  return first && { places: rows.map(({ seq }) => seq), turns: first.turns }
}

/** Takes out the events of a turn. None, when the turn has gone to another process. */
export async function takeFromBacklog(
  tx: Tx,
  facilityId: string,
  owner: number,
  { places }: BacklogTurn,
): Promise<readonly string[]> {
  const rows = await tx<{ event_id: string; seq: number }[]>`
    delete from slotbase.message_backlog
    where facility_id = ${facilityId} and seq = any (${[...places]}::bigint[]) and owner = ${owner}
    returning event_id, seq`
  return rows.toSorted((a, b) => a.seq - b.seq).map((row) => row.event_id)
}
