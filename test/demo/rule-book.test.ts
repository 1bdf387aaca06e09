// The rules that the demo must show: each is there, with what is right, or is named as missing.

import { expect, test } from "bun:test"
import { openRuleBook, rules } from "#demo/rule-book.ts"

const answer = { status: 409, code: "coach_taken", body: {}, events: [] }
const asked = "a second lesson"
const why = "he teaches then"

test("a rule that found what is right has bitten, and its line says what was asked, answered and why", () => {
  const lines: string[] = []
  const { bites, missing } = openRuleBook((line) => lines.push(line))
  expect(missing()).toEqual(rules)
  bites({ rule: "coach in one place", asked, answer, found: [409], right: [409], why })
  expect(lines).toEqual(["  rule: coach in one place · a second lesson · 409 coach_taken · he teaches then"])
  expect(missing()).toEqual(rules.filter((rule) => rule !== "coach in one place"))
})

test("a rule that once found something else is missing, and its line shows both", () => {
  const lines: string[] = []
  const { bites, missing } = openRuleBook((line) => lines.push(line))
  for (const found of [[201], [409]]) {
    bites({ rule: "coach in one place", asked, answer: { ...answer, code: undefined }, found, right: [409], why })
  }
  expect(lines[0]).toBe(
    "  rule: coach in one place · a second lesson · 409 · he teaches then · WRONG: found [201], right is [409]",
  )
  expect(missing()).toEqual(rules)
})
