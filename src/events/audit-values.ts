/**
 * The values before and after a change, as the audit trail keeps them: only the fields that differ, without secrets,
 * and within a bound. A field is a secret by its name. Of an address only its origin is kept, because its path and its
 * query may hold a token.
 */
import { createHash } from "node:crypto"

/** A fact of the domain as JSON. */
export type Fields = Readonly<Record<string, unknown>>

/** The longest value of one field as JSON, bytes. Opening hours of a week take some 700. */
const maxFieldBytes = 4_096
/** The longest `before` or `after`, bytes. The table refuses twice as much. */
export const maxAuditBytes = 16_384
/** Deeper values are cut. The settings of SlotBase nest three levels. */
const maxDepth = 8

export interface Difference {
  readonly before: Fields | null
  readonly after: Fields | null
}

/** What differs. Without one side: all fields of the other side. */
export function differenceOf(before: Fields | undefined, after: Fields | undefined): Difference {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])]
  const changed = names.filter((name) => !Bun.deepEquals(before?.[name], after?.[name]) && !noted.has(name))
  const part = (of: Fields | undefined) => (of === undefined ? null : keepable(pick(of, changed)))
  return { before: part(before), after: part(after) }
}

/** The value without secrets, cut to the bound. */
export function keepable(fields: Fields): Fields {
  const kept = Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, cut(isSecret(name) ? hidden(value) : clean(value, 1))]),
  )
  const bytes = Buffer.byteLength(JSON.stringify(kept))
  return bytes <= maxAuditBytes ? kept : { cut: `${bytes} bytes` }
}

/** Counters and times of the change itself; each row of the trail has its own time. */
const noted = new Set(["version", "updatedAt"])

const pick = (fields: Fields, names: readonly string[]) =>
  Object.fromEntries(names.flatMap((name) => (Object.hasOwn(fields, name) ? [[name, fields[name]]] : [])))

/** The names of fields whose value opens something. `code` is that of a coupon, `key` that of an API key. */
const secretName = /secret|passw|token|credential|cookie|authori[sz]ation|authconfig|headervalue|^key$|keyhash|code$/i
/** Names that the pattern meets although they hold no secret. */
const notSecret = new Set(["tokenExpiresAt", "failureCode", "postcode"])
const isSecret = (name: string) => secretName.test(name) && !notSecret.has(name)
const hidden = (value: unknown) => (value === null || value === undefined ? value : "[secret]")

function clean(value: unknown, depth: number): unknown {
  if (typeof value === "string") return /^https?:/i.test(value) ? originOf(value) : value
  if (typeof value !== "object" || value === null) return value
  if (value instanceof Date) return value.toISOString()
  if (depth >= maxDepth) return "[cut]"
  if (Array.isArray(value)) return value.map((each) => clean(each, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, isSecret(name) ? hidden(inner) : clean(inner, depth + 1)]),
  )
}

/** The origin, and a mark by which two addresses of one origin differ. Its 32 bits do not lead back to the address. */
function originOf(text: string): string {
  if (!URL.canParse(text)) return "[address]"
  const { origin } = new URL(text)
  if (text === origin || text === `${origin}/`) return text
  return `${origin}/… (${createHash("sha256").update(text).digest("hex").slice(0, 8)})`
}

function cut(value: unknown): unknown {
  const text = JSON.stringify(value)
  const bytes = text === undefined ? 0 : Buffer.byteLength(text)
  return bytes <= maxFieldBytes ? value : `[cut: ${bytes} bytes]`
}
