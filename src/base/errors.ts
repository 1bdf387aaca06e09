/**
 * The failures of the domain, as tagged classes with data. Callers branch on `_tag`.
 * The HTTP layer holds the one table from tag to status. A throw inside a transaction is its rollback.
 */

import type { Standing } from "./limits/table.ts"

/** One fault of an input: the place (a path such as "body.startAt") and the expected value. */
export interface Fault {
  readonly path: string
  readonly message: string
}

/** A booking that stands in the way of another. */
export interface Conflict {
  readonly startAt: string
  readonly endAt: string
  readonly status: string
}

/** A free slot near the one that was asked for. */
export interface Alternative {
  readonly resourceId: string
  readonly startAt: string
  readonly endAt: string
}

abstract class DomainError extends Error {
  abstract readonly _tag: string
  override get name() {
    return this._tag
  }
}

/** The input does not parse, or is against a rule of a field. */
export class InvalidInput extends DomainError {
  readonly _tag = "InvalidInput"
  constructor(
    readonly faults: readonly Fault[],
    message = "The request is not valid.",
  ) {
    super(message)
  }
}

/** The input parses but violates a rule of the domain; `code` is stable, such as "outside_opening_hours". */
export class RuleBroken extends DomainError {
  readonly _tag = "RuleBroken"
  constructor(
    readonly code: string,
    message: string,
    readonly faults: readonly Fault[] = [],
    /** Further fields of the answer, such as what uses a limit up. */
    readonly more: Readonly<Record<string, unknown>> = {},
  ) {
    super(message)
  }
}

/** No valid credentials. */
export class NotAuthenticated extends DomainError {
  readonly _tag = "NotAuthenticated"
}

/** Authenticated, but not allowed to do this. */
export class NotAllowed extends DomainError {
  readonly _tag = "NotAllowed"
}

/** Missing, or in a facility that the caller may not see. */
export class NotFound extends DomainError {
  readonly _tag = "NotFound"
  constructor(what: string, id?: string) {
    super(id === undefined ? `There is no such ${what}.` : `There is no ${what} ${id}.`)
  }
}

/** The slot is occupied. */
export class SlotTaken extends DomainError {
  readonly _tag = "SlotTaken"
  constructor(
    readonly conflicts: readonly Conflict[],
    readonly alternatives: readonly Alternative[],
  ) {
    super("The slot is taken.")
  }
}

/** A lesson or a block of the coach that stands in the way of another, in the same facility. */
export interface CoachConflict extends Conflict {
  readonly resourceId: string
}

/** The coach is somewhere else. Nothing of another facility is said: `conflicts` is empty then. */
export class CoachTaken extends DomainError {
  readonly _tag = "CoachTaken"
  constructor(
    readonly conflicts: readonly CoachConflict[],
    readonly alternatives: readonly Alternative[],
  ) {
    super(conflicts.length > 0 ? "The coach has a lesson or a block then." : "The coach is engaged elsewhere then.")
  }
}

/** An occurrence of a series that cannot be booked or moved there: the reason, and free slots nearby. */
export interface RefusedOccurrence extends Alternative {
  /** The local day, YYYY-MM-DD. */
  readonly occursOn: string
  /** The code of the refusal, such as "slot_taken" or "facility_closed". */
  readonly code: string
  readonly detail: string
  readonly conflicts: readonly Conflict[]
  readonly alternatives: readonly Alternative[]
}

/** Some occurrences of a series cannot be booked, so the whole series is refused. */
export class OccurrencesRefused extends DomainError {
  readonly _tag = "OccurrencesRefused"
  constructor(readonly occurrences: readonly RefusedOccurrence[]) {
    super(`${occurrences.length} of the occurrences cannot be booked, so none is.`)
  }
}

/** The current state of the thing forbids this; `code` is stable, such as "booking_not_confirmed". */
export class WrongState extends DomainError {
  readonly _tag = "WrongState"
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message)
  }
}

/** A before hook refused. */
export class BlockedByHook extends DomainError {
  readonly _tag = "BlockedByHook"
  constructor(
    readonly hook: string,
    readonly reason: string,
  ) {
    super(reason)
  }
}

/** Another request with the same Idempotency-Key is still under way. */
export class StillInFlight extends DomainError {
  readonly _tag = "StillInFlight"
  readonly retryAfterSeconds = 1
}

/** Too many requests. `standing` is the bucket that refused, if one did. */
export class TooMany extends DomainError {
  readonly _tag = "TooMany"
  constructor(
    readonly retryAfterSeconds: number,
    message = "Too many requests.",
    readonly standing?: Standing,
  ) {
    super(message)
  }
}

/** Something that the request needs is out of order for a while; nothing was done. `code` is stable. */
export class Unavailable extends DomainError {
  readonly _tag = "Unavailable"
  constructor(
    readonly code: string,
    message: string,
    readonly retryAfterSeconds: number,
  ) {
    super(message)
  }
}

export type AnyDomainError =
  | InvalidInput
  | RuleBroken
  | NotAuthenticated
  | NotAllowed
  | NotFound
  | SlotTaken
  | CoachTaken
  | OccurrencesRefused
  | WrongState
  | BlockedByHook
  | StillInFlight
  | TooMany
  | Unavailable
