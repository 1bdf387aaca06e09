/** A fault of a facility's own Liquid template, with its place: of webhooks, and of messages. Pure. */
import type { LiquidError } from "liquidjs"

/** Line and column count from 1. */
export interface TemplateFault {
  readonly message: string
  readonly line?: number
  readonly column?: number
}

export const faultText = ({ message, line, column }: TemplateFault) =>
  line === undefined ? message : `line ${line}, column ${column}: ${message}`

/** As a sentence: an error of LiquidJS ends without a full stop. */
export const faultSentence = (fault: TemplateFault) => {
  const text = faultText(fault)
  return /[.!?]$/.test(text) ? text : `${text}.`
}

/** The fault of an error that LiquidJS threw. */
export function liquidFaultOf(error: unknown): TemplateFault {
  const { message, token } = error as LiquidError & { token?: { getPosition(): [number, number] } }
  const said = String(message).replace(/, line:\d+, col:\d+$/, "")
  const known = said.includes("limit exceeded") ? `The template does too much: ${said}.` : said
  const [line, column] = token?.getPosition?.() ?? []
  return line === undefined || column === undefined ? { message: known } : { message: known, line, column }
}

/** Undefined: no more blocks are inside each other. The parser and the renderer call themselves once per level. */
export function depthFault(template: string, maxDepth: number): TemplateFault | undefined {
  let depth = 0
  for (const { 1: end, index } of template.matchAll(/\{%-?\s*(end)?(?:if|unless|case|for|tablerow|capture)\b/g)) {
    depth += end ? -1 : 1
    if (depth <= maxDepth) continue
    const before = template.slice(0, index).split("\n")
    const message = `More than ${maxDepth} blocks are inside each other.`
    return { message, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
  }
  return undefined
}

/**
 * The fault that a child process answered, which has read a stranger's template. Throws when it is of another form.
 */
export function decodeFault(answer: unknown): TemplateFault {
  const { message, line, column } = (answer ?? {}) as { message?: unknown; line?: unknown; column?: unknown }
  if (typeof message !== "string") throw new Error("another form")
  const place = Number.isInteger(line) && Number.isInteger(column) && { line: line as number, column: column as number }
  return { message: message.slice(0, maxMessageLength), ...place }
}
const maxMessageLength = 300
