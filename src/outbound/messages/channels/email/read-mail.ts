/** Reads a mail of the local mailbox, in a child process. A mail that can't be read is shown without its parts. */
import { join } from "node:path"
import * as Schema from "effect/Schema"
import { type BoundedTask, NotDone, runBounded } from "#base/bounded/run-bounded.ts"

const Parts = Schema.Struct({
  messageId: Schema.String,
  subject: Schema.String,
  /** The addresses as the header has them; empty without a header. */
  from: Schema.String,
  to: Schema.String,
  text: Schema.String,
  html: Schema.String,
})
export type MailParts = typeof Parts.Type

/** A mail has at most 1 MiB, which takes milliseconds. */
const maxMs = 5_000

const partsOfMail: BoundedTask<{ readonly raw: string }, MailParts> = {
  module: join(import.meta.dir, "tasks/parts-of-mail.ts"),
  timeMs: maxMs,
  decode: Schema.decodeUnknownSync(Parts),
}

export const readMail = (raw: string, task = partsOfMail): Promise<MailParts> =>
  runBounded(task, { raw }, "mailbox").catch((error: unknown) => {
    if (error instanceof NotDone) return unreadable
    throw error
  })

const unreadable: MailParts = { messageId: "", subject: "", from: "", to: "", text: "", html: "" }
