// The end of the actors' work for what was recorded so far.

import { eventually } from "#test/harness/setup/eventually.ts"
import type { Bench } from "./measure.ts"

/** Resolves when the actors have no event and no run left, so that no round pays for the one before. */
export const drained = (bench: Bench): Promise<void> =>
  eventually(
    async () => {
      const [row] = await bench.sql<{ left: boolean }[]>`
        select exists (select from slotbase.outbox) or exists (select from slotbase.unfinished_runs) as left`
      if (row?.left) throw new Error("the actors are still at work")
    },
    { withinMs: 300_000 },
  )
