/**
 * What a message says, written once. Each field is a Liquid template of one line, without any markup: render.ts makes
 * the subject, the push message, the plain text and the HTML of it, and escapes there.
 * Variables: `data` (the event's), `occurredAt`, `recipient` ({userId, firstName, name, as}), `facility` ({name, timezone,
 * currency}), `resource` (its name, or empty). Filters: money, local_time, short_time, period. An unknown variable is an error.
 */
export interface Template {
  readonly subject: string
  /** One or two sentences, for push and the browser. */
  readonly short: string
  readonly heading: string
  readonly lead: string
  /** Label and value; a row whose value turns out empty is left out. */
  readonly facts: readonly (readonly [label: string, value: string])[]
  /** May turn out empty. */
  readonly note: string
}
