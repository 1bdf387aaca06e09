/** The correlation id: one for all that follows from a request, in its answer's header, its events and its log lines. */
import { isId, newId } from "#base/ids.ts"

/** What Elysia lets a route say about its answer. */
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
