// The steady state with several of a kind: two processes of actors, and ten webhooks for each event. The rest is as in
// `steady`. `lastP50Ms` and `lastP99Ms`: from the commit to the first byte of the event's last webhook.
// With SLOTBASE_BENCH_BEFORE=<folder of an earlier checkout>, that program takes turns.

import { join } from "node:path"
import type { Part } from "./part.ts"
import { type Entrant, slotbaseOf } from "./pipeline/contestants.ts"
import { type Program, programsInTurn } from "./programs.ts"
import { withWebhooks } from "./several/webhooks.ts"
import { inTurn } from "./steady/in-turn.ts"
import { idleRate } from "./steady/stretch-figure.ts"

const here = join(import.meta.dir, "../..")
const processes = 2
const webhooks = 10

export const several: Part = {
  name: "several",
  description: "the steady state with two processes of actors, and with ten webhooks for each event",
  run: async ({ short, progress }) => {
    const entrants = (await Promise.all(programsInTurn().map(entrantsOf))).flat()
    const seconds = short ? 1 : 4
    const rates = [idleRate, 50, 100].map((perSecond) => ({ perSecond, seconds }))
    return inTurn(entrants, { rates, withSubscriber: [], rounds: short ? 1 : 2 }, progress)
  },
}

async function entrantsOf({ name, folder = here }: Program): Promise<readonly Entrant[]> {
  const make = await slotbaseOf(folder)
  const kind = { kind: name, setBased: true, folder } as const
  return [
    { ...kind, ...make(`${name}, ${processes} processes`, "set", processes) },
    { ...kind, ...withWebhooks(make(`${name}, ${webhooks} webhooks`, "set"), folder, webhooks) },
  ]
}
