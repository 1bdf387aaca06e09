// What no answer may hold: a path of this machine, or a frame of a stack.

import { homedir } from "node:os"
import { join } from "node:path"

const project = join(import.meta.dir, "../../..")
const home = homedir()
// A user without a home has the root folder, whose path is in every address.
const folders = home === "/" ? [project] : [project, `${home}/`]

/** A line break as it is, or as JSON writes it; then a frame as the runtime writes it. */
const frame = /(?:\n|\\n)\s+at |\bat async /

/**
 * A sentence for each of them in a body, as text or as parsed JSON. A dead letter shows the stack of its error, by
 * DeadLetterEntry of the specification. So the value of a key `stack` is passed over.
 */
export function leaksIn(body: unknown): string[] {
  const text = typeof body === "string" ? body : (JSON.stringify(body, withoutStack) ?? "")
  const leaks = folders.filter((folder) => text.includes(folder)).map((folder) => `the body names ${folder}`)
  return frame.test(text) ? [...leaks, "the body holds a frame of a stack"] : leaks
}

const withoutStack = (name: string, value: unknown) => (name === "stack" ? undefined : value)
