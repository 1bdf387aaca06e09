// Steps for the tests of the dispatcher's low-water mark: draw numbers, pause inside a transaction, let a second pass.

import { expect } from "bun:test"
import type { Db, Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { newId } from "#base/ids.ts"
import { example } from "#events/example.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { pagesRead } from "./pages.ts"
import { dispatchBy, failure, sample, type WayToDispatch } from "./pipeline.ts"

/**
 * Transaction ids are shared by the whole server: a transaction of another test's database may hold the mark for a
 * while.
 */
export const withinQuiet = { withinMs: 20_000 }

export type OutboxFloor = Awaited<ReturnType<typeof outboxFloor>>

/** Also makes a table `aggregates`: a write to it gives a transaction an id before it draws a number. */
export async function outboxFloor(db: Db, way: WayToDispatch) {
  await db`create table if not exists aggregates (id uuid primary key, version integer not null)`

  const lastNumber = async () =>
    (await db<[{ last: number }]>`select coalesce(pg_sequence_last_value('slotbase.outbox_seq'), 0) as last`)[0].last

  /** The state in which every number drawn so far has a position or is known to be rolled back. */
  const fromHere = async () => db`
    update slotbase.outbox_floor
    set floor = ${await lastNumber()}, candidate_seq = ${await lastNumber()}, floor_position = 0, candidate_position = 0, noted_at = '-infinity'`

  const known = async () =>
    (await db<[{ floor_position: number | null }]>`select floor_position from slotbase.outbox_floor`)[0].floor_position

  /** The state of a new database. */
  async function reset(): Promise<void> {
    await db`truncate aggregates, slotbase.events, slotbase.outbox, slotbase.event_positions`
    await db`
      update slotbase.outbox_floor set floor = 0, candidate_seq = 0, candidate_xid = '0', noted_at = '-infinity', floor_position = null, candidate_position = null,
        writers = null, watched_at = null`
  }

  /** Draws a number and rolls back, so the number never gets an event. */
  const rollBack = () =>
    failure(
      db.begin(async (tx) => {
        await insertByHand(tx, newId())
        throw new Error("rolled back")
      }),
    )

  /**
   * Dispatches this many times, each as if a second had passed since the last; returns the number of dispatched events.
   */
  async function passes(count: number): Promise<number> {
    let sum = 0
    for (let pass = 0; pass < count; pass++) {
      await db`update slotbase.outbox_floor set noted_at = '-infinity', watched_at = '-infinity'`
      sum += (await dispatchOnce(500)).dispatched
    }
    return sum
  }

  const dispatchOnce = (batch: number, on: Queryable = db) => dispatchBy(way, on, batch)

  const floorRisen = () =>
    eventually(async () => {
      await passes(1)
      const [row] = await db<[{ risen: boolean }]>`
        select floor = (select last_value from slotbase.outbox_seq) as risen from slotbase.outbox_floor`
      expect(row.risen).toBe(true)
    }, withinQuiet)

  async function floor() {
    const [row] = await db<
      [{ floor: number; candidate_seq: number }]
    >`select floor, candidate_seq from slotbase.outbox_floor`
    return { ...row }
  }

  return {
    lastNumber,
    fromHere,
    known,
    reset,
    insertByHand,
    rollBack,
    passes,
    dispatchOnce,
    floorRisen,
    floor,
    pagesRead: (statement: string) => pagesRead(db, statement),
  }
}

/** Inserts an event by plain SQL, without the program. */
async function insertByHand(tx: Tx, id: string): Promise<void> {
  const { data } = sample("booking.confirmed")
  await tx`
    insert into slotbase.events (id, facility_id, type, version, timestamp, occurred_at, source, correlation_id,
      aggregate_type, aggregate_id, data, metadata)
    values (${id}, ${example.facilityId}, 'booking.confirmed', '1.0', slotbase.now(), slotbase.now(), 'test', ${id},
      'booking', ${id}, ${tx.json(data as never)}, '{"environment":"development"}')`
  await tx`insert into slotbase.outbox (event_id, facility_id, type) values (${id}, ${example.facilityId}, 'booking.confirmed')`
}

/** A pause inside an open transaction: `reached` resolves when the work stops there, and `open` lets it continue. */
export function gate() {
  const [reached, opened] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  return {
    stop: () => {
      reached.resolve()
      return opened.promise
    },
    reached: reached.promise,
    open: () => opened.resolve(),
  }
}
