/**
 * The correlation id: one for everything that follows from a request. The answer's header, the events and the log
 * lines carry it.
 */
import { isId, newId } from "#base/ids.ts"

/** The part of Elysia's context that sets an answer's status and headers. */
export interface ResponseSettings {
  status?: number | string
  headers: Record<string, string | number>
}

/** The request's X-Correlation-ID when it is a UUID, else a new one; the answer will carry it. */
export function correlationIdOf({ request, set }: { request: Request; set: ResponseSettings }): string {
  const known = set.headers[header]
  if (typeof known === "string") return known
  const given = request.headers.get(header)
  const id = given !== null && isId(given) ? given.toLowerCase() : newId()
  set.headers[header] = id
  return id
}

const header = "x-correlation-id"
