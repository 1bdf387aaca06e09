/**
 * A line of the log for a request that failed on our side. The line never holds a body, a header, a statement or a
 * parameter. PostgreSQL's own message is left out as well, because it may quote a value. A client that hangs up in the
 * middle of its request is no fault of ours, and anybody can do it at will.
 */
import postgres from "postgres"
import { log } from "#base/log.ts"

export interface FailedRequest {
  readonly correlationId: string
  readonly method: string
  /** The route's pattern, such as /v1/facilities/:facilityId, never the address itself. */
  readonly route: string
}

export function logFailure(error: unknown, request: FailedRequest): void {
  if (isHungUp(error)) log.debug("request cut short", { ...request })
  else log.error("request failed", { ...request, error: describeFailure(error) })
}

/** Bun's error for a body whose connection ended before the body did, however the body is read. */
const isHungUp = (error: unknown): boolean =>
  error instanceof Error && error.name === "AbortError" && error.message === "The connection was closed."

const maxText = 500
const maxFrames = 8

function describeFailure(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { name: typeof error }
  const code = "code" in error ? { code: String(error.code).slice(0, maxText) } : {}
  const stack = (error.stack ?? "").split("\n").filter((line) => /^\s+at |^[^\s]*@/.test(line))
  const frames = { stack: stack.slice(0, maxFrames).map((line) => line.trim()) }
  if (error instanceof postgres.PostgresError) {
    return { name: "PostgresError", ...code, constraint: error.constraint_name, table: error.table_name, ...frames }
  }
  return { name: error.name.slice(0, maxText), ...code, message: error.message.slice(0, maxText), ...frames }
}
