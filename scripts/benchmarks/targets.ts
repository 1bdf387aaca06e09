// The targets of the way from commit to effect, beside the figures of one run. A figure that the run lacks is named as
// not measured.

import { round } from "#scripts/statistics.ts"
import type { Figure } from "./figure.ts"
import { idleRate, steadyName } from "./steady/stretch-figure.ts"

/** The figures of a run, by part. */
export type RunFigures = Readonly<Record<string, readonly Figure[]>>

export interface TargetRow {
  readonly what: string
  readonly measured: string
  readonly target: string
  readonly verdict: "kept" | "missed" | "not measured"
}

const own = "slotbase, set-based"
const earlier = "before, set-based"

/** Each target once. Ratios to "before" need SLOTBASE_BENCH_BEFORE=<folder of an earlier checkout>. */
export function targetsOf(figures: RunFigures): readonly TargetRow[] {
  const steady = (contestant: string, perSecond: number) =>
    figureOf(figures, "steady", steadyName(contestant, perSecond))
  const heard = figureOf(figures, "steady", steadyName(own, idleRate, true))
  const inOne = figureOf(figures, "latency", "slotbase, idle: WebSocket frame")
  return [
    ...[100, 200].flatMap((perSecond) => besidePeers(figures, perSecond)),
    atMost("webhook's first byte, p50, idle", steady(own, idleRate)?.p50Ms, 3, "ms"),
    atMost("frame, p50, idle, the server in a process of its own", number(heard?.frameP50Ms), 2.5, "ms"),
    atMost("frame, p50, idle, the whole program in one process", inOne?.p50Ms, 2.5, "ms"),
    ...[idleRate, 100].map((perSecond) =>
      timesAtMost(
        `CPU per event, ${perSecond === idleRate ? "idle" : `${perSecond}/s`}`,
        { is: cpuOf(steady(own, perSecond)), unit: "ms" },
        { was: cpuOf(steady(earlier, perSecond)), of: "before" },
        0.5,
      ),
    ),
    atMost("transactions per event, 200/s", number(steady(own, 200)?.transactions), 2, ""),
    atMost("WAL per event, 200/s", steady(own, 200)?.walBytes, 4_000, "bytes"),
    ...drained(figures),
    atLeast(
      "bookings with all actors at work",
      figureOf(figures, "latency", "slotbase: bookings with all actors at work")?.eventsPerSecond,
      250,
      "bookings/s",
    ),
    ...memory(figures),
  ]
}

/** The best peer is the one whose p50 is least at this rate. Its own p99 is the measure of p99. */
function besidePeers(figures: RunFigures, perSecond: number): readonly TargetRow[] {
  const ours = figureOf(figures, "steady", steadyName(own, perSecond))
  const peers = (figures.steady ?? []).filter(
    ({ name, p50Ms }) =>
      name.endsWith(steadyName("", perSecond)) && !/^(slotbase|before)/.test(name) && p50Ms !== undefined,
  )
  const [best] = peers.sort((a, b) => (a.p50Ms ?? 0) - (b.p50Ms ?? 0))
  const peer = best?.name.split(",")[0] ?? "the best peer"
  const row = (column: "p50Ms" | "p99Ms", limit: number) =>
    timesAtMost(
      `webhook's first byte, ${column.slice(0, 3)}, ${perSecond}/s`,
      { is: ours?.[column], unit: "ms" },
      { was: best?.[column], of: peer },
      limit,
    )
  return [row("p50Ms", 1.2), row("p99Ms", 1.5)]
}

const drained = (figures: RunFigures) =>
  [
    { name: own, what: "drained, a statement per batch", least: 2.2 },
    { name: "slotbase", what: "drained, a statement per event", least: 1.8 },
  ].map(({ name, what, least }) => {
    const figure = figureOf(figures, "pipeline", name)
    return atLeast(what, number(figure?.timesBestPeer), least, `× ${figure?.bestPeer ?? "the best peer"}`)
  })

/** A process that grows by a twentieth in the second half of its time counts as growing. */
const memory = (figures: RunFigures) =>
  (["actors", "server"] as const).flatMap((process) => {
    const ours = figureOf(figures, "memory", `${own}: ${process}`)
    const before = figureOf(figures, "memory", `${earlier}: ${process}`)
    return [
      timesAtMost(
        `memory of the ${process} at the end`,
        { is: number(ours?.endMib), unit: "MiB" },
        { was: number(ours?.middleMib), of: "the middle" },
        1.05,
      ),
      timesAtMost(
        `memory of the ${process} at the end`,
        { is: number(ours?.endMib), unit: "MiB" },
        { was: number(before?.endMib), of: "before" },
        1.2,
      ),
    ]
  })

const figureOf = (figures: RunFigures, part: string, name: string) => figures[part]?.find((each) => each.name === name)

const number = (value: Figure[string]) => (typeof value === "number" ? value : undefined)

function cpuOf(figure: Figure | undefined): number | undefined {
  const { cpuMsProgram, cpuMsPostgres } = figure ?? {}
  return cpuMsProgram === undefined || cpuMsPostgres === undefined ? undefined : round(cpuMsProgram + cpuMsPostgres)
}

const atMost = (what: string, is: number | undefined, limit: number, unit: string) =>
  rowOf(what, is === undefined ? undefined : `${is} ${unit}`, `at most ${limit} ${unit}`, () => (is ?? 0) <= limit)

const atLeast = (what: string, is: number | undefined, limit: number, unit: string) =>
  rowOf(what, is === undefined ? undefined : `${is} ${unit}`, `at least ${limit} ${unit}`, () => (is ?? 0) >= limit)

function timesAtMost(
  what: string,
  { is, unit }: { readonly is: number | undefined; readonly unit: string },
  { was, of }: { readonly was: number | undefined; readonly of: string },
  limit: number,
): TargetRow {
  const target = `at most ${limit} × ${of}`
  if (is === undefined) return rowOf(what, undefined, target, () => false)
  if (was === undefined) return { what, measured: `${is} ${unit}`, target, verdict: "not measured" }
  const times = round(is / was)
  return rowOf(what, `${is} ${unit}, ${times} × ${of}`, target, () => times <= limit)
}

function rowOf(what: string, measured: string | undefined, target: string, isKept: () => boolean): TargetRow {
  if (measured === undefined) return { what, measured: "", target: target.trim(), verdict: "not measured" }
  return { what, measured: measured.trim(), target: target.trim(), verdict: isKept() ? "kept" : "missed" }
}
