// Many things at once: a recording command, several dispatches, a handler in both processes, and both deliverers. Their
// order is random, but the order of the log and the effects of each event are fixed.

import type { Script } from "./handlers.ts"
import type { HandlerName } from "./model.ts"
import type { Answer } from "./receiver.ts"
import { type Planned, recordEvents } from "./record.ts"
import type { World } from "./world.ts"

export interface Storm {
  readonly at: number
  readonly events: readonly Planned[]
  readonly batches: readonly number[]
  readonly handler: HandlerName
  readonly steps: Script
  readonly answers: readonly Answer[]
}

export async function storm(world: World, { at, events, batches, handler, steps, answers }: Storm): Promise<void> {
  const { model, processes } = world
  await world.later()
  const dispatches = Promise.all(batches.map((batch) => world.dispatchOnce(batch)))
  await Promise.all([
    recordEvents(world, at, events, true),
    dispatches,
    ...processes.map((process) => world.handle(process, handler, steps)),
    ...processes.map((process) => world.deliver(process, answers)),
  ])
  const count = (await dispatches).reduce((sum, { dispatched }) => sum + dispatched, 0)
  const { taken } = model.next(count)
  if (taken.length !== count) model.problems.push(`dispatched ${count} at once, not ${taken.length}`)
  model.dispatched(taken, undefined, count > 0)
}
