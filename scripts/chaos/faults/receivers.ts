// Faults of a receiver: it hangs, resets connections, or answers byte by byte. And processes are killed while it holds
// their requests: those attempts have an unknown outcome, and no other request may be sent twice.

import { defaultTimeoutMs } from "#base/egress/fetch.ts"
import { type Fault, type Inflicted, killedWithinMs, within } from "#scripts/chaos/fault.ts"
import type { Behaviour } from "#scripts/chaos/receivers.ts"
import { caughtUp } from "#scripts/chaos/recovery.ts"
import type { World } from "#scripts/chaos/world.ts"
import { allButOne, killAtOnce, type RoundResult, repeatRounds } from "./rounds.ts"

const misbehavesMs = 4_000
/** Longer than a request may take. */
const timeOutMs = defaultTimeoutMs + 2_000

const misbehaving = (name: string, sentence: string, behaviour: Behaviour, timesOut?: true): Fault => ({
  name,
  sentence,
  inflict: async (world, { short }): Promise<Inflicted> => {
    const recoveredMs: number[] = []
    let given = 0
    const before = await timedOut(world)
    for (let round = 0; round < (short ? 1 : 3); round++) {
      await world.processes.allReady()
      world.receivers.setBehaviour(behaviour)
      await Bun.sleep(timesOut ? timeOutMs : misbehavesMs)
      // Work for the healthy receiver must go on meanwhile.
      recoveredMs.push(await caughtUp(world, performance.now()))
      given = (await timedOut(world)) - before
      world.receivers.setBehaviour("answer")
    }
    const times = recoveredMs.length
    if (!timesOut) return { times, recoveredMs }
    const troubles = given > 0 ? [] : ["no request came to the time limit"]
    return { times, recoveredMs, troubles, note: `${given} requests came to the time limit` }
  },
})

/** Attempts so far that ended because no whole answer came in time. */
async function timedOut({ database: { db }, receivers }: World): Promise<number> {
  const [row] = await db<[{ count: number }]>`
    select count(*) from slotbase.attempt_history
    where url = ${receivers.faultyUrl} and outcome = 'failed' and duration_ms >= ${defaultTimeoutMs}`
  return row.count
}

export const receiverFaults: readonly Fault[] = [
  misbehaving("receiver-hangs", "A receiver takes requests and never answers.", "hang", true),
  misbehaving("receiver-resets", "A receiver resets every connection after it has read the request.", "reset"),
  misbehaving("receiver-drips", "A receiver answers byte by byte, slower than the time limit.", "drip", true),
  misbehaving("receiver-refuses", "A receiver answers 503.", "refuse"),
  {
    name: "killed-in-flight",
    sentence: "All actor processes but one are killed while a receiver has read their requests and not answered.",
    recoverWithinMs: killedWithinMs,
    share: 1,
    short: true,
    inflict: (world, { kills }) =>
      repeatRounds(
        world,
        () => kills,
        (round) => killInFlight(world, round),
      ),
  },
]

const inHandWithinMs = 10_000

async function killInFlight({ processes, receivers }: World, round: number): Promise<RoundResult> {
  const actors = processes.of("actors")
  const enough = 2 * actors.length
  receivers.setBehaviour("hang")
  try {
    if (!(await within(inHandWithinMs, () => receivers.waiting() >= enough)))
      return { trouble: `the receiver had ${receivers.waiting()} requests in hand, not ${enough}` }
    return await killAtOnce(allButOne(actors, round))
  } finally {
    receivers.setBehaviour("answer")
  }
}
