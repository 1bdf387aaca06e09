/**
 * Lists that are read page by page: `?limit=&after=`, answered as `{ data, next }`. The cursor names the last row by
 * the columns of the list's order (keyset). A page costs the same anywhere in the list. Inserted or deleted rows make
 * no page skip or repeat a row. To its reader the cursor is opaque.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { InvalidInput } from "#base/errors.ts"
import { wholeNumberText } from "./request-fields.ts"
import { opaqueText } from "./text-fields.ts"

export interface Page<T> {
  readonly data: readonly T[]
  /** Send it as `after` to go on; null at the end. */
  readonly next: string | null
}

export const defaultLimit = 50
const maxLimit = 200
const maxCursorLength = 1_000

/** Spread into the Struct of a list's query: `Schema.Struct({ ...pageQuery, status: … })`. */
export const pageQuery = {
  limit: Schema.optionalKey(
    wholeNumberText(1, maxLimit).annotate({
      description: `how many, 1 to ${maxLimit}; default ${defaultLimit}`,
    }),
  ),
  after: Schema.optionalKey(
    opaqueText(0, maxCursorLength).annotate({
      description: "the `next` of the page before",
    }),
  ),
}
export const PageQuery = Schema.Struct(pageQuery)

/** The limit of a decoded query. */
export const pageLimitOf = (query: { readonly limit?: string }): number => Number(query.limit ?? defaultLimit)

/**
 * The key of the last row read, checked with the Schema of the list's key; undefined for the first page.
 * The list's key is a Tuple of text and numbers, such as `Schema.Tuple([Instant, Id])`.
 * Throws InvalidInput for a cursor that is not one of ours.
 */
export function keyAfter<Key>(
  query: { readonly after?: string },
  key: Schema.ConstraintCodec<Key, unknown, never, never>,
): Key | undefined {
  if (query.after === undefined) return undefined
  const given = parsed(query.after)
  const result = Schema.decodeUnknownResult(key)(given)
  if (Result.isSuccess(result) && isStorable(given)) return result.success as Key
  throw new InvalidInput([{ path: "query.after", message: "Expected the `next` of an earlier page of this list" }])
}

/** Makes a page of rows that were read with `limit ${limit + 1}`. The extra row only says that there are more. */
export function pageOf<Row, T>(
  rows: readonly Row[],
  limit: number,
  keyOf: (row: Row) => readonly (string | number)[],
  view: (row: Row) => T,
): Page<T> {
  const shown = rows.slice(0, limit)
  const last = rows.length > limit ? shown.at(-1) : undefined
  return {
    data: shown.map(view),
    next: last === undefined ? null : cursorOf(keyOf(last)),
  }
}

/** The cursor that names a row by its key. */
export const cursorOf = (key: readonly (string | number)[]): string =>
  Buffer.from(JSON.stringify(key)).toString("base64url")

/** A made-up cursor may hold text that PostgreSQL answers with an error. */
const isStorable = (key: unknown) =>
  Array.isArray(key) &&
  key.every((part) => typeof part !== "string" || (part.isWellFormed() && !part.includes("\u0000")))

function parsed(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"))
  } catch {
    return undefined
  }
}
