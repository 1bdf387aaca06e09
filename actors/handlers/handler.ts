/**
 * A handler reacts to events. A `transactional` handler works in the transaction that also settles its run: its
 * database effects happen exactly once. An `external` handler talks to the outside, without a transaction and under an
 * idempotency key. Its effects happen at least once, and a crash during a run leaves an unknown outcome. A run has
 * three outcomes: it returns (done, or skipped with a reason), it throws (retry), or it throws `GiveUp` (dead letter).
 */
import type { Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import type { EventType } from "#events/catalogue.ts"
import type { EventRow } from "#events/envelope.ts"
import type { HandlerRetry } from "#hooks/extension.ts"

/** An event as a handler receives it: the row, with its position in the log. */
export interface HandledEvent extends EventRow {
  readonly position: number
  readonly aggregate_id: string
  readonly resource_id: string | null
}

/** Undefined: done. A run that had nothing to do states the reason. */
export type Outcome = undefined | { readonly skipped: string }

/** A retry cannot help: the run becomes a dead letter at once. */
export class GiveUp extends Error {
  readonly _tag = "GiveUp"
  constructor(
    message: string,
    readonly code = "gave_up",
  ) {
    super(message)
  }
}

/** Not now. The run is tried again after this time, and uses up no retry: the handler decides when to give up. */
export class TryLater extends Error {
  readonly _tag = "TryLater"
  constructor(
    message: string,
    readonly retryAfterMs: number,
    readonly code = "try_later",
  ) {
    super(message)
  }
}

export type TransactionalHandler = OneByOneHandler | SetBasedHandler

export interface OneByOneHandler {
  readonly kind: "transactional"
  readonly name: string
  readonly events: readonly EventType[]
  /** Only of a company\'s own handler; the others have the specification\'s RETRY_CONFIG. */
  readonly retry?: HandlerRetry
  /** Runs of one batch are handled one after the other in one transaction, in the order of their positions. */
  readonly handle: (tx: Tx, event: HandledEvent) => Promise<Outcome>
}

/** For effects that are one statement, however many events there are: several times the throughput. */
export interface SetBasedHandler {
  readonly kind: "transactional"
  readonly name: string
  readonly events: readonly EventType[]
  /**
   * Events of one transaction; left out: all that are claimed. A handler that works event by event under a lock has
   * fewer, so that other processes need not wait for long.
   */
  readonly atMost?: number
  /** Only of a company\'s own handler; the others have the specification\'s RETRY_CONFIG. */
  readonly retry?: HandlerRetry
  /**
   * A whole batch at once, in the order of the positions. When it throws, nothing has happened, and each event is
   * handled again by itself, so that only the failing event has failed. Before it records an event it names the cause
   * (setEventContext).
   * @returns undefined when all are done, or the outcome of each event, in the same order.
   */
  readonly handleAll: (tx: Tx, events: readonly HandledEvent[]) => Promise<undefined | readonly Outcome[]>
}

/**
 * A `handleAll` with a statement or two per event. All are sent at once; none waits for another's answer. For handlers
 * whose runs never read the writes of another run.
 */
export const sideBySide =
  (handle: (tx: Tx, event: HandledEvent) => Promise<Outcome>): SetBasedHandler["handleAll"] =>
  (tx, events) =>
    Promise.all(events.map((event) => handle(tx, event)))

export interface ExternalHandler {
  readonly kind: "external"
  readonly name: string
  readonly events: readonly EventType[]
  /** Only of a company\'s own handler; the others have the specification\'s RETRY_CONFIG. */
  readonly retry?: HandlerRetry
  readonly handle: (event: HandledEvent, tools: ExternalTools) => Promise<Outcome>
}

export interface ExternalTools {
  readonly db: Db
  /** Event id × handler: the receiver may use it to ignore a repetition. */
  readonly idempotencyKey: string
  /** Aborted when the run has taken too long or the process stops. Runs without retries may end when it stops. */
  readonly signal: AbortSignal
}

export type Handler = TransactionalHandler | ExternalHandler
