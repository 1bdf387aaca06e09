// A contestant of the pipeline benchmark: SlotBase, a peer, or the work alone. All get the same events, the same five
// handlers and the same webhook; how they process them is their own affair. Each works in processes of its own, on a
// fresh PostgreSQL.

import type postgres from "postgres"

export const handlerNames = Array.from({ length: 5 }, (_, n) => `BenchHandler${n + 1}`)

export interface Contestant {
  /** The name in the table. */
  readonly name: string
  /** Makes tables, queues and the webhook. Throws `LeftOut` when this machine lacks something that it needs. */
  readonly prepare: (environment: Environment) => Promise<Entry>
}

/** The database and the webhook that a contestant works with. */
export interface Environment {
  /** Connection string of its database. */
  readonly url: string
  /** A connection of the benchmark's own to that database. */
  readonly sql: postgres.Sql
  readonly hook: Hook
}

/** The address of the webhook's requests, and the secret that signs them. */
export interface Hook {
  readonly url: string
  readonly secret: string
}

/** A contestant that is prepared and can begin. */
export interface Entry {
  /** Its processes. Each prints "ready" at the moment when it begins to work. */
  readonly workers: readonly Worker[]
  /** The pid of a server besides PostgreSQL, whose CPU counts too. */
  readonly serverPid?: number
  /** Opens a recorder of events. */
  readonly recorder: () => Promise<Recorder>
  /** Counts the webhook requests whose answer of 2xx is recorded in its database. */
  readonly outcomes: () => Promise<Progress>
  readonly stop: () => Promise<void>
}

/** How a process is started: a file of this folder, its arguments, and variables of its environment. */
export interface Worker {
  readonly file: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export interface Recorder {
  /** Commits `count` events in one transaction, each with the domain row that it announces. */
  readonly record: (count: number) => Promise<void>
  readonly end: () => Promise<void>
}

export interface Progress {
  readonly count: number
  /** The server's instant of the last commit, milliseconds since 1970. */
  readonly lastAt: number
}

/** This machine lacks something that a contestant needs; the message names it in one sentence. */
export class LeftOut extends Error {
  readonly _tag = "LeftOut"
}

/**
 * The tables that every contestant writes. `bookings` is the domain change, committed together with its event.
 * `effects` are the rows of the handlers.
 */
export const createTables = (sql: postgres.Sql) => sql`
  create schema slotbase_bench
    create table bookings (event_id uuid primary key, note text not null)
    create table effects (handler text, event_id uuid, primary key (handler, event_id))`
