/** Where a text stops being JSON (RFC 8259). The runtime's own parser does not say it. Pure. */

/** Line and column count from 1. The end of the text, when the text is JSON so far. */
export function jsonFaultPlace(text: string): { readonly line: number; readonly column: number } {
  const before = text.slice(0, faultAt(text)).split("\n")
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
}

/** What may come next. The first value of a list and the first name of an object may be missing. */
type Next = "value" | "first value" | "name" | "first name" | "colon" | "end"

const space = /[ \t\n\r]*/y
const word =
  /[{}[\],:]|"(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/uy

function faultAt(text: string): number {
  const open: ("{" | "[")[] = []
  let next: Next = "value"
  for (let at = 0; ; ) {
    space.lastIndex = at
    at += space.exec(text)?.[0].length ?? 0
    word.lastIndex = at
    const found = word.exec(text)?.[0]
    const then: Next | undefined = found === undefined ? undefined : after(found, next, open)
    if (found === undefined || then === undefined) return at
    next = then
    at += found.length
  }
}

/** What may come after the word; undefined when the word may not come. */
function after(found: string, next: Next, open: ("{" | "[")[]): Next | undefined {
  const wantsValue = next === "value" || next === "first value"
  switch (found) {
    case "{":
    case "[":
      if (!wantsValue) return undefined
      open.push(found)
      return found === "{" ? "first name" : "first value"
    case "}":
      return (next === "first name" || next === "end") && open.pop() === "{" ? "end" : undefined
    case "]":
      return (next === "first value" || next === "end") && open.pop() === "[" ? "end" : undefined
    case ",":
      if (next !== "end" || open.length === 0) return undefined
      return open.at(-1) === "{" ? "name" : "value"
    case ":":
      return next === "colon" ? "value" : undefined
    default:
      if (wantsValue) return "end"
      return (next === "name" || next === "first name") && found.startsWith('"') ? "colon" : undefined
  }
}
