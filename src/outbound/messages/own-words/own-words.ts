/** The words of a facility's own, as its administrators read and change them. */
import type { Admin } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { type Language, languages } from "#base/languages.ts"
import { noteChange } from "#events/audit.ts"
import { templates } from "#outbound/messages/templates/catalogue.ts"
import { type Changeable, changeableTemplate, changeableTemplates } from "./changeable.ts"
import type { MessageTemplate } from "./input.ts"
import { type OwnWords, wordsFilters } from "./limits.ts"
import { type OwnTemplate, ownTemplatesOf, removeWords, saveWords } from "./rows.ts"

export async function listTemplates(db: Queryable, facilityId: string): Promise<readonly MessageTemplate[]> {
  const [own, failures] = await Promise.all([ownTemplatesOf(db, facilityId), failuresOf(db, facilityId)])
  return changeableTemplates().map((each) => shownTemplate(each, own, failures))
}

/** @throws NotFound, RuleBroken */
export async function readTemplate(db: Queryable, facilityId: string, id: string): Promise<MessageTemplate> {
  const template = changeableTemplate(id)
  const [own, failures] = await Promise.all([ownTemplatesOf(db, facilityId), failuresOf(db, facilityId)])
  return shownTemplate(template, own, failures)
}

/** Replaces the words in one language. What is left out is built in again. The words have been tried before. */
export async function changeWords(
  tx: Tx,
  { caller, facilityId }: Admin,
  { id }: Changeable,
  language: Language,
  words: OwnWords,
): Promise<MessageTemplate> {
  const { before, after } = await saveWords(tx, { facilityId, templateId: id, language }, words, caller.userId)
  if (Bun.deepEquals(before, after.words)) noteChange(tx, "nothing")
  else noteChange(tx, { ...subjectOf(id), before: named(language, before), after: named(language, after.words) })
  return readTemplate(tx, facilityId, id)
}

/** Back to the built-in words. Without own words nothing happens. @throws NotFound, RuleBroken */
export async function resetWords(tx: Tx, { facilityId }: Admin, id: string, language?: Language): Promise<void> {
  changeableTemplate(id)
  const gone = await removeWords(tx, facilityId, id, language)
  if (gone.length === 0) return noteChange(tx, "nothing")
  const before = Object.assign({}, ...gone.map((each) => named(each.language, each.words)))
  noteChange(tx, { ...subjectOf(id), before, after: {} })
}

const subjectOf = (id: string) => ({ subjectType: "message_template", subjectId: id })

const named = (language: Language, words: OwnWords) =>
  Object.fromEntries(Object.entries(words).map(([field, text]) => [`${language} ${field}`, text]))

interface Failure {
  readonly template_id: string
  readonly language: string
  readonly id: string
  readonly created_at: Date
  readonly words_fault: string
}

/** Of words as they are now; what failed before their last change is mended, as far as anybody knows. */
const failuresOf = (db: Queryable, facilityId: string) => db<Failure[]>`
  select t.template_id, t.language, n.id, n.created_at, n.words_fault
  from slotbase.message_templates t
  cross join lateral (
    select n.id, n.created_at, n.words_fault from slotbase.notifications n
    where n.facility_id = t.facility_id and n.template_id = t.template_id and n.language = t.language
      and n.words_fault is not null and n.created_at >= t.updated_at
    order by n.created_at desc limit 1
  ) n
  where t.facility_id = ${facilityId}`

function shownTemplate(
  { id, title, events, variables, samples }: Changeable,
  own: readonly OwnTemplate[],
  failures: readonly Failure[],
): MessageTemplate {
  return {
    templateId: id,
    title,
    events,
    languages: languages.map((language) => {
      const mine = own.find((each) => each.templateId === id && each.language === language)
      const failed = failures.find((each) => each.template_id === id && each.language === language)
      return {
        language,
        builtIn: templates[id][language],
        own: mine
          ? { ...mine.words, version: mine.version, updatedAt: mine.updatedAt, updatedBy: mine.updatedBy }
          : null,
        lastFailure: failed
          ? { at: failed.created_at.toISOString(), messageId: failed.id, message: failed.words_fault }
          : null,
      }
    }),
    variables: [...variables]
      .filter(([, value]) => typeof value !== "object" || value === null || Array.isArray(value))
      .map(([name, value]) => ({ name, example: value === null ? null : shortened(JSON.stringify(value)) })),
    filters: wordsFilters,
    samples: samples.map(({ name }) => name),
  }
}

const shortened = (text: string) => (text.length <= longestExample ? text : `${text.slice(0, longestExample - 1)}…`)
/** Characters; an example shows the form of a value. */
const longestExample = 80
