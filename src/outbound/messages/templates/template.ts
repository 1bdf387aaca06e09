/**
 * The text of a message in each language. Each field is a Liquid template of one line, without any markup.
 * `render.ts` makes the subject, the push message, the plain text and the HTML from it, and escapes there.
 * Variables, of which an unknown one is an error:
 * - `data`: the event's data
 * - `occurredAt`
 * - `recipient`: {userId, firstName, name, as, timezone}
 * - `facility`: {name, timezone, currency}
 * - `resource`: its name, or empty
 * - `receipt`: the payment that made the booking, or null
 * - `series`: the dates of a series, or null
 * - `report`: the report of a day, or null
 * - `summary`: the summary of a player's week, or null
 * Filters: money, local_time, short_time, period, day, wall_time, short_id, words, reason.
 */
import type { Language } from "#base/languages.ts"
import type { Label } from "#outbound/messages/language/labels.ts"
import type { MailBlock, MailBlockView } from "./blocks.ts"

/** The fields with words of their own in each language. */
export const wordFields = ["subject", "short", "heading", "lead", "note"] as const
export type WordField = (typeof wordFields)[number]

export interface Words extends Readonly<Record<WordField, string>> {
  readonly subject: string
  /** One or two sentences, for push, text messages and the browser. */
  readonly short: string
  readonly heading: string
  readonly lead: string
  /** May be empty. */
  readonly note: string
}

export interface Template extends Readonly<Record<Language, Words>> {
  /** Label and value; a value with words has one for each language. A row with an empty value is left out. */
  readonly facts: readonly (readonly [label: Label, value: string | Readonly<Record<Language, string>>])[]
  /** Parts below the rows, each with a heading: rows of their own, or a chart. A facility's own words change none. */
  readonly blocks?: (view: MailBlockView, language: Language) => readonly MailBlock[]
  /** The words on the mail's link, and where it leads. Left out, or empty: no link. */
  readonly action?: Action
}

/**
 * `account`: the link of the event. `booking`: the page of the booking, the offer or the series, for the recipient
 * alone.
 */
export interface Action extends Readonly<Record<Language, string>> {
  readonly to: "account" | "booking"
}
