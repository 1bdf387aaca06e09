// The ways in which a handler gets its events: once, twice, in another order, and again after a crash. The crash comes
// between its effect and the settlement of its runs.

import { expect } from "bun:test"
import type { Handler } from "#actors/handlers/handler.ts"
import { type Claim, claimFreshRuns, claimQueuedRuns, releaseAbandonedRuns } from "#actors/runs/claim.ts"
import { handleClaim } from "#actors/runs/handle-claim.ts"
import { retryPolicyOf } from "#actors/runtime/retry.ts"
import type { Db } from "#base/database/db.ts"
import { causedBy } from "#events/caused-by.ts"
import { setEventContext } from "#events/outbox.ts"
import { dispatchAll, endProcess, processRow } from "./pipeline.ts"
import { actorOf, drain } from "./runs.ts"

const environment = "development"

export type Delivery = (db: Db, handler: Handler) => Promise<void>

/** In the order of the log, by one process. */
export const once: Delivery = async (db, handler) => {
  await dispatchAll(db)
  await drain(actorOf(db, await processRow(db, true), handler))
}

/** A process stops with its claim, another one handles the runs, and then the first goes on with them. */
export const twice: Delivery = async (db, handler) => {
  const stopped = await stoppedClaim(db, handler)
  await drain(actorOf(db, await processRow(db, true), handler))
  // What a transactional handler does then is rolled back. An external one has done it a second time.
  await handle(db, handler, stopped).catch((error: { _tag?: string }) => expect(error._tag).toBe("Fenced"))
}

/** One by one, in the order that the numbers give; without numbers, the newest first. */
export const inOrderOf =
  (numbers?: Iterable<number>): Delivery =>
  async (db, handler) => {
    const stopped = await stoppedClaim(db, handler)
    const owner = await processRow(db, true)
    await releaseAbandonedRuns(db, handler.name, owner, 0, 3)
    const next = numbers?.[Symbol.iterator]()
    const placed = stopped.runs.map((run, nth) => ({ run, at: next ? (next.next().value ?? nth) : -nth }))
    for (const { run } of placed.toSorted((a, b) => a.at - b.at)) {
      await db`
        update slotbase.handler_queue
        set ready_at = slotbase.now() + case when position = ${run.position} then interval '0' else interval '1 hour' end
        where handler = ${handler.name}`
      const claim = await claimQueuedRuns(db, handler.name, owner, 0, 1)
      expect(claim.runs.map(({ position }) => position)).toEqual([run.position])
      expect(await handle(db, handler, claim)).toBe(true)
    }
  }

/** The process dies when it has made the effects and settled nothing; another one handles the runs again. */
export const afterACrash: Delivery = async (db, handler) => {
  await dispatchAll(db)
  const owner = await processRow(db, true)
  const claim = await claimFreshRuns(db, handler.name, owner, 0, 500)
  if (handler.kind === "external") {
    for (const run of claim.runs) {
      const idempotencyKey = `${run.id}:${handler.name}`
      // A run that asks for patience or fails has made its effect all the same.
      await handler.handle(run, { db, idempotencyKey, signal: new AbortController().signal }).catch(() => {})
    }
  } else {
    const crash = db.begin(async (tx) => {
      if ("handleAll" in handler) await handler.handleAll(tx, claim.runs)
      else
        for (const run of claim.runs) {
          setEventContext(tx, causedBy(run, environment))
          await handler.handle(tx, run)
        }
      throw new Error("the process dies")
    })
    await expect(crash).rejects.toThrow("the process dies")
  }
  await endProcess(db, owner)
  await drain(actorOf(db, await processRow(db, true), handler))
}

async function stoppedClaim(db: Db, handler: Handler): Promise<Claim> {
  await dispatchAll(db)
  const owner = await processRow(db, true)
  const claim = await claimFreshRuns(db, handler.name, owner, 0, 500)
  await endProcess(db, owner)
  return claim
}

const handle = (db: Db, handler: Handler, claim: Claim) =>
  handleClaim(
    { db, handler, policy: retryPolicyOf(handler.name, handler.retry), environment },
    claim,
    new AbortController().signal,
  )
