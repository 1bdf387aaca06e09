/**
 * What a handler is. A `transactional` handler works in the transaction that also settles its run: its database effects
 * happen exactly once. An `external` one talks to the outside, without a transaction and under an idempotency key:
 * at least once, and a crash in the middle leaves an unknown outcome.
 * Three outcomes: it returns (done, or skipped with a reason), it throws (retry), it throws `GiveUp` (dead letter).
 */
import type { Db, Tx } from "#base/database/db.ts"
import type { EventType } from "#events/catalogue.ts"
import type { EventRow } from "#events/envelope.ts"

/** An event as a handler receives it: the row, with its place in the log. */
export interface HandledEvent extends EventRow {
  readonly position: number
  readonly aggregate_id: string
  readonly resource_id: string | null
}

/** Done needs no word; a run that had nothing to do says why. */
export type Outcome = undefined | { readonly skipped: string }

/** Retrying cannot help: the run goes to the dead letters at once. */
export class GiveUp extends Error {
  readonly _tag = "GiveUp"
  constructor(
    message: string,
    readonly code = "gave_up",
  ) {
    super(message)
  }
}

export type TransactionalHandler = OneByOneHandler | SetBasedHandler

export interface OneByOneHandler {
  readonly kind: "transactional"
  readonly name: string
  readonly events: readonly EventType[]
  /** Runs of one batch are handled one after the other in one transaction, in the order of their positions. */
  readonly handle: (tx: Tx, event: HandledEvent) => Promise<Outcome>
}

/** For effects that are one statement however many events there are: several times the throughput. */
export interface SetBasedHandler {
  readonly kind: "transactional"
  readonly name: string
  readonly events: readonly EventType[]
  /**
   * A whole batch at once, in the order of the positions. When it throws, nothing has happened, and each event is handled
   * again by itself, so that only the one that fails has failed. It records no events (which one would have caused them?).
   * @returns nothing when all are done, or what became of each, in the same order.
   */
  readonly handleAll: (tx: Tx, events: readonly HandledEvent[]) => Promise<undefined | readonly Outcome[]>
}

/**
 * For `handleAll`: a statement or two per event, all of them sent at once instead of one after the other's answer. For
 * handlers whose runs never read what another one writes.
 */
export const sideBySide =
  (handle: (tx: Tx, event: HandledEvent) => Promise<Outcome>): SetBasedHandler["handleAll"] =>
  (tx, events) =>
    Promise.all(events.map((event) => handle(tx, event)))

export interface ExternalHandler {
  readonly kind: "external"
  readonly name: string
  readonly events: readonly EventType[]
  readonly handle: (event: HandledEvent, tools: ExternalTools) => Promise<Outcome>
}

export interface ExternalTools {
  readonly db: Db
  /** Event id × handler: the outside may use it to drop a repetition. */
  readonly idempotencyKey: string
  /** Aborted when the run has taken too long or the process stops (not for handlers without retries: these may end). */
  readonly signal: AbortSignal
}

export type Handler = TransactionalHandler | ExternalHandler
