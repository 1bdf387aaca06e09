/** Reads a bounce in a child process: it comes from strangers. */
import { join } from "node:path"
import * as Schema from "effect/Schema"
import { type BoundedTask, NotDone, runBounded } from "#base/bounded/run-bounded.ts"

const Parts = Schema.Struct({
  /** It has a part for programs (message/delivery-status). */
  isReport: Schema.Boolean,
  /** What names the message that bounced, the surest first. */
  messageIds: Schema.Array(Schema.String),
  recipients: Schema.Array(
    Schema.Struct({
      /** failed, delayed, delivered, relayed or expanded. */
      action: Schema.String,
      /** Such as 5.1.1; empty: it has none. */
      status: Schema.String,
      /** What the server said. */
      answer: Schema.String,
    }),
  ),
})
export type BounceParts = typeof Parts.Type

/** A report takes milliseconds, and seconds on a crowded machine. */
const maxMs = 5_000

export const partsOfBounce: BoundedTask<{ readonly raw: string }, BounceParts> = {
  module: join(import.meta.dir, "tasks/parts-of-bounce.ts"),
  timeMs: maxMs,
  decode: Schema.decodeUnknownSync(Parts),
}

/**
 * What can't be read is no report.
 * @throws NotDone when the machine had no time or no process to read it: the mail server hands it over again
 */
export const readBounce = (raw: string, task = partsOfBounce): Promise<BounceParts> =>
  runBounded(task, { raw }, "bounces").catch((error: unknown) => {
    if (error instanceof NotDone && (error.reason === "crash" || error.reason === "memory"))
      return { isReport: false, messageIds: [], recipients: [] }
    throw error
  })
