// What a row of the table says.

import type { EventType } from "#events/catalogue.ts"
import type { Club, Data } from "./club.ts"

export interface Row {
  readonly type: EventType
  /** How somebody makes it happen. */
  readonly operation: string
  /** Sets up, operates, and answers what the event says. */
  readonly perform: (club: Club) => Promise<Data>
  /** All that the operation records, in order; `a > b`: b, caused by a. */
  readonly records: readonly string[]
  /** Optional fields that this event does not have. */
  readonly without?: readonly string[]
}
