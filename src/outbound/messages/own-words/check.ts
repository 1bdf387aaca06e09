/**
 * Tries a facility's own words before they are saved, and shows what they make. They are tried with every sample of
 * their message: each kind of reader, and each form of its event. Call it outside of a transaction.
 */
import type { Queryable } from "#base/database/db.ts"
import { type Fault, InvalidInput, NotFound, Unavailable } from "#base/errors.ts"
import type { Language } from "#base/languages.ts"
import { faultSentence } from "#base/liquid-fault.ts"
import { withExampleLinks } from "#outbound/messages/gallery.ts"
import { render } from "#outbound/messages/render.ts"
import type { Changeable } from "./changeable.ts"
import type { WordsPreview } from "./input.ts"
import type { OwnWords } from "./limits.ts"
import { makeOwnWords, WordsNotMade } from "./make-words.ts"

/**
 * The texts of each sample.
 * @throws InvalidInput with the field, the line and the column of each fault
 * @throws Unavailable when the child that makes the texts was ended, or has too much to do
 */
export async function checkWords(
  facilityId: string,
  { samples, variables }: Changeable,
  language: Language,
  words: OwnWords,
): Promise<readonly OwnWords[]> {
  const job = { language, words, views: samples.map(({ view }) => view), variables: [...variables.keys()] }
  const [made = []] = await makeOwnWords(facilityId, [job]).catch((error: unknown) => {
    throw error instanceof WordsNotMade ? refusalOf(error) : error
  })
  const faults = new Map<string, Fault>()
  for (const [nth, each] of made.entries())
    for (const fault of "faults" in each ? each.faults : []) {
      const path = `body.${fault.field}`
      const message = `${faultSentence(fault)} Tried with ${samples[nth]?.name}.`
      if (!faults.has(path)) faults.set(path, { path, message })
    }
  if (faults.size > 0) throw new InvalidInput([...faults.values()])
  return made.map((each) => ("texts" in each ? each.texts : {}))
}

/** Seconds. A child starts in less. */
const againSeconds = 5

const refusalOf = ({ message, blamesWords }: WordsNotMade) =>
  blamesWords
    ? new InvalidInput([{ path: "body", message }])
    : new Unavailable("words_not_tried", `${message} Nothing was saved; ask again in a moment.`, againSeconds)

/** @throws InvalidInput; NotFound; Unavailable */
export async function previewWords(
  db: Queryable,
  facilityId: string,
  template: Changeable,
  { language, words, sample: wanted }: { language: Language; words: OwnWords; sample: string | undefined },
): Promise<typeof WordsPreview.Type> {
  const nth = wanted === undefined ? 0 : template.samples.findIndex(({ name }) => name === wanted)
  const sample = template.samples[nth]
  if (sample === undefined)
    throw new InvalidInput([
      { path: "body.sample", message: `Expected one of ${template.samples.map(({ name }) => name).join(", ")}` },
    ])
  const [facility] = await db<{ name: string }[]>`select name from slotbase.facilities where id = ${facilityId}`
  if (!facility) throw new NotFound("facility", facilityId)
  const view = { ...sample.view, facility: { ...sample.view.facility, name: facility.name } }
  const samples = template.samples.map((each, at) => (at === nth ? { ...each, view } : each))
  const own = (await checkWords(facilityId, { ...template, samples }, language, words))[nth]
  const { subject, short, text, html } = render(template.id, view, language, own)
  return { sample: sample.name, subject, short, text: withExampleLinks(text), html: withExampleLinks(html) }
}
