// The ends of sentences, and their words.

import { expect, test } from "bun:test"
import { sentencesOf, wordsOf } from "./sentences.ts"

const sentences = (text: string) => sentencesOf(text.split("\n"))

test("a sentence ends with its mark, over lines and inside of quotes and parentheses", () => {
  expect(sentences("One goes\non. Is two? (Three!) She says “four.” Then five")).toEqual([
    "One goes on.",
    "Is two?",
    "(Three!)",
    "She says “four.”",
    "Then five",
  ])
})

test("points in numbers, names and abbreviations end no sentence", () => {
  expect(
    sentences("It takes 1.5 s in src/main.ts, e.g. under load (cf. section 4.2), and so on ... to the end."),
  ).toEqual(["It takes 1.5 s in src/main.ts, e.g. under load (cf. section 4.2), and so on ... to the end."])
})

test("a sentence may begin with a name in small letters or with code", () => {
  expect(sentences("It ends. slotbase.dispatch() gives one. `a. b` is next.")).toEqual([
    "It ends.",
    "slotbase.dispatch() gives one.",
    "`code` is next.",
  ])
})

test("blank lines, headings, list items and tags separate sentences", () => {
  expect(sentences("# Head\nText\n\nmore:\n- one\n  goes on\n* two\n1. three\n@returns four")).toEqual([
    "Head",
    "Text",
    "more:",
    "one goes on",
    "two",
    "three",
    "four",
  ])
})

test("code blocks, tables, drawings and columns are no prose", () => {
  const text =
    "A.\n```sh\nb c\n```\n| d | e |\n┌──┐\n\n    f g\n    h\n\nname    what it is\n---\n[i]: https://j.org\nK."
  expect(sentences(text)).toEqual(["A.", "K."])
})

test("a paragraph inside of a list may be indented", () => {
  expect(sentences("- one\n    goes on\n\n    and on.")).toEqual(["one goes on", "and on."])
  expect(sentences("- one\n\nThe list is over.\n\n    code")).toEqual(["one", "The list is over."])
})

test("a word has a letter or a digit; code, a link and an address are read as one sees them", () => {
  expect(wordsOf("a – b → 3 (c) & …")).toEqual(["a", "b", "3", "(c)"])
  const [sentence = ""] = sentences(
    "See `select 1 from a`, [the guide](https://a.org/b?c=1) and https://d.org/e.f?g=1.",
  )
  expect(wordsOf(sentence)).toEqual(["See", "`code`,", "the", "guide", "and", "https://d.org/e.f?g=1."])
})
