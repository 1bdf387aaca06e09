/**
 * A task of a child process: makes texts of facilities' own words. The words are Liquid of a small part: conditions,
 * values and named filters. Nothing repeats, keeps a value or reads a file. Each text is a single line; render.ts
 * escapes it.
 */
import type { Liquid, Template } from "liquidjs"
import { type Language, languages } from "#base/languages.ts"
import { depthFault, liquidFaultOf, type TemplateFault } from "#base/liquid-fault.ts"
import { engineOf } from "#outbound/messages/language/engine.ts"
import { longestOf, oneLine } from "#outbound/messages/one-line.ts"
import { isKnownVariable } from "#outbound/messages/own-words/known-variables.ts"
import {
  type FieldFault,
  fieldMs,
  type MadeWords,
  maxWordsDepth,
  type WordsJob,
  wordsFilters,
  wordsMs,
  wordsTags,
} from "#outbound/messages/own-words/limits.ts"
import { type WordField, wordFields } from "#outbound/messages/templates/template.ts"

/** For each job the texts of each of its views. */
export default function makeWords(jobs: readonly WordsJob[]): readonly (readonly MadeWords[])[] {
  const until = performance.now() + wordsMs
  return jobs.map((job) => textsOf(job, until))
}

function textsOf({ language, words, views, variables }: WordsJob, until: number): readonly MadeWords[] {
  const engine = engines[language]
  const known = variables && new Set(variables)
  const pieces = wordFields.flatMap((field) => {
    const piece = words[field]
    return piece === undefined ? [] : [{ field, parsed: parse(engine, piece, known) }]
  })
  return views.map((view) => {
    const made = pieces.map(({ field, parsed }) => ({ field, made: textOf(engine, parsed, field, view, until) }))
    const faults = made.flatMap((each): FieldFault[] =>
      typeof each.made === "string" ? [] : [{ field: each.field, ...each.made }],
    )
    if (faults.length > 0) return { faults }
    return { texts: Object.fromEntries(made.map((each) => [each.field, each.made])) }
  })
}

function parse(engine: Liquid, words: string, known: ReadonlySet<string> | undefined): Template[] | TemplateFault {
  const tooDeep = depthFault(words, maxWordsDepth)
  if (tooDeep) return tooDeep
  try {
    const parsed = engine.parse(words)
    return (known && unknownVariable(engine, parsed, known)) ?? parsed
  } catch (error) {
    return liquidFaultOf(error)
  }
}

function unknownVariable(engine: Liquid, parsed: Template[], known: ReadonlySet<string>): TemplateFault | undefined {
  for (const { segments, location } of Object.values(engine.analyzeSync(parsed).variables).flat()) {
    if (isKnownVariable(segments, known)) continue
    const name = segments.map((each) => (typeof each === "object" ? "[…]" : each)).join(".")
    return { message: `unknown variable: ${name}`, line: location.row, column: location.col }
  }
  return undefined
}

function textOf(
  engine: Liquid,
  parsed: Template[] | TemplateFault,
  field: WordField,
  view: object,
  until: number,
): string | TemplateFault {
  if (!Array.isArray(parsed)) return parsed
  const renderLimit = Math.min(fieldMs, until - performance.now())
  if (renderLimit <= 0) return { message: `The words of the messages take longer than ${wordsMs} ms.` }
  try {
    const text = oneLine(String(engine.renderSync(parsed, view, { renderLimit })), longestOf(field))
    if (text === "" && field !== "note") return { message: "They make an empty text." }
    if (noText.test(text)) return { message: "They show a value that is no text or number." }
    return text.includes(placesOfLinks) ? { message: "They make a place of the program's own links." } : text
  } catch (error) {
    return liquidFaultOf(error)
  }
}

/** What an object, a list of objects, or money of a text looks like. */
const noText = /\[object |\bNaN\b/

/** The program puts a link of the reader in the place of such an address (link-place.ts). */
const placesOfLinks = "slotbase.invalid"

const engines = Object.fromEntries(languages.map((each) => [each, smallEngine(each)])) as Record<Language, Liquid>

function smallEngine(language: Language): Liquid {
  const engine = engineOf(language)
  const [tags, filters]: readonly [readonly string[], readonly string[]] = [wordsTags, wordsFilters]
  for (const name of Object.keys(engine.tags)) if (!tags.includes(name)) delete engine.tags[name]
  for (const name of Object.keys(engine.filters)) if (!filters.includes(name)) delete engine.filters[name]
  return engine
}
