/**
 * The actors of all handlers: one per handler, and one for what the transactional handlers do together. External
 * handlers have their own claims only.
 */

import type { Handler, TransactionalHandler } from "#actors/handlers/handler.ts"
import type { Actor } from "#actors/runtime/actor.ts"
import type { ActorProcess } from "#actors/runtime/life-sign.ts"
import { JointMember } from "./joint-member.ts"
import { jointRuns } from "./joint-runs.ts"
import { runHandler } from "./run-handler.ts"
import type { RunTools } from "./run-loop.ts"

export function runHandlers(tools: RunTools, handlers: readonly Handler[], process: ActorProcess): readonly Actor[] {
  const members = new Map(handlers.filter(isTransactional).map((handler) => [handler.name, new JointMember(handler)]))
  return [
    jointRuns(tools, [...members.values()], process),
    ...handlers.map((handler) => runHandler(tools, handler, process, members.get(handler.name))),
  ]
}

const isTransactional = (handler: Handler): handler is TransactionalHandler => handler.kind === "transactional"
