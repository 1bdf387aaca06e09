// The line of a stretch in the table: all rounds of a contestant at one rate, taken together.

import type { Figure } from "#scripts/benchmarks/figure.ts"
import { percentile, round } from "#scripts/statistics.ts"
import type { SteadyStretch } from "./run.ts"

/** The rate of an idle system: one event each 40 ms. */
export const idleRate = 25

/** The name of a line: the contestant, then the rate. */
export const steadyName = (contestant: string, perSecond: number, withSubscriber = false): string =>
  `${contestant}${withSubscriber ? " and a subscriber" : ""}: ${perSecond === idleRate ? "idle" : `${perSecond}/s`}`

/** @param rounds of the same contestant at the same rate, at least one. */
export function stretchFigure(contestant: string, rounds: readonly SteadyStretch[]): Figure {
  const [{ perSecond, withSubscriber }] = rounds as [SteadyStretch]
  const events = sum(rounds.map((each) => each.events))
  const perEvent = (amount: (each: SteadyStretch) => number | undefined) =>
    round(sum(rounds.map((each) => amount(each) ?? Number.NaN)) / events)
  const waits = rounds.flatMap((each) => each.waits)
  const hooks = ascending(waits.map((each) => each.webhookWait))
  const effects = ascending(waits.flatMap((each) => each.effectWaits))
  const lastHooks = ascending(waits.map((each) => each.lastWebhookWait))
  const hasSeveral = waits.some((each) => each.lastWebhookWait > each.webhookWait)
  const frames = ascending(rounds.flatMap((each) => each.frameWaits))
  return {
    name: steadyName(contestant, perSecond, withSubscriber),
    p50Ms: percentile(hooks, 0.5),
    p99Ms: percentile(hooks, 0.99),
    ...(hasSeveral && { lastP50Ms: percentile(lastHooks, 0.5), lastP99Ms: percentile(lastHooks, 0.99) }),
    ...(frames.length > 0 && { frameP50Ms: percentile(frames, 0.5), frameP99Ms: percentile(frames, 0.99) }),
    effectP50Ms: percentile(effects, 0.5),
    effectP99Ms: percentile(effects, 0.99),
    cpuMsProgram: perEvent(({ cost }) => (cost.programCpuSeconds ?? Number.NaN) * 1_000),
    cpuMsPostgres: perEvent(({ cost }) => (cost.postgresCpuSeconds ?? Number.NaN) * 1_000),
    ...(rounds.every((each) => each.serverCpuSeconds !== undefined) && {
      cpuMsRedis: perEvent(({ serverCpuSeconds }) => (serverCpuSeconds ?? Number.NaN) * 1_000),
    }),
    walBytes: Math.round(perEvent(({ cost }) => cost.walBytes)),
    statements: perEvent(({ statements }) => statements),
    transactions: perEvent(({ transactions }) => transactions),
  }
}

const sum = (values: readonly number[]) => values.reduce((total, each) => total + each, 0)
const ascending = (values: readonly number[]) => [...values].sort((a, b) => a - b)
