/** The comments of a file: the one that opens it, their lines, and their prose in blocks. */

import { sqlComments } from "./sql.ts"
import { partsOf } from "./typescript.ts"

export interface CommentBlock {
  /** The first line of the block in its file, from 1. */
  readonly line: number
  /** Without the marks of a comment. */
  readonly lines: readonly string[]
}

export interface CommentLine {
  readonly line: number
  readonly text: string
}

/** Comments for a tool, in the tool's form. */
const directive = /^\s*(biome-ignore|@ts-|eslint-|\/\s*<)/

/** The text of the comment that opens a TypeScript file, as one line; empty when there is none. */
export function openingOf(text: string): string {
  const [first] = blocksOf("a.ts", text)
  const before = text.replace(/^#![^\n]*\n/, "").trimStart()
  return first && /^\/[/*]/.test(before) ? first.lines.join(" ").replace(/\s+/g, " ").trim() : ""
}

/** The lines of a file that end in a comment, as they stand there. */
export function commentLinesOf(path: string, text: string): CommentLine[] {
  const lines = text.split("\n")
  return placesOf(path, text).flatMap(({ start, end }) => {
    if (directive.test(text.slice(start + 2, end))) return []
    const first = lineAt(text, start)
    const last = lineAt(text, end)
    return lines
      .slice(first - 1, last)
      .map((line, index) => ({ line: first + index, text: line }))
      .filter(({ line }) => line < last || text.slice(end).split("\n", 1)[0]?.trim() === "")
  })
}

/** Consecutive comments of one line each are one block; in SQL, so is the text of a `comment on`. */
export function blocksOf(path: string, text: string): CommentBlock[] {
  return path.endsWith(".sql") ? [...inMarks(path, text), ...commentsOn(text)] : inMarks(path, text)
}

function inMarks(path: string, text: string): CommentBlock[] {
  const blocks: { line: number; lines: string[]; end: number; single: boolean }[] = []
  for (const { start, end } of placesOf(path, text)) {
    const single = !text.startsWith("/*", start)
    const before = blocks.at(-1)
    const lines = single ? [text.slice(start + 2, end).replace(/^ /, "")] : linesOfBlock(text.slice(start + 2, end - 2))
    if (directive.test(lines[0] ?? "")) continue
    if (single && before?.single && /^[ \t]*\n[ \t]*$/.test(text.slice(before.end, start))) {
      before.lines.push(...lines)
      before.end = end
    } else blocks.push({ line: lineAt(text, start), lines, end, single })
  }
  return blocks
}

function commentsOn(sql: string): CommentBlock[] {
  const statement = /\bcomment\s+on\s[^;']*?\sis\s+((?:'(?:[^']|'')*'\s*)+);/gi
  return [...sql.matchAll(statement)].map(({ 1: literals = "", index }) => ({
    line: lineAt(sql, index),
    lines: [
      literals
        .replace(/'\s*\n\s*'/g, "")
        .replace(/^'|'\s*$/g, "")
        .replaceAll("''", "'"),
    ],
  }))
}

function placesOf(path: string, text: string): { start: number; end: number }[] {
  return path.endsWith(".sql") ? sqlComments(text) : partsOf(text).filter(({ kind }) => kind === "comment")
}

function linesOfBlock(inner: string): string[] {
  return inner.split("\n").map((line) => line.replace(/^\s*\*+ ?|^ /, "").trimEnd())
}

function lineAt(text: string, at: number): number {
  return text.slice(0, at).split("\n").length
}
