// What the pipeline benchmark asks of everyone who takes part in it: the same events, the same five handlers, the same
// webhook; how they get there is theirs. Each works in processes of its own, on a fresh PostgreSQL of its own.

import type postgres from "postgres"

export const handlerNames = Array.from({ length: 5 }, (_, n) => `BenchHandler${n + 1}`)

export interface Contestant {
  /** As the table shows it. */
  readonly name: string
  /** Makes tables, queues and the webhook. Throws `LeftOut` when something it needs cannot be had here. */
  readonly prepare: (environment: Environment) => Promise<Entry>
}

/** Where a contestant works. */
export interface Environment {
  /** Connection string of its database. */
  readonly url: string
  /** A connection of the benchmark's own to that database. */
  readonly sql: postgres.Sql
  readonly hook: Hook
}

/** Where the webhook's requests go, and the secret that signs them. */
export interface Hook {
  readonly url: string
  readonly secret: string
}

/** A contestant that is ready to begin. */
export interface Entry {
  /** Its processes: the file in this folder, and what it is told. Each prints "ready" at the moment it begins to work. */
  readonly workers: readonly Worker[]
  /** A server besides PostgreSQL whose CPU counts. */
  readonly serverPid?: number
  /** Opens what it needs to record events. */
  readonly recorder: () => Promise<Recorder>
  /** Webhook requests whose answer of 2xx is recorded in its database, and the server's instant of the last commit, in ms. */
  readonly outcomes: () => Promise<Progress>
  readonly stop: () => Promise<void>
}

export interface Worker {
  readonly file: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export interface Recorder {
  /** Commits so many events in one transaction, each with the domain row that it announces. */
  readonly record: (count: number) => Promise<void>
  readonly end: () => Promise<void>
}

export interface Progress {
  readonly count: number
  readonly lastAt: number
}

/** Something that a contestant needs cannot be had on this machine; the message is one sentence that says what. */
export class LeftOut extends Error {
  readonly _tag = "LeftOut"
}

/**
 * The tables that all of them write: `bookings` is the domain change, whose commit is the event's; `effects` is what the
 * handlers do.
 */
export const createTables = (sql: postgres.Sql) => sql`
  create schema slotbase_bench
    create table bookings (event_id uuid primary key, note text not null)
    create table effects (handler text, event_id uuid, primary key (handler, event_id))`
