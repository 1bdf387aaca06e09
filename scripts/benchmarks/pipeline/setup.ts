// The setup of one run: a PostgreSQL, a receiver, and a contestant that is prepared.

import type { Bench } from "#scripts/benchmarks/measure.ts"
import type { Entry } from "./contestant.ts"
import type { Receiver } from "./processes.ts"

export interface Setup {
  readonly bench: Bench
  readonly receiver: Receiver
  readonly entry: Entry
}
