// Compact lists of sequence numbers: joined, their gaps, and the first numbers of the gaps.

import { expect, test } from "bun:test"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { countOf, gapsOf, numbersIn, rangesOf, SequenceList } from "#outbound/webhooks/deliveries/sequence-ranges.ts"

test("ranges are joined when they overlap or touch, in whatever order they come", () => {
  expect(rangesOf("")).toEqual([])
  expect(rangesOf("5,1-3,4")).toEqual([[1, 5]])
  expect(rangesOf("10-20,1-3,15-30,32")).toEqual([
    [1, 3],
    [10, 30],
    [32, 32],
  ])
})

test("gaps are what is missing from 1 to the last number", () => {
  expect(gapsOf([], 3)).toEqual([[1, 3]])
  expect(gapsOf([], 0)).toEqual([])
  expect(gapsOf(rangesOf("1-100,102"), 104)).toEqual([
    [101, 101],
    [103, 104],
  ])
  expect(gapsOf(rangesOf("1-5,9-99"), 7)).toEqual([[6, 7]])
  expect(gapsOf(rangesOf("1-9"), 9)).toEqual([])
  expect(countOf(gapsOf(rangesOf("3"), 5))).toBe(4)
})

test("the first missing numbers are found in a gap of any length", () => {
  expect(numbersIn([[1, 999_999_999_999_999]], 7, 3)).toEqual([8, 9, 10])
  expect(
    numbersIn(
      [
        [2, 3],
        [8, 9],
      ],
      2,
      9,
    ),
  ).toEqual([3, 8, 9])
})

test("a list that is too long, goes backwards or is no list is refused", () => {
  const accepts = (text: string) => Result.isSuccess(Schema.decodeUnknownResult(SequenceList)(text))
  const many = (count: number) => Array.from({ length: count }, (_, nth) => 2 * nth + 1).join(",")
  expect(["", "1", "1-1", "7,1-3", many(400)].map(accepts)).toEqual([true, true, true, true, true])
  expect(["0", "3-1", "1,", "1..3", "1 2", "9999999999999999", many(401)].map(accepts)).toEqual(
    Array.from({ length: 7 }, () => false),
  )
})
