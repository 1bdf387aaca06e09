/**
 * The head of a request (RFC 9112), and the same headers for the record. A name or a value that could end a line is
 * refused, so no configuration can add a header or a second request.
 */
import { EgressRefused } from "./failures.ts"

export interface RequestHead {
  readonly text: string
  /** As sent, in their order. */
  readonly headers: Readonly<Record<string, string>>
}

/** @param target path and query, as a parsed URL has them. @param bytes of the body; undefined: there is none */
export function requestHead(
  method: string,
  target: string,
  host: string,
  given: Readonly<Record<string, string>>,
  bytes: number | undefined,
): RequestHead {
  if (!token.test(method)) throw new EgressRefused("bad_header", "The method holds a character that HTTP forbids.")
  const kept: [string, string][] = [["Host", host]]
  const names = new Set(own)
  for (const [name, value] of Object.entries(given)) {
    const lower = name.toLowerCase()
    if (own.has(lower)) continue
    if (!token.test(name))
      throw new EgressRefused("bad_header", "The name of a header is empty or has a bad character.")
    if (!fieldValue.test(value))
      throw new EgressRefused("bad_header", `The header ${name} has a character that HTTP forbids.`)
    names.add(lower)
    kept.push([name, value.trim()])
  }
  if (!names.has("user-agent")) kept.push(["User-Agent", "SlotBase/1.0"])
  if (!names.has("accept")) kept.push(["Accept", "*/*"])
  kept.push(["Accept-Encoding", "identity"], ["Connection", "keep-alive"])
  if (bytes !== undefined) kept.push(["Content-Length", String(bytes)])
  let text = `${method} ${target} HTTP/1.1\r\n`
  for (const [name, value] of kept) text += `${name}: ${value}\r\n`
  // An assignment would lose a header that is named __proto__.
  return { text: `${text}\r\n`, headers: Object.fromEntries(kept) }
}

/** These are the guard's own: they say where the request goes, and where it ends. */
const own: ReadonlySet<string> = new Set([
  ...["host", "connection", "keep-alive", "proxy-connection", "content-length", "transfer-encoding", "te", "trailer"],
  ...["upgrade", "expect", "accept-encoding"],
])

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/
