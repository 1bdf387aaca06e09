/**
 * Cuts a TypeScript text into comments, strings, templates and regular expressions; the rest is code. The laws read by
 * patterns. This file keeps commented-out code and strings from misleading them. It is no parser: JSX text is read as
 * code.
 */

export interface Part {
  readonly kind: "comment" | "string" | "template" | "regex"
  readonly start: number
  readonly end: number
  /** The ranges between its marks. A template has one range more than holes, because a hole is code. */
  readonly chunks: readonly (readonly [from: number, to: number])[]
  /** The text between its marks; a hole reads `{}`. */
  readonly text: string
  /** A template with a tag, as in sql`…`. */
  readonly tagged: boolean
}

/** After these words a slash opens a regular expression; after another word it divides. */
const beforeRegex = /(^|[^\w$.])(return|typeof|case|in|of|void|delete|throw|new|else|await|yield)$/

const partsKnown = new Map<string, readonly Part[]>()
const codeKnown = new Map<string, string>()

/** The parts of a text, in the order of their ends: a template comes after the parts in its holes. */
export function partsOf(text: string): readonly Part[] {
  const parts = partsKnown.get(text) ?? cut(text)
  partsKnown.set(text, parts)
  return parts
}

/**
 * The text at the same length, so that a match can be looked up in the original. Comments are blank, and `_` stands for
 * each character in strings, templates and regular expressions. Line ends stay.
 */
export function codeOf(text: string): string {
  const code = codeKnown.get(text) ?? hide(text)
  codeKnown.set(text, code)
  return code
}

function hide(text: string): string {
  const ranges = partsOf(text).flatMap((part) =>
    part.kind === "comment"
      ? [{ from: part.start, to: part.end, by: " " }]
      : part.chunks.map(([from, to]) => ({ from, to, by: "_" })),
  )
  let code = ""
  for (const { from, to, by } of ranges.sort((a, b) => a.from - b.from)) {
    code += text.slice(code.length, from)
    code += text.slice(from, to).replace(/[^\n]/g, by)
  }
  return code + text.slice(code.length)
}

function cut(text: string): Part[] {
  const parts: Part[] = []
  let at = text.startsWith("#!") ? endOfLine(text, 0) : 0
  /** The end of the last code: it decides whether a slash divides. */
  let last = at

  const add = (kind: Part["kind"], start: number, chunks: Part["chunks"], end: number, tagged = false) => {
    const inner = chunks.map(([from, to]) => text.slice(from, to)).join("{}")
    parts.push({ kind, start, end, chunks, text: inner, tagged })
    at = end
    if (kind !== "comment") last = end
  }

  const template = () => {
    const start = at
    const tagged = /[\w$)\]>]/.test(text.charAt(start - 1))
    const chunks: [number, number][] = []
    let from = ++at
    while (at < text.length && text.charAt(at) !== "`") {
      if (text.startsWith("${", at)) {
        chunks.push([from, at])
        at += 2
        last = at
        code(true)
        from = ++at
      } else at += text.charAt(at) === "\\" ? 2 : 1
    }
    add("template", start, [...chunks, [from, at]], at + 1, tagged)
  }

  /** Reads to the end of the text, or to the brace that closes the hole of a template. */
  const code = (inHole: boolean) => {
    for (let depth = 0; at < text.length; ) {
      const char = text.charAt(at)
      if (text.startsWith("//", at)) {
        const end = endOfLine(text, at)
        add("comment", at, [[at + 2, end]], end)
      } else if (text.startsWith("/*", at)) {
        const close = indexOr(text, "*/", at + 2)
        add("comment", at, [[at + 2, close]], close + 2)
      } else if (char === '"' || char === "'") {
        const close = endOfQuoted(text, at)
        add("string", at, [[at + 1, close]], close + 1)
      } else if (char === "`") template()
      else if (char === "/" && opensRegex(text, last)) {
        const close = endOfRegex(text, at)
        add("regex", at, [[at + 1, close]], close + 1)
      } else {
        if (char === "{") depth++
        if (char === "}" && depth-- === 0 && inHole) return
        at++
        if (char.trim() !== "") last = at
      }
    }
  }

  code(false)
  return parts
}

function opensRegex(text: string, last: number): boolean {
  const before = text.charAt(last - 1)
  return !/[\w$)\]"'`}]/.test(before) || beforeRegex.test(text.slice(Math.max(0, last - 12), last))
}

function endOfLine(text: string, from: number): number {
  return indexOr(text, "\n", from)
}

function indexOr(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from)
  return found < 0 ? text.length : found
}

/** The end of a string: its mark, or the end of its line when the mark is missing. */
function endOfQuoted(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text.charAt(at) === "\\") at++
    else if (text.charAt(at) === text.charAt(start) || text.charAt(at) === "\n") return at
  }
  return text.length
}

function endOfRegex(text: string, start: number): number {
  let inClass = false
  for (let at = start + 1; at < text.length; at++) {
    const char = text.charAt(at)
    if (char === "\\") at++
    else if (char === "[") inClass = true
    else if (char === "]") inClass = false
    else if (char === "\n" || (char === "/" && !inClass)) return at
  }
  return text.length
}
