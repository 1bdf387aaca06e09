/**
 * A description of the API as JSON, made once per process, with an ETag. A client that has it already gets 304 and no
 * body, because the documents have hundreds of kilobytes.
 */
import { createHash } from "node:crypto"

/** @param make called at the first request, when all routes are known */
export function cachedDocument(make: () => object, headers: Readonly<Record<string, string>>) {
  let known: { readonly text: string; readonly etag: string } | undefined
  return (request: Request): Response => {
    known ??= tagged(JSON.stringify(make()))
    const { text, etag } = known
    const answered = { ...headers, etag }
    return isNamed(request.headers.get("if-none-match"), etag)
      ? new Response(null, { status: 304, headers: answered })
      : new Response(text, { headers: answered })
  }
}

const tagged = (text: string) => ({ text, etag: `"${createHash("sha256").update(text).digest("base64url")}"` })

/** RFC 9110, 13.1.2: the comparison is weak, and `*` is any. */
const isNamed = (tags: string | null, etag: string) =>
  (tags ?? "").split(",").some((tag) => ["*", etag].includes(tag.trim().replace(/^W\//, "")))
