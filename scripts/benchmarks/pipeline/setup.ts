// Where one contestant runs: its PostgreSQL, its receiver, and itself, ready to begin.

import type { Bench } from "#scripts/benchmarks/measure.ts"
import type { Entry } from "./contestant.ts"
import type { Receiver } from "./processes.ts"

export interface Setup {
  readonly bench: Bench
  readonly receiver: Receiver
  readonly entry: Entry
}
