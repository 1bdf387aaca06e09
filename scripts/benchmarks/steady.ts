// Measures the steady state: one event at a time, with warm workers, from idle to 400 events a second. The work is the
// pipeline's: five handlers and one signed webhook. SlotBase and its peers take turns, each on a fresh PostgreSQL.
// With SLOTBASE_BENCH_BEFORE=<folder of an earlier checkout>, that program takes turns too. SLOTBASE_BENCH_PEERS=off
// leaves the peers out.
//
// - p50 and p99: from the commit to the webhook's first byte. `effectP50Ms` and `effectP99Ms`: to the commit of a
//   handler's effect. `frameP50Ms` and `frameP99Ms`: to the frame at a WebSocket client.
// - CPU, WAL, statements and transactions are per event. Recording the event is part of them. The CPU of the recorder's
//   own process is not.
// - A line "and a subscriber" has a server besides, with its broadcaster and one WebSocket client. Its CPU counts.

import type { Part } from "./part.ts"
import { contestants, type Entrant } from "./pipeline/contestants.ts"
import { inTurn } from "./steady/in-turn.ts"
import type { SteadyPlan } from "./steady/run.ts"
import { idleRate } from "./steady/stretch-figure.ts"

const at = (perSecond: number, seconds: number) => ({ perSecond, seconds })

interface Form extends SteadyPlan {
  readonly takesPart: (entrant: Entrant) => boolean
}

const long: Form = {
  rates: [at(idleRate, 4), at(50, 3), at(100, 3), at(200, 3), at(400, 3)],
  withSubscriber: [at(idleRate, 4), at(100, 3), at(200, 3)],
  rounds: 2,
  takesPart: ({ kind, setBased }) => setBased && kind !== "bare",
}
/** Without pg-boss, which is the slowest peer here. */
const brief: Form = {
  rates: [at(idleRate, 2), at(100, 1), at(200, 1)],
  withSubscriber: [at(idleRate, 2)],
  rounds: 1,
  takesPart: (entrant) => long.takesPart(entrant) && !entrant.name.startsWith("pg-boss"),
}

export const steady: Part = {
  name: "steady",
  description: "one event at a time, idle to 400/s: webhook, frame and effect; costs per event, beside the peers",
  run: ({ short, progress }) => {
    const { takesPart, ...form } = short ? brief : long
    return inTurn(contestants.filter(takesPart), form, progress)
  },
}
