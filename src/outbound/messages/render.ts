/**
 * Makes messages from templates. A template's fields become single lines of plain text first, whatever names and notes
 * they quote. Only the layout makes HTML, and it escapes every value. So no name can add a header, a line or markup to
 * a mail.
 */
import type { Template as Compiled, Liquid } from "liquidjs"
import type { Language } from "#base/languages.ts"
import { engineOf } from "./language/engine.ts"
import { greetingOf, labels, sentWith } from "./language/labels.ts"
import { linkPlaces } from "./link-place.ts"
import { longestOf, longestSubject, oneLine } from "./one-line.ts"
import type { OwnWords } from "./own-words/limits.ts"
import type { ToldBooking } from "./places.ts"
import type { MailBlock } from "./templates/blocks.ts"
import { type TemplateId, templates } from "./templates/catalogue.ts"
import { htmlLayout, textLayout } from "./templates/layout.ts"
import { type Template, type WordField, wordFields } from "./templates/template.ts"
import { wordsOfReader } from "./templates/values.ts"
import type { MadeBefore } from "./together/made-before.ts"
import type { Receipt, Series } from "./together/told.ts"

export type { TemplateId } from "./templates/catalogue.ts"

/** The variables of a template. */
export interface View extends MadeBefore {
  readonly data: object
  /** UTC instant. */
  readonly occurredAt: string
  readonly recipient: {
    readonly userId: string
    /** Who reads it: the person, or the parent who reads it for a child. */
    readonly readerId: string
    readonly firstName: string
    /** The first name of the parent who reads it for a child. */
    readonly parentName?: string
    readonly name: string
    readonly as: string
    /** IANA zone of the reader; null: unknown. */
    readonly timezone: string | null
  }
  readonly facility: { readonly name: string; readonly timezone: string; readonly currency: string }
  /** Name of the resource, or empty. */
  readonly resource: string
  /** The booking of the event as it is now; null: it is about none. */
  readonly booking: ToldBooking | null
  /** The payment that made the booking; null: none, or it has a message of its own. */
  readonly receipt: Receipt | null
  /** The bookings of a series that changed together; null: the event is of no series. */
  readonly series: Series | null
}

export interface Message {
  readonly subject: string
  /** For channels that show one or two sentences. */
  readonly short: string
  readonly text: string
  readonly html: string
  /** The place of its link to a booking, an offer or a series; empty: it has none. */
  readonly link: string
}

/** The fields of an event's message that say the same to every reader of one language and zone. */
export type SharedFields = Map<Piece, string>

/**
 * Throws when the view lacks a variable of the template, or when an instant, zone or currency is invalid.
 * @param own texts of the facility's own words, each a single line; they stand in the place of the built-in ones
 * @param shared fields that were rendered for another reader of the same event, language and zone; it gets further ones
 */
export function render(
  id: TemplateId,
  view: View,
  language: Language,
  own: OwnWords = {},
  shared: SharedFields = new Map(),
): Message {
  const engine = engineFor(language)
  const template = compiledTemplate(id, language, view.recipient.parentName !== undefined)
  const rendered = (piece: Piece) => {
    const text = piece.same ?? shared.get(piece) ?? (engine.renderSync(piece.parsed, view) as string)
    if (piece.isShared) shared.set(piece, text)
    return text
  }
  const line = (piece: Piece, limit?: number) => oneLine(rendered(piece), limit)
  const field = (name: WordField) => own[name] ?? line(template.words[name], longestOf(name))
  const { firstName, parentName } = view.recipient
  // A parent may have several children, and reads subjects in a list.
  const named = (name: "subject" | "short") =>
    parentName === undefined ? field(name) : oneLine(`${firstName}: ${field(name)}`, longestOf(name))
  const [subject, short] = [named("subject"), named("short")]
  const words = {
    subject,
    short,
    language,
    heading: field("heading"),
    lead: field("lead"),
    facts: template.facts.map(([label, value]) => ({ label, value: line(value) })).filter((fact) => fact.value !== ""),
    blocks: template.blocks(view, language).map(plainBlock),
    action: line(template.action, longestSubject),
    link: template.link,
    note: field("note"),
    greeting: oneLine(greetingOf(language, firstName, parentName), longestSubject),
    facility: oneLine(view.facility.name, longestSubject),
    sentWith: sentWith[language],
  }
  const link = words.action !== "" && template.link === linkPlaces.booking ? template.link : ""
  return { subject, short, text: textLayout(words), html: htmlLayout(words), link }
}

/** A name can add no line. */
const plainBlock = ({ title, rows }: MailBlock): MailBlock => ({
  title: oneLine(title),
  rows: rows.map((row) => ({ ...row, label: oneLine(row.label), value: oneLine(row.value) })),
})

/**
 * Each template is compiled when the first message needs it. To compile all of them at the start took 150 ms and 30 MB
 * in every process. A test compiles all of them.
 */
export function compiledTemplate(id: TemplateId, language: Language, isOfChild: boolean): CompiledTemplate {
  const key = `${id} ${language} ${isOfChild}`
  const known = compiled.get(key)
  if (known !== undefined) return known
  const made = compile(engineFor(language), templates[id], language, isOfChild ? "child" : "own")
  compiled.set(key, made)
  return made
}

const compiled = new Map<string, CompiledTemplate>()
const engines = new Map<Language, Liquid>()

function engineFor(language: Language): Liquid {
  const engine = engines.get(language) ?? engineOf(language)
  engines.set(language, engine)
  return engine
}

function compile(engine: Liquid, template: Template, language: Language, reader: "own" | "child"): CompiledTemplate {
  const { facts, action, blocks = () => [] } = template
  const pieceOf = (written: string): Piece => {
    const source = wordsOfReader(reader, written)
    return {
      parsed: engine.parse(source),
      ...(!source.includes("{") && { same: source }),
      isShared: !/\b(?:recipient|receipt)\b/.test(source),
    }
  }
  return {
    words: Object.fromEntries(wordFields.map((name) => [name, pieceOf(template[language][name])])) as Record<
      WordField,
      Piece
    >,
    facts: facts.map(
      ([label, value]) =>
        [labels[label][language], pieceOf(typeof value === "string" ? value : value[language])] as const,
    ),
    blocks,
    action: pieceOf(action?.[language] ?? ""),
    link: linkPlaces[action?.to ?? "account"],
  }
}

interface CompiledTemplate {
  readonly words: Readonly<Record<WordField, Piece>>
  readonly facts: readonly (readonly [label: string, value: Piece])[]
  readonly blocks: NonNullable<Template["blocks"]>
  readonly action: Piece
  /** The place of the link. */
  readonly link: string
}

/** A field of a template. */
interface Piece {
  readonly parsed: Compiled[]
  /** What it always says: it has no variables. */
  readonly same?: string
  /** It asks nothing about its reader but language and zone. */
  readonly isShared: boolean
}
