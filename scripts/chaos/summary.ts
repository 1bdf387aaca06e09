// The table of docs/testing.md: what happened, a line for each kind of fault, in Markdown.

import { percentile } from "#scripts/benchmarks/measure.ts"
import type { Line } from "./campaign.ts"
import type { Fault } from "./fault.ts"

/** Faults that are told of in one line. */
export interface Kind {
  readonly what: string
  readonly faults: readonly Pick<Fault, "name">[]
}

/** Kinds of which nothing was inflicted are left out. */
export function summaryOf(kinds: readonly Kind[], lines: readonly Line[]): string {
  const rows = kinds.flatMap(({ what, faults }) => {
    const ofKind = lines.filter(({ fault }) => faults.some(({ name }) => name === fault))
    return ofKind.length === 0 ? [] : [rowOf(what, ofKind)]
  })
  return [
    "| what happened | times | killed | done after: the middle | at most | twice |",
    "| --- | --- | --- | --- | --- | --- |",
    ...rows.map((cells) => `| ${cells.join(" | ")} |`),
  ].join("\n")
}

function rowOf(what: string, lines: readonly Line[]): readonly (string | number)[] {
  const sum = (of: (line: Line) => number) => lines.reduce((all, line) => all + of(line), 0)
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

/** How often each was inflicted. */
function timesOf(lines: readonly Line[]): string {
  const times = lines.map((line) => line.times)
  const [fewest, most] = [Math.min(...times), Math.max(...times)]
  if (lines.length === 1) return `${most}`
  return fewest === most ? `${most} each` : `${fewest}–${most} each`
}

const seconds = (ms: number | undefined) => (ms === undefined ? "" : `${(ms / 1000).toFixed(1)} s`)
