// Handlers that work together in the tests of the pipeline: each writes a row per event, so an effect that is made
// twice is refused.

import { expect } from "bun:test"
import type { HandledEvent, OneByOneHandler, TransactionalHandler } from "#actors/handlers/handler.ts"
import { runHandlers } from "#actors/runs/run-handlers.ts"
import type { Actor } from "#actors/runtime/actor.ts"
import type { Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import type { EventType } from "#events/catalogue.ts"
import { actorProcess, dispatchAll, pipelineApp, recordMany, subscribe, unbalanced } from "./pipeline.ts"
import { drain, statusCounts } from "./runs.ts"

export const jointHandlers = ["FirstHandler", "MiddleHandler", "LastHandler"] as const

/** The handlers are subscribed, and have the tables that they write. */
export async function prepareJoint(db: Db): Promise<void> {
  await db`
    create table effects (
      handler text, position bigint, made_at timestamptz default clock_timestamp(), primary key (handler, position))`
  await db`create table slots (name text primary key, taken integer not null default 0)`
  await db`create table unique_later (one integer constraint once_only unique deferrable initially deferred)`
  await db`insert into slots (name) values ('A'), ('B')`
  for (const name of jointHandlers) await subscribe(db, name, "booking.confirmed")
}

/** The log is empty, and the handlers have caught up with it. */
export async function emptyJoint(db: Db): Promise<void> {
  await db`
    truncate effects, unique_later, slotbase.event_positions, slotbase.handler_queue, slotbase.handler_claims,
      slotbase.handler_cursors, slotbase.handler_batches, slotbase.handler_history, slotbase.joint_history,
      slotbase.dead_letters, slotbase.outbox, slotbase.events`
  await db`update slotbase.handlers set from_position = 1`
  await db`insert into slotbase.handler_cursors (handler, next) select unnest(${[...jointHandlers]}::text[]), 1`
}

export async function queueEvents(db: Db, count: number): Promise<void> {
  await recordMany(db, count)
  await dispatchAll(db)
}

/** Every handler has made its effect of every event, once, and the ledger is balanced. */
export async function eachOnce(db: Db, events: number): Promise<void> {
  const rows = await db<{ handler: string; effects: number }[]>`
    select handler, count(*) as effects from effects group by handler`
  expect(Object.fromEntries(rows.map(({ handler, effects }) => [handler, effects]))).toEqual(
    Object.fromEntries(jointHandlers.map((name) => [name, events])),
  )
  for (const name of jointHandlers) expect(await statusCounts(db, name)).toEqual({ success: events })
  expect(await unbalanced(db)).toHaveLength(0)
}

/** @param more what it does in the transaction before its effect; a text is the reason for which it skips the run. */
export const anEffect = (
  name: string,
  more: (tx: Tx, event: HandledEvent) => Promise<unknown> = async () => undefined,
  events: readonly EventType[] = ["booking.confirmed"],
): OneByOneHandler => ({
  kind: "transactional",
  name,
  events,
  async handle(tx, event) {
    const reason = await more(tx, event)
    await tx`insert into effects (handler, position) values (${name}, ${event.position})`
    return typeof reason === "string" ? { skipped: reason } : undefined
  },
})

export interface Group {
  /** What they do together. */
  readonly joint: Actor
  /** What each does by itself, in the same order. */
  readonly alone: readonly Actor[]
  /** All passes, until nothing is left. */
  readonly work: () => Promise<void>
}

/** The handlers of a process with this row, which have caught up with the log as it is. */
export async function aGroup(db: Db, owner: number, handlers: readonly TransactionalHandler[]): Promise<Group> {
  const [joint, ...alone] = runHandlers(pipelineApp(db), handlers, actorProcess(owner))
  if (joint === undefined) throw new Error("no joint actor")
  const catchUp = async () => {
    for (const actor of alone) await drain(actor)
  }
  await catchUp()
  return {
    joint,
    alone,
    work: async () => {
      await drain(joint)
      await catchUp()
    },
  }
}

/** What happens before each transaction, and after its commit, before the program knows of it. */
export const around = (on: Db, before: () => Promise<unknown>, after: () => void = () => {}): Db =>
  new Proxy(on, {
    get: (target, name) =>
      name !== "begin"
        ? Reflect.get(target, name)
        : async (work: Parameters<Db["begin"]>[0]) => {
            await before()
            const result = await target.begin(work)
            after()
            return result
          },
  })

export const afterEachCommit = (on: Db, then: () => void): Db => around(on, async () => {}, then)

/**
 * So many times, one more event comes before a transaction of handlers, and the transaction begins as late as events
 * are gathered.
 */
export function oneComes(on: Db, times = 1): () => Promise<void> {
  let left = times
  return async () => {
    if (left-- > 0) await queueEvents(on, 1)
    await on`select pg_sleep(0.025)`
  }
}

/** Ways in which a handler holds up a transaction, for longer than the others should wait. */
export const holdUps: Readonly<Record<string, (tx: Tx) => Promise<unknown>>> = {
  "waits for a lock for a second": (tx) => tx`update slots set taken = taken + 1 where name = 'A'`,
  sleeps: () => Bun.sleep(1_500),
  "sends a statement that takes long": (tx) => tx`select pg_sleep(1.5)`,
}

/** A session holds a lock for a second. Resolves when it has the lock, with the end of its transaction. */
export async function aLockHeld(db: Db): Promise<{ readonly ended: Promise<void> }> {
  const locked = Promise.withResolvers<void>()
  const ended = db.begin(async (tx) => {
    await tx`update slots set taken = taken + 1 where name = 'A'`
    locked.resolve()
    await Bun.sleep(1_000)
  })
  await locked.promise
  return { ended }
}
