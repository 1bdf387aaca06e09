/**
 * The text of a message, written once. Each field is a Liquid template of one line, without any markup.
 * `render.ts` makes the subject, the push message, the plain text and the HTML from it, and escapes there.
 * Variables, of which an unknown one is an error:
 * - `data`: the event's data
 * - `occurredAt`
 * - `recipient`: {userId, firstName, name, as}
 * - `facility`: {name, timezone, currency}
 * - `resource`: its name, or empty
 * Filters: money, local_time, short_time, period.
 */
export interface Template {
  readonly subject: string
  /** One or two sentences, for push and the browser. */
  readonly short: string
  readonly heading: string
  readonly lead: string
  /** Label and value. A row with an empty value is left out. */
  readonly facts: readonly (readonly [label: string, value: string])[]
  /** The words on a link that only this mail has. Left out, or empty: no link. */
  readonly action?: string
  /** May be empty. */
  readonly note: string
}
