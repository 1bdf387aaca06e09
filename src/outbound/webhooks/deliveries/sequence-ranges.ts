/** Compact lists of sequence numbers, such as `1-100,102`: parsed, joined, and their gaps counted. Pure. */
import * as Schema from "effect/Schema"
import { rule } from "#base/schema/rule.ts"
import { atMost } from "#base/schema/text-fields.ts"

/** A request line has room for it. */
const maxLength = 4_000
const maxRanges = 400
const number = "[1-9]\\d{0,14}"
const range = `${number}(?:-${number})?`

export type SequenceRange = readonly [first: number, last: number]

/** The numbers that a receiver has; empty: none. */
export const SequenceList = Schema.String.annotate({
  description: "numbers and ranges, such as 1-100,102; empty: none",
  examples: ["1-100,102"],
}).check(
  atMost(maxLength),
  Schema.isPattern(new RegExp(`^(?:${range}(?:,${range}){0,${maxRanges - 1}})?$`, "u"), {
    expected: `at most ${maxRanges} numbers and ranges, such as 1-100,102`,
  }).abort(),
  rule(
    "a range of sequence numbers does not end before it begins",
    (text: string) => parse(text).every(([first, last]) => first <= last),
    "ranges that do not end before they begin",
  ),
)

const parse = (text: string): SequenceRange[] =>
  text === ""
    ? []
    : text.split(",").map((part) => {
        const [first = 0, last = first] = part.split("-").map(Number)
        return [first, last]
      })

/** In order, without overlaps and without neighbours. */
export function rangesOf(text: string): readonly SequenceRange[] {
  const joined: [number, number][] = []
  for (const [first, last] of parse(text).sort(([a], [b]) => a - b)) {
    const before = joined.at(-1)
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last)
    else joined.push([first, last])
  }
  return joined
}

/** The numbers from 1 to `last` that are in none of the ranges. */
export function gapsOf(ranges: readonly SequenceRange[], last: number): readonly SequenceRange[] {
  const gaps: SequenceRange[] = []
  let next = 1
  for (const [from, to] of ranges) {
    if (from > last) break
    if (from > next) gaps.push([next, from - 1])
    next = to + 1
  }
  return next <= last ? [...gaps, [next, last]] : gaps
}

/** The first numbers above `after`, at most `most`. */
export function numbersIn(ranges: readonly SequenceRange[], after: number, most: number): readonly number[] {
  const numbers: number[] = []
  for (const [first, last] of ranges)
    for (let each = Math.max(first, after + 1); each <= last; each++) {
      if (numbers.length === most) return numbers
      numbers.push(each)
    }
  return numbers
}

export const countOf = (ranges: readonly SequenceRange[]): number =>
  ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0)
