/**
 * One transaction of several handlers: their effects and their settlement commit together, and with them the claim of
 * what comes next. The handlers come one after the other, in the order of the registry. None may hold the others for
 * long: a part has a limit, and so has the whole.
 */

import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { isConnectionLost, isUnsent } from "#base/database/errors.ts"
import type { Tx } from "#base/database/transaction.ts"
import type { EventContext } from "#events/outbox.ts"
import { handlingOf } from "./batch-transaction.ts"
import { askForClaim, type EndedJointPart, type JointPart, settleJointly, takeClaim } from "./joint-claim.ts"
import type { JointMember } from "./joint-member.ts"
import { asFenced, type Ended } from "./settle.ts"

/**
 * A part that takes longer has failed, here and by itself not. The server ends a statement after it too, such as one
 * that waits for a lock.
 */
export const partMs = 200
/** After this time the transaction commits, and the handlers that have not begun work by themselves. */
const wholeMs = 500
/** As in batch-transaction.ts: a process that is stopped keeps its locks no longer. */
const idleLimit = "2s"

/** The handler of a part threw, or took too long; the other parts did not fail. */
export class JointPartFailed extends Error {
  constructor(
    readonly part: JointPart,
    override readonly cause: unknown,
  ) {
    super(`${part.claim.handler} failed`)
  }
}

/** The part took longer than the others should wait. */
class PartTooLong extends Error {}

export interface JointWork {
  readonly lease: number
  readonly parts: readonly JointPart[]
  readonly environment: EventContext["environment"]
  /**
   * Asked after the effects: the handlers for which the settlement also claims what comes next. It claims nothing when
   * it has no time for all parts.
   */
  readonly goOn: () => { readonly owner: number; readonly members: readonly JointMember[] } | undefined
}

export interface JointDone {
  /** The parts that are settled. */
  readonly done: readonly EndedJointPart[]
  /** What the settlement has claimed. */
  readonly takeNext: () => Promise<readonly JointPart[]>
}

/**
 * Handles as many parts as there is time for; at least the first one. Throws JointPartFailed for an error of a handler,
 * and Fenced when a part is somebody else's now. Then nothing is claimed either.
 */
export async function runJointly(db: Db, { lease, parts, environment, goOn }: JointWork): Promise<JointDone> {
  const begun = performance.now()
  let next: ReturnType<JointWork["goOn"]>
  let asked: ReturnType<typeof askForClaim> | undefined
  try {
    const done = await db.begin(async (tx) => {
      // Travels with the first statement of the first part; if it fails, so does the transaction.
      tx`
        select set_config('idle_in_transaction_session_timeout', ${idleLimit}, true), set_config('statement_timeout', ${`${partMs}ms`}, true)`.catch(
        () => {},
      )
      const done: EndedJointPart[] = []
      for (const part of parts) {
        done.push({ ...part, ended: await handlePart(tx, part, environment) })
        reached("joint-part-made")
        if (performance.now() - begun > wholeMs) break
      }
      next = done.length === parts.length ? goOn() : undefined
      // Both travel with COMMIT in one round trip.
      tx.beforeCommit((last) => {
        const settled = settleJointly(last, lease, done)
        if (next) asked = askForClaim(last, next.owner, next.members, false)
        return asked ? [settled, asked] : [settled]
      })
      return done
    })
    const claimed = (await asked)?.[0]
    return { done, takeNext: async () => (next && claimed ? takeClaim(db, next.members, claimed) : []) }
  } catch (error) {
    throw asFenced(error)
  }
}

async function handlePart(
  tx: Tx,
  part: JointPart,
  environment: EventContext["environment"],
): Promise<readonly Ended[]> {
  const { promise: tooLong, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new PartTooLong(`no end after ${partMs} ms`)), partMs)
  const work = handlingOf(part.member.handler, part.claim.runs, environment).run(tx)
  // What is left of a part that took too long finds its transaction closed.
  work.catch(() => {})
  try {
    return await Promise.race([work, tooLong])
  } catch (error) {
    throw isConnectionLost(error) || isUnsent(error) ? error : new JointPartFailed(part, error)
  } finally {
    clearTimeout(timer)
  }
}
