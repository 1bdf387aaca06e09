/**
 * The context of a request's events: the caller, the client's address, and the cause. Every command of a request
 * records its events in this one context, and the answer names them in one header.
 */

import type { Caller } from "#access/caller.ts"
import type { EventContext } from "#events/outbox.ts"
import type { App } from "./app.ts"
import { correlationIdOf, type ResponseSettings } from "./correlation.ts"

/** The parts of a request beside its body. */
export interface RequestParts {
  readonly request: Request
  readonly set: ResponseSettings
  readonly clientIp: () => string | undefined
  /** The pattern of the route. */
  readonly route: string
}

/** @param caller Undefined on the open routes. @param userId The actor when it is not the caller. */
export function contextOfRequest(
  { config }: Pick<App, "config">,
  { request, set, clientIp, route }: RequestParts,
  caller: Pick<Caller, "userId" | "kind" | "apiKeyId"> | undefined,
  userId = caller?.userId,
): EventContext {
  const address = clientIp()
  const userAgent = request.headers.get("user-agent")?.slice(0, maxUserAgent).replace(controls, " ")
  return {
    environment: config.environment,
    correlationId: correlationIdOf({ request, set }),
    ...(userId !== undefined && { userId }),
    ...(address !== undefined && { clientIp: address }),
    ...(userAgent !== undefined && { userAgent }),
    request: {
      method: request.method,
      route,
      ...(caller && { actorKind: caller.kind }),
      ...(caller?.apiKeyId !== undefined && { apiKeyId: caller.apiKeyId }),
    },
  }
}

/** Names events in the answer, after those that it names already. */
export function addEventIds(set: ResponseSettings, eventIds: readonly string[]): void {
  const before = set.headers[eventIdsHeader]
  const all = [...(typeof before === "string" && before !== "" ? before.split(",") : []), ...eventIds]
  if (all.length > 0) set.headers[eventIdsHeader] = all.join(",")
}

export const eventIdsHeader = "x-slotbase-event-ids"
const maxUserAgent = 256
/** HTTP lets some through, such as U+009B, which begins a command of a terminal. */
const controls = /\p{Cc}/gu
