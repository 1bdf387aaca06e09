/**
 * The words of entries: a title, a description and a location, made of the templates of a calendar. The templates are
 * strangers' programs, so a child process makes the words. All entries that are wanted at once are one call.
 */
import { join } from "node:path"
import { type BoundedTask, ChildPool, NotDone, poolLimits } from "#base/bounded/run-bounded.ts"
import { type Fault, InvalidInput, Unavailable } from "#base/errors.ts"
import { turns } from "#base/limits/table.ts"
import { decodeFault, faultSentence, type TemplateFault } from "#base/liquid-fault.ts"
import { definitionOf } from "#events/catalogue.ts"

/** What a template shows: the data of `booking.confirmed`, and the name of the facility. */
export type EntryView = Readonly<Record<string, unknown>> & { readonly timezone: string }

export interface EntryTemplates {
  readonly title: string
  readonly description: string
  readonly location: string
}
export type EntryWords = EntryTemplates

export interface EntryWordsJob {
  readonly templates: EntryTemplates
  readonly views: readonly EntryView[]
}

export const entryFields = ["title", "description", "location"] as const
export type EntryFault = TemplateFault & { readonly field: (typeof entryFields)[number] }
export type MadeEntry = { readonly words: EntryWords } | { readonly fault: EntryFault }

/** Characters of a template, and of what it makes. */
export const maxEntryTemplate = 2_000
export const longestWords = 5_000
export const maxEntryDepth = 10
/** Of one text, and of all of a call, milliseconds, by the clock: a busy machine takes its time. */
export const entryTextMs = 1_000
export const entryWordsMs = 3_000

export const defaultTemplates: EntryTemplates = {
  title: "{{ resourceName }}{% if title != '' %}: {{ title }}{% endif %}",
  description: "{{ bookerName }}{% for person in participants %}, {{ person.name }}{% endfor %}",
  location: "{{ resourceName }}, {{ facilityName }}",
}

/** The words of each view. @throws NotDone, TooMany */
export function makeEntryWords(owner: string, job: EntryWordsJob): Promise<readonly MadeEntry[]> {
  pool ??= new ChildPool({ ...poolLimits, turns: turns.calendars, memoryBytes, tasksOfOneChild: 5_000 })
  return pool.run(task, job, owner)
}

/**
 * Tries templates with the sample of the event, before they are saved. Call it outside of a transaction.
 * @throws InvalidInput with the field, the line and the column; Unavailable
 */
export async function checkTemplates(facilityId: string, templates: EntryTemplates): Promise<void> {
  const [made] = await makeEntryWords(facilityId, { templates, views: [sampleView()] }).catch((error: unknown) => {
    if (!(error instanceof NotDone)) throw error
    if (error.reason === "memory" || error.reason === "crash")
      throw new InvalidInput([
        { path: "body.titleTemplate", message: "The templates end the process that tries them." },
      ])
    throw new Unavailable("templates_not_tried", "The templates could not be tried; nothing was saved.", againSeconds)
  })
  if (made === undefined || "words" in made) return
  const fault: Fault = { path: `body.${made.fault.field}Template`, message: faultSentence(made.fault) }
  throw new InvalidInput([fault])
}

const againSeconds = 5
/** A child with the template engine and the zones holds 70 MB. */
const memoryBytes = 192 * 1024 * 1024

const sampleView = (): EntryView => {
  const sample = definitionOf("booking.confirmed")?.sample as EntryView
  return { title: "", note: "", ...sample, facilityName: "Padel Mitte" }
}

let pool: ChildPool | undefined

const task: BoundedTask<EntryWordsJob, readonly MadeEntry[]> = {
  module: join(import.meta.dir, "tasks/make-entry-words.ts"),
  timeMs: 2 * entryWordsMs,
  decode: (answer) => {
    if (!Array.isArray(answer)) throw new Error("another form")
    return answer.map(madeIn)
  },
}

function madeIn(value: unknown): MadeEntry {
  const { words, fault } = value as { words?: Record<string, unknown>; fault?: unknown }
  if (words === undefined) {
    const field = entryFields.find((each) => each === (fault as { field?: unknown } | undefined)?.field)
    if (field === undefined) throw new Error("another form")
    return { fault: { ...decodeFault(fault), field } }
  }
  const text = (field: (typeof entryFields)[number]) => {
    const made = words[field]
    if (typeof made !== "string" || made.length > longestWords) throw new Error("another form")
    return made
  }
  return { words: { title: text("title"), description: text("description"), location: text("location") } }
}
