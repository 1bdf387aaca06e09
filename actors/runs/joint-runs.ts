/**
 * The transactional handlers of a process, together: one claim, one transaction and one settlement for the newest
 * events of the log. In a busy process the settlement claims what comes next, so a cycle is one transaction. A handler
 * that fails, lags or is slow leaves with its part of the claim, and works by itself (run-loop.ts) until it has caught
 * up. Its part is its own claim then, so nothing of it is lost, and no attempt is used up.
 */

import { GiveUp, TryLater } from "#actors/handlers/handler.ts"
import type { Actor, Pass } from "#actors/runtime/actor.ts"
import type { ActorProcess } from "#actors/runtime/life-sign.ts"
import { reached } from "#base/crash-points.ts"
import { metrics } from "#events/metrics.ts"
import { claimJointly, type EndedJointPart, type JointPart } from "./joint-claim.ts"
import type { JointMember } from "./joint-member.ts"
import { type JointDone, JointPartFailed, type JointWork, runJointly } from "./joint-transaction.ts"
import { gatherMs } from "./run-handler.ts"
import { queueEveryMs, type RunTools } from "./run-loop.ts"
import { Fenced } from "./settle.ts"
import { isStatementRefused } from "./transactional.ts"

/** Transactions of a claim that a handler may make fail. Then all work by themselves. */
const tries = 2
const deadlineMs = 60_000
/**
 * So long a pass goes on with what its settlements have claimed, milliseconds. A handler that has retries or returned
 * runs waits for the end of the pass.
 */
const inARowMs = 250

export function jointRuns(tools: RunTools, members: readonly JointMember[], process: ActorProcess): Actor {
  return {
    name: "joint-runs",
    description: "Handles the newest events with all transactional handlers that have caught up",
    wokenBy: ["log"],
    gatherMs,
    pollEveryMs: queueEveryMs,
    cron: "* * * * *",
    deadlineMs,
    pass: (stopping) => pass(tools, members, process, stopping),
  }
}

async function pass(
  tools: RunTools,
  members: readonly JointMember[],
  process: ActorProcess,
  stopping: AbortSignal,
): Promise<Pass> {
  if (stopping.aborted) return { more: false }
  const group = members.filter((member) => member.join())
  const until = performance.now() + inARowMs
  try {
    let parts = group.length === 0 ? [] : await claimJointly(tools.db, process.owner(), group)
    while (parts.length > 0) {
      reached("runs-claimed")
      const claimedAt = performance.now()
      // After a quick transaction little waits. The next claim is for what has gathered until then.
      const isBusy = () => performance.now() - claimedAt >= gatherMs && performance.now() < until
      parts = await handle(tools, parts, stopping, () => {
        if (!isBusy() || stopping.aborted) return undefined
        return { owner: process.owner(), members: group.filter(({ isApart }) => !isApart) }
      })
    }
  } finally {
    for (const member of group) member.end()
  }
  return { more: false }
}

/** Settles the parts; those that cannot be settled together leave. Answers what the settlement has claimed. */
async function handle(
  { db, config: { environment } }: RunTools,
  parts: readonly JointPart[],
  stopping: AbortSignal,
  goOn: JointWork["goOn"],
): Promise<readonly JointPart[]> {
  let left = parts.filter((part) => !mustLeave(part))
  leave(parts.filter(mustLeave))
  let settled: JointDone | undefined
  for (let nth = 0; nth < tries && left.length > 0 && settled === undefined && !stopping.aborted; nth++) {
    try {
      const lease = left[0]?.claim.lease ?? 0
      settled = await runJointly(db, { lease, parts: left, environment, goOn })
    } catch (error) {
      if (!(error instanceof JointPartFailed)) {
        leave(left)
        // A refusal at the commit names no handler.
        if (error instanceof Fenced || isStatementRefused(error)) return []
        throw error
      }
      left = left.filter((part) => part !== error.part)
      const { member, claim } = error.part
      // What a handler decides is no fault of it.
      if (error.cause instanceof GiveUp || error.cause instanceof TryLater) member.leave(claim)
      else member.leaveForLong(claim)
      reached("joint-part-left")
    }
  }
  if (settled === undefined) {
    leave(left)
    return []
  }
  reached("runs-committed")
  count(settled.done)
  leave(left.slice(settled.done.length))
  return settled.takeNext()
}

/** An event is gone, or the handler takes fewer events in a transaction. */
const mustLeave = ({ member: { handler }, claim: { runs, gone } }: JointPart) =>
  gone.length > 0 || ("atMost" in handler && handler.atMost !== undefined && runs.length > handler.atMost)

const leave = (parts: readonly JointPart[]) => {
  for (const { member, claim } of parts) member.leave(claim)
}

function count(done: readonly EndedJointPart[]): void {
  for (const { claim, ended } of done)
    for (const status of ["success", "skipped"] as const)
      metrics.processed(
        claim.handler,
        status,
        ended.filter((run) => run.status === status).map((run) => run.durationMs),
      )
}
