// A row of the table.

import type { EventType } from "#events/catalogue.ts"
import type { Club, Data } from "./club.ts"

export interface Row {
  readonly type: EventType
  /** The operation in words. */
  readonly operation: string
  /** Prepares and operates; returns the event's expected data. */
  readonly perform: (club: Club) => Promise<Data>
  /** All events that the operation records, in order; `a > b`: a caused b. */
  readonly records: readonly string[]
  /** Optional fields that this event does not have. */
  readonly without?: readonly string[]
}
