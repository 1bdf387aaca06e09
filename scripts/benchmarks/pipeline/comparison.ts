// Compares SlotBase with the best of its peers, column by column: the name of the peer, and the ratio.

import type { Figure } from "#scripts/benchmarks/figure.ts"
import { round } from "#scripts/statistics.ts"

/** A line of the table, and its kind, which decides the lines that it is compared with. */
export interface Line {
  readonly kind: "slotbase" | "before" | "peer" | "bare"
  readonly setBased: boolean
  readonly figure: Figure
}

/** In the first column more is better, in the others less. */
const columns = ["eventsPerSecond", "p50Ms", "p99Ms", "cpuMs", "walBytes", "deadTuples"] as const
type Column = (typeof columns)[number]

/** A row of the table of comparisons. */
export interface Compared {
  readonly name: string
  readonly column: Column
  readonly slotbase: number
  readonly bestPeer: string
  readonly itsFigure: number
  /** SlotBase's figure divided by the peer's; undefined when the peer's is 0. */
  readonly ratio: number | undefined
}

/**
 * Row-by-row handlers are compared with row-by-row handlers only, set-based ones with all. The CPU of a peer includes
 * its processes, PostgreSQL and Redis.
 */
export function compare(lines: readonly Line[]): readonly Compared[] {
  return lines
    .filter(({ kind }) => kind === "slotbase" || kind === "before")
    .flatMap((line) => columns.flatMap((column) => compareOne(line, peersOf(lines, line), column) ?? []))
}

const peersOf = (lines: readonly Line[], { setBased }: Line) =>
  lines.filter(({ kind, ...peer }) => kind === "peer" && (setBased || !peer.setBased))

function compareOne({ figure }: Line, peers: readonly Line[], column: Column): Compared | undefined {
  const slotbase = amountOf(figure, column)
  const known = peers.flatMap((peer) => {
    const value = amountOf(peer.figure, column)
    return value === undefined ? [] : [{ bestPeer: peer.figure.name, itsFigure: value }]
  })
  known.sort((a, b) => (column === "eventsPerSecond" ? b.itsFigure - a.itsFigure : a.itsFigure - b.itsFigure))
  const [best] = known
  if (slotbase === undefined || best === undefined) return undefined
  const ratio = best.itsFigure === 0 ? undefined : round(slotbase / best.itsFigure)
  return { name: figure.name, column, slotbase, ...best, ratio }
}

function amountOf(figure: Figure, column: Column): number | undefined {
  if (column !== "cpuMs") return figure[column]
  const { cpuMsProgram, cpuMsPostgres, cpuMsRedis } = figure
  if (cpuMsProgram === undefined || cpuMsPostgres === undefined) return undefined
  return round(cpuMsProgram + cpuMsPostgres + Number(cpuMsRedis ?? 0))
}

/** Additional columns of a line: its throughput compared with the best peer's, and with the work alone. */
export function told(lines: readonly Line[], { kind, setBased, figure }: Line): Partial<Figure> {
  if (kind === "peer") return {}
  const peers = peersOf(lines, { kind, setBased, figure })
  const best = compareOne({ kind, setBased, figure }, peers, "eventsPerSecond")
  const bare = lines.find((each) => each.kind === "bare" && each.setBased === setBased)?.figure.eventsPerSecond
  return {
    ...(best && { bestPeer: best.bestPeer, timesBestPeer: best.ratio }),
    ...(kind !== "bare" && bare && { ofTheWorkAlone: round((figure.eventsPerSecond ?? Number.NaN) / bare) }),
  }
}
