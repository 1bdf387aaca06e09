/**
 * The messages whose words a facility may change, with their samples and variables. Those about a person's account and
 * about the program itself are the same everywhere: whoever reads one must be able to know it. Pure.
 */
import { NotFound, RuleBroken } from "#base/errors.ts"
import { type Language, languages } from "#base/languages.ts"
import { engineOf } from "#outbound/messages/language/engine.ts"
import { type Sample, samples } from "#outbound/messages/sample-view.ts"
import { type TemplateId, templateIds, templates } from "#outbound/messages/templates/catalogue.ts"
import { wordFields } from "#outbound/messages/templates/template.ts"
import { variablesOf } from "./known-variables.ts"

export interface Changeable {
  readonly id: TemplateId
  /** Such as "Booking confirmation". */
  readonly title: string
  /** The types of its events. */
  readonly events: readonly string[]
  /** For each kind of reader and each form of its events, the usual one first. */
  readonly samples: readonly (Sample & { readonly name: string })[]
  /** By name, with the value of a sample; null: no sample has one. */
  readonly variables: ReadonlyMap<string, unknown>
}

/** @throws NotFound; RuleBroken for a message whose words are fixed */
export function changeableTemplate(id: string): Changeable {
  if (!(templateIds as readonly string[]).includes(id)) throw new NotFound("message template", id)
  const found = changeableTemplates().find((each) => each.id === id)
  if (found) return found
  throw new RuleBroken(
    "template_is_fixed",
    "The words of this message cannot be changed: it is about an account or about the program itself.",
  )
}

export function changeableTemplates(): readonly Changeable[] {
  known ??= templateIds.flatMap((id) => {
    const of = samples().filter(({ templateId }) => templateId === id)
    return of.some(({ type }) => isFixed(type)) ? [] : [changeableOf(id, of)]
  })
  return known
}
let known: readonly Changeable[] | undefined

const isFixed = (type: string) => type.startsWith("user.") || type.startsWith("platform.")

function changeableOf(id: TemplateId, of: readonly Sample[]): Changeable {
  const words = id.replaceAll("-", " ")
  const shown = new Map(variablesOf(of.map(({ view }) => view)))
  for (const name of usedBy(id)) if (!shown.has(name)) shown.set(name, null)
  return {
    id,
    title: words.charAt(0).toUpperCase() + words.slice(1),
    events: [...new Set(of.map(({ type }) => type))],
    samples: of.map((sample) => ({ ...sample, name: [sample.type, sample.variant].filter(Boolean).join(" ") })),
    variables: shown,
  }
}

/** What the built-in words name. Some of it is in no sample, such as what is left out when there is none. */
function usedBy(id: TemplateId): readonly string[] {
  return languages.flatMap((language: Language) => {
    const engine = engineOf(language)
    return wordFields.flatMap((field) =>
      Object.values(engine.analyzeSync(engine.parse(templates[id][language][field])).variables)
        .flat()
        .map(({ segments }) => segments.filter((each) => typeof each === "string" && each !== "size").join(".")),
    )
  })
}
