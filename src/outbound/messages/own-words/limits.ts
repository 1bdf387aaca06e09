/** What a facility's own words may be, and the messages of the task that makes texts of them. */
import type { Language } from "#base/languages.ts"
import type { TemplateFault } from "#base/liquid-fault.ts"
import type { WordField } from "#outbound/messages/templates/template.ts"

/** Characters. The longest built-in field has 600. */
export const maxWordsLength = 1_000
/** Blocks inside each other. The parser calls itself once per level. */
export const maxWordsDepth = 10
/** Of one field, milliseconds. It takes less than 1. */
export const fieldMs = 100
/** Of all messages of a call, milliseconds. LiquidJS looks at the time between two steps. */
export const wordsMs = 1_000
/**
 * The child is killed after this time, its start included. The words themselves end at `wordsMs`; on a machine that is
 * overloaded, the start of a child was seen to take more than 3 seconds.
 */
export const wordsTaskMs = 10_000

/**
 * The tags of words. None of them repeats or keeps anything, so the work is bounded by the length of the words and of
 * the event's lists.
 */
export const wordsTags = ["if", "unless", "case"] as const

/** The filters of words: those of the built-in messages, and some of Liquid's own that make no long texts. */
export const wordsFilters = [
  ...["money", "local_time", "short_time", "period", "day", "short_day", "date", "weekdays", "wall_time", "short_id"],
  ...["words", "reason", "append", "capitalize", "default", "downcase", "first", "join", "last", "map", "prepend"],
  ...["size", "truncate", "upcase"],
] as const

/** The words of one message in one language, and the views to make texts for. */
export interface WordsJob {
  readonly language: Language
  readonly words: OwnWords
  readonly views: readonly object[]
  /** Words may name no other variable, also in a branch that no view takes. Left out: it is not looked at. */
  readonly variables?: readonly string[]
}

/** The fields that a facility has changed. */
export type OwnWords = Readonly<Partial<Record<WordField, string>>>

export interface FieldFault extends TemplateFault {
  readonly field: WordField
}

/** For one view: the texts of all fields, or why there are none. */
export type MadeWords = { readonly texts: OwnWords } | { readonly faults: readonly FieldFault[] }
