/**
 * The head of a request (RFC 9112), and the same headers for the record. A name or a value that could end a line is
 * refused, so no configuration can add a header or a second request.
 */
import { EgressRefused } from "./failures.ts"

export interface RequestHead {
  readonly text: string
  /** The text and the body hold nothing beyond ASCII. */
  readonly isAscii: boolean
  /** As sent, in their order. */
  readonly headers: readonly (readonly [string, string])[]
}

/** @param target path and query, as a parsed URL has them */
export function requestHead(
  method: string,
  target: string,
  host: string,
  given: Readonly<Record<string, string>>,
  body: string | undefined,
): RequestHead {
  if (!token.test(method)) throw new EgressRefused("bad_header", "The method holds a character that HTTP forbids.")
  const headers: [string, string][] = [["Host", host]]
  let [hasAgent, hasAccept] = [false, false]
  let values = ""
  for (const name in given) {
    const lower = lowerOf(name)
    if (own.has(lower)) continue
    const value = (given[name] ?? "").trim()
    hasAgent ||= lower === "user-agent"
    hasAccept ||= lower === "accept"
    values += value
    headers.push([name, value])
  }
  if (forbidden.test(values)) {
    const [name] = headers.find(([, value]) => forbidden.test(value)) ?? []
    throw new EgressRefused("bad_header", `The header ${name} has a character that HTTP forbids.`)
  }
  if (!hasAgent) headers.push(["User-Agent", "SlotBase/1.0"])
  if (!hasAccept) headers.push(["Accept", "*/*"])
  headers.push(["Accept-Encoding", "identity"], ["Connection", "keep-alive"])
  const bytes = body === undefined ? 0 : Buffer.byteLength(body)
  if (body !== undefined) headers.push(["Content-Length", String(bytes)])
  let text = `${method} ${target} HTTP/1.1\r\n`
  for (const [name, value] of headers) text += `${name}: ${value}\r\n`
  return { text: `${text}\r\n`, isAscii: bytes === (body?.length ?? 0) && !beyondAscii.test(values), headers }
}

/** The same few names come with every request. */
function lowerOf(name: string): string {
  const known = names.get(name)
  if (known !== undefined) return known
  if (!token.test(name)) throw new EgressRefused("bad_header", "The name of a header is empty or has a bad character.")
  const lower = name.toLowerCase()
  if (names.size < maxNames) names.set(name, lower)
  return lower
}

const names = new Map<string, string>()
const maxNames = 500

/** These are the guard's own: they say where the request goes, and where it ends. */
const own: ReadonlySet<string> = new Set([
  ...["host", "connection", "keep-alive", "proxy-connection", "content-length", "transfer-encoding", "te", "trailer"],
  ...["upgrade", "expect", "accept-encoding"],
])

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const forbidden = /[^\t\x20-\x7e\x80-\xff]/
const beyondAscii = /[\x80-\xff]/
