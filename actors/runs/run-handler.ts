/**
 * One actor per handler: it claims the handler's runs, handles them and settles them (run-loop.ts). A handler that
 * fails delays only itself. An event that crashes its process is found by claiming its run alone, in quarantine.
 */

import type { Handler } from "#actors/handlers/handler.ts"
import type { Actor } from "#actors/runtime/actor.ts"
import type { ActorProcess } from "#actors/runtime/life-sign.ts"
import type { JointMember } from "./joint-member.ts"
import { queueEveryMs, RunLoop, type RunTools } from "./run-loop.ts"

/**
 * Milliseconds. Nobody waits for a run, so frames and webhooks go first, and one claim takes more runs. At 100 and 200
 * events a second, 20 took a tenth less CPU than 8, and webhooks were sent in a quarter less time. The effects hardly
 * came later.
 */
export const gatherMs = 20
/** Three claims, each with the longest run of an external handler, and its settling while the database is away. */
const deadlineMs = 400_000

/** @param member of those that work together; undefined: the handler always works by itself. */
export function runHandler(tools: RunTools, handler: Handler, process: ActorProcess, member?: JointMember): Actor {
  const loop = new RunLoop(tools, handler, process, member)
  return {
    name: handler.name,
    description: `Handles ${handler.events.join(", ")}`,
    ...(member ? { wokenFrom: (wake) => member.wokenBy(wake) } : { wokenBy: ["log"], gatherMs }),
    pollEveryMs: queueEveryMs,
    cron: "* * * * *",
    deadlineMs,
    pass: (stopping) => loop.pass(stopping),
    drain: () => loop.returnTaken(),
  }
}
