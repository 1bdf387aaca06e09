/**
 * The facilities' own words when messages are recorded. One statement asks which facilities have some, and one call of
 * a child process for each of them makes the texts of a batch. Words that fail at a message give way to the built-in
 * ones: a message in other words is better than none. The row of the message says so.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Language } from "#base/languages.ts"
import { faultSentence } from "#base/liquid-fault.ts"
import { log } from "#base/log.ts"
import type { View } from "#outbound/messages/render.ts"
import type { TemplateId } from "#outbound/messages/templates/catalogue.ts"
import type { MadeWords, OwnWords } from "./limits.ts"
import { makeOwnWords, WordsNotMade } from "./make-words.ts"
import { findOwnWords } from "./rows.ts"

/** What a message is written from. */
export interface Writing {
  readonly facilityId: string
  readonly templateId: TemplateId
  readonly language: Language
  readonly view: View
}

export interface Worded {
  readonly texts?: OwnWords
  /** Why the built-in words are taken. */
  readonly fault?: string
}

/** The own words of messages; a message without an entry has the built-in ones. */
export async function ownWordsFor(db: Queryable, writings: readonly Writing[]): Promise<ReadonlyMap<Writing, Worded>> {
  if (writings.length === 0) return new Map()
  const found = await findOwnWords(
    db,
    writings.map(({ facilityId }) => facilityId),
    writings.map(({ templateId }) => templateId),
  )
  if (found.length === 0) return new Map()
  const byKey = Map.groupBy(writings, keyOf)
  const wanted = found.flatMap((own) => {
    const of = byKey.get(keyOf(own))
    return of ? [{ ...own, of }] : []
  })
  const worded = new Map<Writing, Worded>()
  const byFacility = Map.groupBy(wanted, ({ facilityId }) => facilityId)
  await Promise.all([...byFacility].map(([facilityId, of]) => wordOne(facilityId, of, worded)))
  return worded
}

interface Wanted {
  readonly templateId: string
  readonly language: Language
  readonly words: OwnWords
  readonly of: readonly Writing[]
}

async function wordOne(facility: string, wanted: readonly Wanted[], worded: Map<Writing, Worded>): Promise<void> {
  const jobs = wanted.map(({ language, words, of }) => ({ language, words, views: of.map(({ view }) => view) }))
  const made = await makeOwnWords(facility, jobs).catch((error: unknown) => {
    if (error instanceof WordsNotMade) return error.message
    throw error
  })
  for (const [nth, { of, templateId: template, language }] of wanted.entries()) {
    const results = of.map(
      (writing, at) => [writing, wordedBy(typeof made === "string" ? made : made[nth]?.[at])] as const,
    )
    for (const [writing, result] of results) worded.set(writing, result)
    const faults = results.flatMap(([, { fault }]) => fault ?? [])
    if (faults.length === 0) continue
    log.warn("own words of a message failed", {
      facility,
      template,
      language,
      messages: faults.length,
      fault: faults[0],
    })
  }
}

function wordedBy(made: MadeWords | string | undefined): Worded {
  if (typeof made === "object" && "texts" in made) return { texts: made.texts }
  const first = typeof made === "object" ? made.faults[0] : undefined
  return { fault: first ? `${first.field}, ${faultSentence(first)}` : String(made ?? "There is no text.") }
}

const keyOf = (of: { readonly facilityId: string; readonly templateId: string; readonly language: Language }) =>
  `${of.facilityId} ${of.templateId} ${of.language}`
