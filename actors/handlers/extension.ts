/**
 * The handlers of a company's own file, as handlers of this program. A transactional one is idempotent because its
 * effects commit with its run. An external one is as idempotent as its receiver: it gets the same key at every attempt.
 */

import type { Config } from "#base/config.ts"
import { guardedFetch } from "#base/egress/fetch.ts"
import { toDomainEvent } from "#events/envelope.ts"
import { record } from "#events/outbox.ts"
import type {
  DatabaseTools,
  ExtensionEvent,
  ExtensionHandler,
  ExtensionOutcome,
  OutsideTools,
} from "#hooks/extension.ts"
import { GiveUp, type HandledEvent, type Handler, type Outcome, TryLater } from "./handler.ts"

export interface ExtensionHandlerTools {
  readonly config: Pick<Config, "egressAllow">
}

export function extensionHandler(given: ExtensionHandler, { config }: ExtensionHandlerTools): Handler {
  const { name, events, retry } = given
  const common = { name, events, ...(retry && { retry }) }
  if (given.kind === "transactional") {
    return {
      ...common,
      kind: "transactional",
      handle: async (tx, event) => {
        const tools: DatabaseTools = {
          ...toolsOf(event),
          sql: tx,
          record: (asked) => record(tx, { facilityId: event.facility_id, ...asked }),
        }
        return outcomeOf(name, await given.handle(asExtensionEvent(event), tools))
      },
    }
  }
  return {
    ...common,
    kind: "external",
    handle: async (event, { idempotencyKey, signal }) => {
      const tools: OutsideTools = {
        ...toolsOf(event),
        idempotencyKey,
        signal,
        fetch: (url, request = {}) => guardedFetch(url, { ...request, allow: config.egressAllow, signal }),
      }
      return outcomeOf(name, await given.handle(asExtensionEvent(event), tools))
    },
  }
}

const asExtensionEvent = (event: HandledEvent) => toDomainEvent(event) as unknown as ExtensionEvent

const toolsOf = ({ position }: HandledEvent) => ({
  position,
  giveUp: (message: string): never => {
    throw new GiveUp(message)
  },
  tryLater: (message: string, retryAfterMs: number): never => {
    if (!Number.isFinite(retryAfterMs) || retryAfterMs < soonestMs)
      throw new Error(`tryLater: ${retryAfterMs} ms; wait at least ${soonestMs} ms`)
    throw new TryLater(message, retryAfterMs)
  },
})

/** Retries that use up no attempt must not turn into a busy loop. */
const soonestMs = 500

function outcomeOf(name: string, outcome: ExtensionOutcome): Outcome {
  if (outcome === undefined) return undefined
  if (typeof outcome?.skipped === "string") return { skipped: outcome.skipped }
  throw new Error(`${name} answered neither nothing nor { skipped }`)
}
