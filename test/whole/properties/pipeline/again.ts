// Commands that put failed work back: a dead letter by the API's command or by the function for psql, a delivery by
// hand. The model knows which commands must be refused.

import { transact } from "#events/outbox.ts"
import { reprocess } from "#operations/dead-letters/dead-letters.ts"
import { retryDelivery } from "#outbound/webhooks/deliveries/deliveries.ts"
import { context } from "#test/harness/pipeline/pipeline.ts"
import { rootCaller } from "#test/harness/pipeline/webhooks.ts"
import { messagesOf } from "./check.ts"
import type { Consumer } from "./model.ts"
import type { LetterRow } from "./tables.ts"
import type { World } from "./world.ts"

/** @param cures whether the poison is removed, so that the work succeeds. */
export async function reprocessOne(world: World, nth: number, by: "api" | "sql", cures: boolean): Promise<void> {
  const { letters } = await world.check()
  // In the order of events, so that a counterexample finds the same dead letter again.
  const open = letters.filter(({ resolution }) => resolution === null)
  if (open.length > 0) await reprocessLetter(world, open[nth % open.length] as LetterRow, by, cures)
}

/** Reprocesses every open dead letter. Every second one is cured; the others fail again. */
export async function reprocessAll(world: World): Promise<void> {
  const { letters } = await world.check()
  const open = letters.filter(({ resolution }) => resolution === null)
  for (const [nth, letter] of open.entries())
    await reprocessLetter(world, letter, nth % 4 < 2 ? "api" : "sql", nth % 2 === 0)
}

async function reprocessLetter(world: World, letter: LetterRow, by: "api" | "sql", cures: boolean): Promise<void> {
  const work =
    by === "api"
      ? transact(world.db, context, (tx) => reprocess(tx, rootCaller, letter.id))
      : world.db`select slotbase.reprocess(${letter.id})`
  const allowed = canBeReprocessed(world, letter)
  const done = await work.then(
    () => true,
    (error: unknown) => {
      if (allowed) throw error
      return false
    },
  )
  if (done && !allowed) world.model.problems.push(`the dead letter ${letter.id} was reprocessed, and nobody is there`)
  if (done) reborn(world, letter, cures)
}

/** Retries a delivery by hand, in any state. */
export async function retryOne(world: World, nth: number): Promise<void> {
  const { deliveries, letters } = await world.check()
  const ordered = deliveries.toSorted((a, b) => a.position - b.position || a.webhook_id.localeCompare(b.webhook_id))
  const row = ordered[nth % ordered.length]
  const delivery = row && world.model.deliveries.get(`${row.webhook_id}@${row.position}`)
  if (!row || !delivery) return
  const refused = row.status === "delivered" || (row.status === "failed" && delivery.webhook.deleted)
  const work = transact(world.db, context, (tx) =>
    retryDelivery(tx, rootCaller, delivery.webhook.facility, row.delivery_id),
  )
  const done = await work.then(
    () => true,
    (error: unknown) => {
      if (!refused && row.status === "failed") throw error
      return false
    },
  )
  // A waiting delivery may be delivered meanwhile, because requests continue beside this one.
  if (done && refused) world.model.problems.push(`delivery ${row.delivery_id} was retried, and is ${row.status}`)
  const letter = letters.find((each) => each.delivery_id === row.delivery_id)
  if (done && row.status === "failed" && letter) reborn(world, letter, false)
}

function canBeReprocessed({ model }: World, { event_id, handler, webhook_id }: LetterRow): boolean {
  if (handler === null) return model.webhooks.some(({ id, deleted }) => id === webhook_id && !deleted)
  const run = [...model.runs.values()].find((each) => each.event.id === event_id && each.handler === handler)
  return run !== undefined && (model.subscribed.get(run.handler)?.includes(run.event.type) ?? false)
}

/** The retries begin anew, and the errors stay in the dead letter. */
function reborn({ model }: World, letter: LetterRow, cures: boolean): void {
  const run = [...model.runs.values()].find(
    (each) => each.event.id === letter.event_id && each.handler === letter.handler,
  )
  if (run) Object.assign(run, { calls: [], losses: 0, past: messagesOf(letter.errors) })
  const delivery = [...model.deliveries.values()].find(
    (each) => each.event.id === letter.event_id && each.webhook.id === letter.webhook_id,
  )
  if (delivery) delivery.lifeStart = delivery.ended
  const consumer: Consumer = run?.handler ?? "webhooks"
  if (cures) (run ?? delivery)?.event.poisons.delete(consumer)
}
