// The comments of TypeScript and SQL, their lines and their blocks.

import { expect, test } from "bun:test"
import { blocksOf, commentLinesOf, openingOf } from "./comments.ts"

const blocks = (path: string, text: string) => blocksOf(path, text).map(({ line, lines }) => ({ line, lines }))

test("the opening comment is the first thing in a file, but for the line that names its interpreter", () => {
  expect(openingOf("// A\n// b.\n\n// Next.")).toBe("A b.")
  expect(openingOf("#!/usr/bin/env bun\n/**\n * A\n * b.\n */\nc")).toBe("A b.")
  expect(openingOf('import a from "a" // late\n// later')).toBe("")
  expect(openingOf("")).toBe("")
})

test("consecutive lines are one block, and code between them separates blocks", () => {
  const text = "  // a\n  // b\n\n// c\nd() // e\n// f\n/**\n * g\n *\n * h\n */\n// biome-ignore lint/i: j"
  expect(blocks("a.ts", text)).toEqual([
    { line: 1, lines: ["a", "b"] },
    { line: 4, lines: ["c"] },
    { line: 5, lines: ["e", "f"] },
    { line: 7, lines: ["", "g", "", "h", ""] },
  ])
})

test("in SQL the text of a comment on something is a block as well", () => {
  const sql = "-- a\n-- b\nselect '-- c';\ncomment on table d is\n  'e''s '\n  'f';\ncomment on column d.g is null;"
  expect(blocks("a.sql", sql)).toEqual([
    { line: 1, lines: ["a", "b"] },
    { line: 4, lines: ["e's f"] },
  ])
})

test("a line counts when it ends in a comment", () => {
  const text = 'a() // b\n/* c */ d()\n/* e\n   f */\nconst g = "// h"\n/* i */'
  expect(commentLinesOf("a.ts", text)).toEqual([
    { line: 1, text: "a() // b" },
    { line: 3, text: "/* e" },
    { line: 4, text: "   f */" },
    { line: 6, text: "/* i */" },
  ])
})
