/**
 * Commands of two halves with a call to the outside between them: the first is a command like any other (and what an
 * Idempotency-Key keeps), the second runs after its commit, in the same context, and its answer is what is sent.
 */
import type { Caller } from "#access/caller.ts"
import type { App } from "#base/app.ts"
import type { EventContext } from "#events/outbox.ts"
import { correlationIdOf, type ResponseSettings } from "./correlation.ts"

export interface OutsideRequest {
  readonly request: Request
  readonly set: ResponseSettings
  readonly clientIp: () => string | undefined
}

/** In whose name the second half records its events: as the first did. */
export function contextOfRequest(app: App, caller: Caller, { request, set, clientIp }: OutsideRequest): EventContext {
  const address = clientIp()
  const userAgent = request.headers.get("user-agent")?.slice(0, maxUserAgent)
  return {
    environment: app.config.environment,
    correlationId: correlationIdOf({ request, set }),
    userId: caller.userId,
    ...(address && { clientIp: address }),
    ...(userAgent && { userAgent }),
  }
}

/** Names the events of the second half in the answer. */
export function addEventIds(set: ResponseSettings, eventIds: readonly string[]): void {
  const before = set.headers[header]
  const all = [...(typeof before === "string" && before !== "" ? before.split(",") : []), ...eventIds]
  if (all.length > 0) set.headers[header] = all.join(",")
}

const header = "x-slotbase-event-ids"
const maxUserAgent = 256
