// A part of the benchmarks: what it is called, what it measures, and how it is run.

import type { Figure } from "./figure.ts"

export interface Part {
  readonly name: string
  readonly description: string
  readonly run: (options: { short: boolean; progress: (line: string) => void }) => Promise<readonly Figure[]>
}
