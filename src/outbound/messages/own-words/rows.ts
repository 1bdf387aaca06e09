/**
 * The words that facilities have changed, by message and language.
 * Writes: message_templates.
 */
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import type { Language } from "#base/languages.ts"
import { type WordField, wordFields } from "#outbound/messages/templates/template.ts"
import type { OwnWords } from "./limits.ts"

export interface OwnTemplate {
  readonly templateId: string
  readonly language: Language
  readonly words: OwnWords
  readonly version: number
  readonly updatedAt: string
  readonly updatedBy: string
}

interface OwnRow extends Readonly<Record<WordField, string | null>> {
  readonly facility_id: string
  readonly template_id: string
  readonly language: Language
  readonly version: number
  readonly updated_by: string
  readonly updated_at: Date
}

export interface TemplateKey {
  readonly facilityId: string
  readonly templateId: string
  readonly language: Language
}

/** All of a facility. */
export async function ownTemplatesOf(db: Queryable, facilityId: string): Promise<readonly OwnTemplate[]> {
  const rows = await db<OwnRow[]>`
    select * from slotbase.message_templates where facility_id = ${facilityId} order by template_id, language`
  return rows.map(toTemplate)
}

/** The words of many facilities, by one statement. */
export async function findOwnWords(
  db: Queryable,
  facilityIds: readonly string[],
  templateIds: readonly string[],
): Promise<readonly (TemplateKey & { readonly words: OwnWords })[]> {
  const rows = await db<OwnRow[]>`
    select * from slotbase.message_templates
    where facility_id = any (${[...new Set(facilityIds)]}::uuid[]) and template_id = any (${[...new Set(templateIds)]}::text[])`
  return rows.map((row) => ({
    facilityId: row.facility_id,
    templateId: row.template_id,
    language: row.language,
    words: wordsIn(row),
  }))
}

/**
 * Replaces the words of a message in one language. Those of two requests at once follow each other. Answers the words
 * before; the version grows when they differ.
 */
export async function saveWords(
  tx: Tx,
  { facilityId, templateId, language }: TemplateKey,
  words: OwnWords,
  by: string,
): Promise<{ readonly before: OwnWords; readonly after: OwnTemplate }> {
  for (;;) {
    const [old] = await tx<OwnRow[]>`
      select * from slotbase.message_templates
      where facility_id = ${facilityId} and template_id = ${templateId} and language = ${language} for update`
    if (old && Bun.deepEquals(wordsIn(old), words)) return { before: words, after: toTemplate(old) }
    const { subject = null, short = null, heading = null, lead = null, note = null } = words
    const [row] = old
      ? await tx<OwnRow[]>`
          update slotbase.message_templates
          set subject = ${subject}, short = ${short}, heading = ${heading}, lead = ${lead}, note = ${note},
              version = version + 1, updated_by = ${by}, updated_at = slotbase.now()
          where facility_id = ${facilityId} and template_id = ${templateId} and language = ${language}
          returning *`
      : await tx<OwnRow[]>`
          insert into slotbase.message_templates (facility_id, template_id, language, subject, short, heading, lead, note, updated_by)
          values (${facilityId}, ${templateId}, ${language}, ${subject}, ${short}, ${heading}, ${lead}, ${note}, ${by})
          on conflict do nothing
          returning *`
    // None: another request has inserted the row meanwhile, and it is there to be locked.
    if (row) return { before: old ? wordsIn(old) : {}, after: toTemplate(row) }
  }
}

/** Back to the built-in words, in one language or in all. Answers what is gone. */
export async function removeWords(
  tx: Tx,
  facilityId: string,
  templateId: string,
  language: Language | undefined,
): Promise<readonly OwnTemplate[]> {
  const rows = await tx<OwnRow[]>`
    delete from slotbase.message_templates
    where facility_id = ${facilityId} and template_id = ${templateId}
      and language = coalesce(${language ?? null}::text, language)
    returning *`
  return rows.map(toTemplate)
}

const toTemplate = (row: OwnRow): OwnTemplate => ({
  templateId: row.template_id,
  language: row.language,
  words: wordsIn(row),
  version: row.version,
  updatedAt: row.updated_at.toISOString(),
  updatedBy: row.updated_by,
})

const wordsIn = (row: OwnRow): OwnWords =>
  Object.fromEntries(wordFields.flatMap((field) => (row[field] === null ? [] : [[field, row[field]]])))
