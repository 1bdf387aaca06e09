// Code is distinguished from comments, strings, templates and regular expressions.

import { expect, test } from "bun:test"
import { codeOf, partsOf } from "./typescript.ts"

const parts = (text: string) => partsOf(text).map((part) => `${part.kind}: ${part.text}`)

test("comments, strings and templates are no code", () => {
  expect(parts(`a /* b */ "c" 'd' \`e\` // f "g"\nh`)).toEqual([
    "comment:  b ",
    "string: c",
    "string: d",
    "template: e",
    'comment:  f "g"',
  ])
})

test("a mark inside of another one opens nothing", () => {
  expect(parts(`"// a" /* "b" */ \`/* c \\\` */\` 'it\\'s' // it's`)).toEqual([
    "string: // a",
    'comment:  "b" ',
    "template: /* c \\` */",
    "string: it\\'s",
    "comment:  it's",
  ])
})

test("the hole of a template is code, to any depth", () => {
  const text = '`a ${b("c", { d: `e ${f /* g */} h` })} i` + j'
  expect(parts(text)).toEqual(["string: c", "comment:  g ", "template: e {} h", "template: a {} i"])
  expect(codeOf(text)).toBe('`__${b("_", { d: `__${f        }__` })}__` + j')
})

test("a slash divides after a value, and opens a regular expression after anything else", () => {
  expect(parts('a / b / c; (d) / 2; e[0] / "f"')).toEqual(["string: f"])
  expect(parts("x = /[/'\"]\\/`/g; return /a/; f(/b/); y && /c/.test(d)")).toEqual([
    "regex: [/'\"]\\/`",
    "regex: a",
    "regex: b",
    "regex: c",
  ])
  expect(parts('a /* b */ / c / "d"')).toEqual(["comment:  b ", "string: d"])
  expect(parts("sql`${/`/}`")).toEqual(["regex: `", "template: {}"])
})

test("a template knows whether it has a tag", () => {
  const text = "sql`a`; tx<Row[]>`b`; f(`c`); return `d`; x.y`e`"
  expect(partsOf(text).map(({ text, tagged }) => [text, tagged])).toEqual([
    ["a", true],
    ["b", true],
    ["c", false],
    ["d", false],
    ["e", true],
  ])
})

test("the code has the length and the lines of its text", () => {
  const text = '#!/usr/bin/env bun "x\n/* a\n b */ const c = `d\n${e}` // "f'
  expect(codeOf(text)).toBe('#!/usr/bin/env bun "x\n    \n      const c = `_\n${e}`      ')
})
