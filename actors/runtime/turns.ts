/**
 * What the dispatcher and the deliverer of a process tell each other about a turn. In a turn events are dispatched, and
 * those of their deliveries are claimed that the process can send at once. Deliveries that have ended are settled with
 * it.
 */
import type { PendingQuery, Row } from "postgres"
import type { Db } from "#base/database/db.ts"
import type { EventText } from "./event-memory.ts"

/** A webhook that answers fast, and how much of it a turn may claim for this process. */
export interface OfferedWebhook {
  readonly id: string
  /** Of its row, as the process knows it. A webhook that was changed since is not claimed. */
  readonly version: number
  /** Every fresh delivery up to this position has been claimed already. */
  readonly after: number
  /** At most so many times this process's share of its max_concurrency, … */
  readonly ahead: number
  /** … and at most so many. */
  readonly cap: number
  /** Claimed by this process and not yet settled. */
  readonly busy: number
}

/** A delivery that a turn has claimed; its attempt stands in the database as started. */
export interface TurnedDelivery {
  readonly webhook_id: string
  /** Which event of the turn it carries, from 1. */
  readonly nth: number
  readonly sequence: number
  readonly lease: number
  readonly attempt_id: string
  /** Requests to the webhook that this process may have under way. */
  readonly places: number
}

/** A part of a statement. */
export type Fragment = PendingQuery<readonly Row[]>

/**
 * Parts of the turn's statement, behind the part "turned", that settle deliveries which have ended. The last one is
 * "settled (leases)".
 */
export type SettlesEnds = (db: Db) => Fragment

export interface Turn {
  readonly dispatched: number
  /** The end of the log before this turn. The nth event has the position top + nth. */
  readonly top: number
  /** Events wait until the program has checked them. */
  readonly waitsForCheck: boolean
  /** There are deliveries that this turn has made and not claimed. */
  readonly unclaimed: boolean
  /** The id of the log; null when nothing was offered. */
  readonly epoch: string | null
  /** The events by id; empty after a turn that dispatched many. */
  readonly events: ReadonlyMap<string, EventText>
  /** The ids of the events in their order; empty after a turn that dispatched many. */
  readonly eventIds: readonly string[]
  readonly deliveries: readonly TurnedDelivery[]
  /** The leases of deliveries that were settled with it. */
  readonly settled: readonly number[]
}

export interface TurnOffer {
  /** Of the leases. */
  readonly owner: number
  readonly webhooks: readonly OfferedWebhook[]
  /** Deliveries of all these webhooks together. */
  readonly most: number
  /** Undefined: no delivery has ended. */
  readonly ends?: SettlesEnds | undefined
}

/** One turn, as the deliverer of this process takes part in it. Exactly one of its ends is told. */
export interface TurnShare {
  readonly offer: TurnOffer
  /** The turn has committed; its deliveries are sent. */
  readonly taken: (turn: Turn) => void
  /** The turn has no answer. It may have committed all the same. */
  readonly lost: () => void
}

/** Begins to take part in a turn, when what was dispatched before is claimed, or soon in any case. */
export type JoinTurn = () => Promise<TurnShare>
