/**
 * The head of a request (RFC 9112). A name or a value that could end a line is refused, so no configuration can add a
 * header or a second request.
 */
import { EgressRefused } from "./failures.ts"

export interface RequestHead {
  readonly text: string
  /** The text and the body hold nothing beyond ASCII. */
  readonly isAscii: boolean
}

/** @param target path and query, as a parsed URL has them */
export function requestHead(
  method: string,
  target: string,
  host: string,
  given: Readonly<Record<string, string>>,
  body: string | Uint8Array | undefined,
): RequestHead {
  if (!token.test(method)) throw new EgressRefused("bad_header", "The method holds a character that HTTP forbids.")
  let fields = ""
  let values = ""
  let [agent, accept] = ["User-Agent: SlotBase/1.0\r\n", "Accept: */*\r\n"]
  for (const name in given) {
    const kind = kindOf(name)
    if (kind === "own") continue
    if (kind === "agent") agent = ""
    else if (kind === "accept") accept = ""
    const value = (given[name] ?? "").trim()
    values += value
    fields += `${name}: ${value}\r\n`
  }
  if (forbidden.test(values)) throw badValue(given)
  const isBytes = body instanceof Uint8Array
  const bytes = body === undefined ? 0 : Buffer.byteLength(body)
  const length = body === undefined ? "" : `Content-Length: ${bytes}\r\n`
  const guards = `${agent}${accept}Accept-Encoding: identity\r\nConnection: keep-alive\r\n${length}\r\n`
  const text = `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${fields}${guards}`
  return { text, isAscii: !isBytes && bytes === (body?.length ?? 0) && !beyondAscii.test(values) }
}

/** The headers of a head as sent, in their order. */
export function headersIn(head: string): readonly (readonly [string, string])[] {
  return head
    .split("\r\n")
    .slice(1, -2)
    .map((line) => {
      const colon = line.indexOf(": ")
      return [line.slice(0, colon), line.slice(colon + 2)]
    })
}

function badValue(given: Readonly<Record<string, string>>): EgressRefused {
  const isBad = ([name, value]: [string, string]) => kindOf(name) !== "own" && forbidden.test(value.trim())
  const [name] = Object.entries(given).find(isBad) ?? []
  return new EgressRefused("bad_header", `The header ${name} has a character that HTTP forbids.`)
}

type Kind = "own" | "agent" | "accept" | "other"

/** The same few names come with every request. */
function kindOf(name: string): Kind {
  const known = kinds.get(name)
  if (known !== undefined) return known
  if (!token.test(name)) throw new EgressRefused("bad_header", "The name of a header is empty or has a bad character.")
  const lower = name.toLowerCase()
  const kind = own.has(lower) ? "own" : lower === "user-agent" ? "agent" : lower === "accept" ? "accept" : "other"
  if (kinds.size < maxKinds) kinds.set(name, kind)
  return kind
}

const kinds = new Map<string, Kind>()
const maxKinds = 500

/** These are the guard's own: they say where the request goes, and where it ends. */
const own: ReadonlySet<string> = new Set([
  ...["host", "connection", "keep-alive", "proxy-connection", "content-length", "transfer-encoding", "te", "trailer"],
  ...["upgrade", "expect", "accept-encoding"],
])

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const forbidden = /[^\t\x20-\x7e\x80-\xff]/
const beyondAscii = /[\x80-\xff]/
