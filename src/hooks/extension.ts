/**
 * The types of a company's own file (SLOTBASE_EXTENSIONS): handlers of events, each with its retry policy, and hooks.
 * The package exports them as `slotbase/extension`, for `import type` only. So the file may stand anywhere.
 */
import type { Tx } from "#base/database/transaction.ts"
import type { OutgoingAnswer, OutgoingRequest } from "#base/egress/fetch.ts"
import type { BeforeBookingCreate } from "#domain/booking/hooks.ts"
import type { BeforePaymentProcess } from "#domain/payments/hooks.ts"
import type { AfterHook } from "#events/after-hook.ts"
import type { EventData, EventType } from "#events/catalogue.ts"
import type { DomainEvent } from "#events/envelope.ts"
import type { NewEvent } from "#events/outbox.ts"

/** The exports of the file. A default export with these fields does as well. */
export interface Extension {
  readonly handlers?: readonly ExtensionHandler[]
  /** By hook point. Several hooks of one point run in the order of the list. */
  readonly hooks?: {
    readonly "before:booking.create"?: OneOrMore<BeforeBookingCreate["run"]>
    readonly "before:payment.process"?: OneOrMore<BeforePaymentProcess["run"]>
    readonly "after:booking.confirmed"?: OneOrMore<AfterHook["run"]>
    readonly "after:payment.succeeded"?: OneOrMore<AfterHook["run"]>
  }
}

type OneOrMore<T> = T | readonly T[]

export type ExtensionHandler = OutsideHandler | DatabaseHandler

interface Named {
  /** Unique, such as "GateHandler". The runs, the dead letters and the metrics have it. */
  readonly name: string
  readonly events: readonly EventType[]
  readonly retry?: HandlerRetry
}

/** Talks to the outside, at least once for each event: the receiver ignores a repeated `idempotencyKey`. */
export interface OutsideHandler extends Named {
  readonly kind?: "external"
  readonly handle: (event: ExtensionEvent, tools: OutsideTools) => Promise<ExtensionOutcome>
}

/** Writes to the database, in the transaction that settles the run. So its writes happen exactly once. */
export interface DatabaseHandler extends Named {
  readonly kind: "transactional"
  readonly handle: (event: ExtensionEvent, tools: DatabaseTools) => Promise<ExtensionOutcome>
}

/** Nothing: done. A run that had nothing to do says why. A throw is retried by the policy. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler without a return is the usual one
export type ExtensionOutcome = void | { readonly skipped: string }

/** What is left out has the specification's default: 3 retries after 1, 2 and 4 s, at most 60 s apart. */
export interface HandlerRetry {
  /** Retries after the first attempt; 0: never retried by itself. */
  readonly maxRetries?: number
  /** Milliseconds before the first retry. */
  readonly delayMs?: number
  /** Milliseconds between two attempts at most. */
  readonly maxDelayMs?: number
  readonly backoffMultiplier?: number
}

/** An event, with the data of its type: after `event.type === "booking.confirmed"` the compiler knows the fields. */
export type ExtensionEvent = { [T in EventType]: EventOf<T> }[EventType]
type EventOf<T extends EventType> = Omit<DomainEvent, "type" | "data"> & {
  readonly type: T
  readonly data: EventData<T>
}

interface Tools {
  /** The event's position in the log. */
  readonly position: number
  /** The run becomes a dead letter at once: a retry cannot help. */
  readonly giveUp: (message: string) => never
  /** The run is tried again after this time, and uses up no retry. */
  readonly tryLater: (message: string, retryAfterMs: number) => never
}

export interface OutsideTools extends Tools {
  /** Event id and handler: the same at every attempt. */
  readonly idempotencyKey: string
  /** Aborted after 60 s, and when the process stops. */
  readonly signal: AbortSignal
  /** The one guard of outgoing requests. Any status is an answer. */
  readonly fetch: (url: string, request?: Omit<OutgoingRequest, "allow" | "signal">) => Promise<OutgoingAnswer>
}

export interface DatabaseTools extends Tools {
  /** Statements of the transaction: sql`insert into club.visits …`. */
  readonly sql: Tx
  /** Records an event that this one causes; its facility by default. Returns its id. */
  readonly record: <T extends EventType>(event: NewEvent<T>) => string
}
