/**
 * Cuts an SQL statement in a tagged template into its selects. Each select has its own text, without the selects in its
 * parentheses. The fragments in its holes are read in their place; every other hole reads `${}` or `${its.name}`.
 */

import { type Part, partsOf } from "./typescript.ts"

export interface Select {
  /** Its text without the inner selects: each of them reads `(#)`. */
  readonly own: string
  /** Its text with the inner selects. */
  readonly whole: string
  /** The words before its parenthesis: "and exists", "b.id in", "with mine as". */
  readonly before: string
  readonly parent: Select | undefined
}

/** The statements of a text: tagged templates that stand in no other one, each with its fragments. */
export function statementsOf(text: string): string[] {
  const tagged = partsOf(text).filter(({ kind, tagged }) => kind === "template" && tagged)
  const isIn = (part: Part, from: number, to: number) => from <= part.start && part.end <= to
  const outermost = (parts: readonly Part[]) =>
    parts.filter((part) => !parts.some((other) => other !== part && isIn(part, other.start, other.end)))
  const read = ({ chunks }: Part): string =>
    chunks
      .map(([from, to], nth) => {
        const next = chunks[nth + 1]?.[0]
        if (next === undefined) return text.slice(from, to)
        const fragments = outermost(tagged.filter((part) => isIn(part, to, next)))
        const [name = ""] = /(?<=^\$\{)[\w.]+(?=\}$)/.exec(text.slice(to, next)) ?? []
        return text.slice(from, to) + (fragments.length > 0 ? fragments.map(read).join(" ") : `\${${name}}`)
      })
      .join("")
  return outermost(tagged).map(read)
}

/** The statement itself first, then its inner selects. */
export function selectsOf(sql: string): Select[] {
  const found: Select[] = []
  const read = (from: number, before: string, parent: Select | undefined): number => {
    const select = { own: "", whole: "", before, parent }
    found.push(select)
    let at = from
    for (let depth = 0; at < sql.length; at++) {
      const char = sql.charAt(at)
      if (char === ")" && depth-- === 0 && parent !== undefined) break
      if (char === "(") {
        if (/^\s*(?:select|with|update|insert|delete)\b/i.test(sql.slice(at + 1, at + 40))) {
          at = read(at + 1, sql.slice(Math.max(0, at - 60), at), select)
          select.own += "(#)"
          continue
        }
        depth++
      }
      select.own += char
    }
    select.whole = sql.slice(from, at)
    return at
  }
  read(0, "", undefined)
  return found
}
