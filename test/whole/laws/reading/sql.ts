/**
 * The tables that SQL writes, by patterns, in a file of sql/ and in the strings and templates of a TypeScript file.
 * Comments and quoted texts are left out. Two kinds of writes are not found: a call of an SQL function that writes, and
 * SQL that SQL puts together.
 */

import { partsOf } from "./typescript.ts"

export interface Write {
  readonly verb: "insert" | "update" | "delete" | "merge" | "truncate" | "copy"
  /** Without its schema; undefined when the statement takes its name from a value. */
  readonly table: string | undefined
  readonly at: number
}

const table = String.raw`(?:("?)(\w+)\1\s*\.\s*)?(?:(\{\})|("?)(\w+)\4)`
const verbs = [
  ["insert", String.raw`\binsert\s+into\s+${table}`],
  ["merge", String.raw`\bmerge\s+into\s+(?:only\s+)?${table}`],
  ["delete", String.raw`\bdelete\s+from\s+(?:only\s+)?${table}`],
  ["update", String.raw`\bupdate\s+(?:only\s+)?${table}(?:\s+(?:as\s+)?\w+)?\s+set\b`],
  ["truncate", String.raw`\btruncate\s+(?:table\s+)?(?:only\s+)?${table}`],
  ["copy", String.raw`\bcopy\s+${table}\s*(?:\([^)]*\)\s*)?from\b`],
] as const
const patterns = verbs.map(([verb, pattern]) => ({ verb, pattern: new RegExp(pattern, "gi") }))

/** @param certain whether the text is known to be SQL. Otherwise a table counts only with its schema before it. */
export function writesOf(sql: string, certain: boolean): Write[] {
  const code = sqlCodeOf(sql)
  return patterns
    .flatMap(({ verb, pattern }) =>
      [...code.matchAll(pattern)].flatMap((match): Write[] => {
        const [, , schema, hole, , name] = match
        const ours = schema?.toLowerCase() === "slotbase" || (certain && schema === undefined)
        return ours ? [{ verb, table: hole ? undefined : name?.toLowerCase(), at: match.index }] : []
      }),
    )
    .sort((a, b) => a.at - b.at)
}

export function writesIn(typescript: string): Write[] {
  return partsOf(typescript)
    .filter(({ kind }) => kind === "string" || kind === "template")
    .flatMap(({ text, tagged }) => writesOf(text, tagged))
}

/** The text at the same length, without comments and without texts in single quotes. */
function sqlCodeOf(sql: string): string {
  return sql.replace(/--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:[^']|'')*(?:'|$)/g, (part) =>
    part.startsWith("'") ? part.replace(/[^'\n]/g, "_") : part.replace(/[^\n]/g, " "),
  )
}

/** The places of its comments. */
export function sqlComments(sql: string): { start: number; end: number }[] {
  return [...sql.matchAll(/'(?:[^']|'')*'|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g)]
    .filter(([part]) => !part.startsWith("'"))
    .map(({ 0: part, index }) => ({ start: index, end: index + part.length }))
}

/** The SQL function or procedure around a place. */
export function functionAround(sql: string, at: number): string | undefined {
  const bodies = sqlCodeOf(sql).matchAll(
    /\bcreate\s+(?:or\s+replace\s+)?(?:function|procedure)\s+([\w."]+)[^;$]*?(\$\w*\$)[\s\S]*?\2/gi,
  )
  for (const { 0: text, 1: name, index } of bodies) if (index <= at && at < index + text.length) return name
  return undefined
}
