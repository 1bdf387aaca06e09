// The final state: each run and each delivery has ended, and its end follows from the scripted faults.

import { type Model, maxRetries } from "./model.ts"
import type { Tables } from "./tables.ts"

const unfinished = new Set(["pending", "running", "retrying", "queued"])

export function* finalDifferences(model: Model, { outbox, runs, deliveries, attempts }: Tables): Iterable<string> {
  if (outbox.length > 0) yield `${outbox.length} events were never dispatched`
  for (const { id, outcome } of attempts) if (outcome === "started") yield `attempt ${id} has no end`
  for (const { handler, position, status, errors } of runs) {
    if (unfinished.has(status)) yield `${handler}@${position} is ${status}`
    const run = model.runs.get(`${handler}@${position}`)
    if (!run?.event.poisons.has(run.handler) || run.calls.some(({ early }) => early)) continue
    if (status !== "dead_letter") yield `${handler}@${position} can only fail, and is ${status}`
    if (errors?.length !== maxRetries[run.handler] + 1) yield `${handler}@${position} failed ${errors?.length} times`
  }
  for (const { webhook_id, position, status } of deliveries) {
    if (unfinished.has(status)) yield `the delivery ${webhook_id}@${position} is not finished`
    const delivery = model.deliveries.get(`${webhook_id}@${position}`)
    if (!delivery?.event.poisons.has("webhooks") || delivery.requests.some(({ early }) => early)) continue
    if (status === "delivered") yield `the delivery ${webhook_id}@${position} can only fail, and was delivered`
  }
}
