/** The text of a failure, as it is kept in the errors of a run. Pure. */

const stackLines = 12
const longestMessage = 2_000

export function describeFailure(cause: unknown): { message: string; code: string; stack?: string } {
  if (!(cause instanceof Error)) return { message: storable(String(cause)), code: "thrown" }
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : cause.name
  const stack = cause.stack?.split("\n").slice(0, stackLines).join("\n")
  return {
    message: storable(cause.message),
    code: storable(code),
    ...(stack !== undefined && { stack: storable(stack) }),
  }
}

/** The text without NUL and lone surrogates: PostgreSQL refuses them, and the run could never be settled. */
export const storable = (text: string) => text.slice(0, longestMessage).replaceAll("\0", "\ufffd").toWellFormed()
