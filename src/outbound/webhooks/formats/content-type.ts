/** The content type of a template's body, and how a value is escaped in such a body. Pure. */

export const defaultContentType = "application/json"

/** A media type of texts (RFC 9110, 8.3), and UTF-8 as the only parameter: a template makes nothing else. */
export const contentTypePattern = /^(?:application|text)\/[a-z0-9][a-z0-9!#$&^_.+-]{0,60}(?:; ?charset=utf-8)?$/u

export const isJson = (contentType: string) => /^[^/;]+\/(?:[^;]+\+)?json(?:;|$)/.test(contentType)
const isMarkup = (contentType: string) => /^(?:text\/html|[^/;]+\/(?:[^;]+\+)?xml)(?:;|$)/.test(contentType)
const isForm = (contentType: string) => contentType.startsWith("application/x-www-form-urlencoded")

/** Undefined: the values stand as they are. */
export function escapeFor(contentType: string): ((value: unknown) => string) | undefined {
  if (isJson(contentType)) return (value) => JSON.stringify(plain(value)).slice(1, -1)
  if (isMarkup(contentType)) return (value) => plain(value).replace(/[&<>"']/g, (each) => entities[each] ?? each)
  if (isForm(contentType)) return (value) => encodeURIComponent(plain(value).toWellFormed())
  return undefined
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
}

/** As text: nothing for null, and JSON for lists and objects. */
function plain(value: unknown): string {
  if (value === null || value === undefined) return ""
  return typeof value === "object" ? (JSON.stringify(value) ?? "") : String(value)
}
