// A part of the benchmarks: its name, its description, and its run.

import type { Figure } from "./figure.ts"

export interface Part {
  readonly name: string
  readonly description: string
  readonly run: (options: { short: boolean; progress: (line: string) => void }) => Promise<readonly Figure[]>
}
