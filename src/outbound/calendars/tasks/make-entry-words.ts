/**
 * A task of a child process: makes the words of entries of their templates. A template can read no file, call no method
 * and see nothing but its view. The filter `local_time` writes an instant in the zone of the booking.
 */
import { Liquid } from "liquidjs"
import { depthFault, liquidFaultOf } from "#base/liquid-fault.ts"
import { wallTimeOf } from "#base/local-days.ts"
import {
  type EntryTemplates,
  type EntryView,
  type EntryWordsJob,
  entryFields,
  entryTextMs,
  entryWordsMs,
  longestWords,
  type MadeEntry,
  maxEntryDepth,
  maxEntryTemplate,
} from "#outbound/calendars/words.ts"

export default function makeEntryWordsOf({ templates, views }: EntryWordsJob): readonly MadeEntry[] {
  const until = performance.now() + entryWordsMs
  return views.map((view) => madeOf(templates, view, until))
}

function madeOf(templates: EntryTemplates, view: EntryView, until: number): MadeEntry {
  const words = { title: "", description: "", location: "" }
  for (const field of entryFields) {
    const tooDeep = depthFault(templates[field], maxEntryDepth)
    if (tooDeep) return { fault: { ...tooDeep, field } }
    const renderLimit = Math.min(entryTextMs, until - performance.now())
    if (renderLimit <= 0) return { fault: { field, message: "The templates take too long." } }
    try {
      const made = String(engine.parseAndRenderSync(templates[field], view, { renderLimit }))
      words[field] = (field === "description" ? made : made.replaceAll(/\s+/g, " "))
        .trim()
        .slice(0, longestWords)
        .toWellFormed()
    } catch (error) {
      return { fault: { ...liquidFaultOf(error), field } }
    }
  }
  if (words.title === "") return { fault: { field: "title", message: "The template makes an empty title." } }
  return { words }
}

const engine = new Liquid({
  parseLimit: 2 * maxEntryTemplate,
  memoryLimit: 1_000_000,
  strictFilters: true,
  strictVariables: true,
  lenientIf: true,
  ownPropertyOnly: true,
})
/** They read files, or the clock and the zone of the process. */
for (const tag of ["include", "render", "layout", "block"]) delete engine.tags[tag]
for (const name of ["date", "date_to_xmlschema", "date_to_rfc822", "date_to_string", "date_to_long_string"])
  delete engine.filters[name]
engine.registerFilter("local_time", (instant: string, zone: string) =>
  wallTimeOf(zone, Date.parse(instant)).slice(0, 16).replace("T", " "),
)
