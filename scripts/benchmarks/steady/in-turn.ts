// Contestants in turn at steady rates, round after round. A peer that fails is left out, and says why.

import type { Figure } from "#scripts/benchmarks/figure.ts"
import { LeftOut } from "#scripts/benchmarks/pipeline/contestant.ts"
import type { Entrant } from "#scripts/benchmarks/pipeline/contestants.ts"
import { runSteady, type SteadyPlan, type SteadyStretch } from "./run.ts"
import { steadyName, stretchFigure } from "./stretch-figure.ts"

export async function inTurn(
  entrants: readonly Entrant[],
  { rounds, ...plan }: SteadyPlan,
  progress: (line: string) => void,
): Promise<readonly Figure[]> {
  const results = new Map<Entrant, SteadyStretch[]>(entrants.map((entrant) => [entrant, []]))
  const leftOut = new Map<Entrant, string>()
  for (let turn = 0; turn < rounds; turn++) {
    // The order changes with each round, so that a machine that becomes slower slows all alike.
    for (const [entrant, stretches] of turn % 2 === 0 ? results : [...results].reverse()) {
      if (leftOut.has(entrant)) continue
      try {
        const measured = await runSteady(entrant, plan)
        stretches.push(...measured)
        progress(`${turn + 1}/${rounds} ${entrant.name}`)
        for (const { perSecond, withSubscriber, costliest } of measured)
          if (costliest.length > 0)
            progress([steadyName(entrant.name, perSecond, withSubscriber), ...costliest].join("\n    "))
      } catch (error) {
        const { message } = error as Error
        if (entrant.kind !== "peer") throw new Error(`${entrant.name}: ${message}`, { cause: error })
        leftOut.set(entrant, error instanceof LeftOut ? message : `it failed: ${message}`)
        progress(`LEFT OUT: ${entrant.name}. ${leftOut.get(entrant)}`)
      }
    }
  }
  return [
    ...[...results].flatMap(([entrant, stretches]) =>
      leftOut.has(entrant)
        ? []
        : [...Map.groupBy(stretches, groupOf).values()].map((each) => stretchFigure(entrant.name, each)),
    ),
    ...[...leftOut].map(([{ name }, why]) => ({ name, note: `left out: ${why}` })),
  ]
}

const groupOf = ({ perSecond, withSubscriber }: SteadyStretch) => `${perSecond} ${withSubscriber}`
