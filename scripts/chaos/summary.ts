// The table of docs/testing.md in Markdown: a line for each kind of fault.

import { percentile } from "#scripts/statistics.ts"
import type { FaultResult } from "./campaign.ts"
import type { Fault } from "./fault.ts"

/** Faults that share a line. */
export interface Kind {
  readonly what: string
  readonly faults: readonly Pick<Fault, "name">[]
}

/** Kinds without any inflicted fault are left out. */
export function summaryOf(kinds: readonly Kind[], lines: readonly FaultResult[]): string {
  const rows = kinds.flatMap(({ what, faults }) => {
    const ofKind = lines.filter(({ fault }) => faults.some(({ name }) => name === fault))
    return ofKind.length === 0 ? [] : [rowOf(what, ofKind)]
  })
  return [
    "| what happened | times | killed | done after: median | at most | twice |",
    "| --- | --- | --- | --- | --- | --- |",
    ...rows.map((cells) => `| ${cells.join(" | ")} |`),
  ].join("\n")
}

function rowOf(what: string, lines: readonly FaultResult[]): readonly (string | number)[] {
  const sum = (of: (line: FaultResult) => number) => lines.reduce((all, line) => all + of(line), 0)
  const recovered = lines.flatMap(({ recoveredMs }) => recoveredMs).sort((a, b) => a - b)
  return [
    what,
    timesOf(lines),
    sum(({ kills }) => kills),
    seconds(recovered.length === 0 ? undefined : percentile(recovered, 0.5)),
    seconds(recovered.at(-1)),
    sum(({ duplicates }) => duplicates),
  ]
}

/** How often each fault was inflicted. */
function timesOf(lines: readonly FaultResult[]): string {
  const times = lines.map((line) => line.times)
  const [fewest, most] = [Math.min(...times), Math.max(...times)]
  if (lines.length === 1) return `${most}`
  return fewest === most ? `${most} each` : `${fewest}–${most} each`
}

const seconds = (ms: number | undefined) => (ms === undefined ? "" : `${(ms / 1000).toFixed(1)} s`)
