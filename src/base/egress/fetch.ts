/**
 * The one guard of every outgoing request:
 * - Only https is allowed; plain http only for addresses inside SLOTBASE_EGRESS_ALLOW.
 * - Every DNS answer is vetted. The connection goes to the vetted address, and the certificate is checked by name.
 * - Redirects are never followed, and no proxy of the environment is used.
 * - A request is sent at most once, whatever its method, and never again by itself.
 * - Answers are read up to a limit.
 * - One time limit covers name, connection, headers and body.
 * It speaks HTTP/1.1 over connections of its own (connection.ts); docs/egress.md says why.
 */

import { RuleBroken } from "#base/errors.ts"
import { isInside, isPublic, literalOf, parseNetworks } from "./addresses.ts"
import { connectTo, type HttpConnection, type Way } from "./connection.ts"
import { type Asked, type BodyEnd, Exchange, type RawAnswer } from "./exchange.ts"
import { EgressRefused, RequestFailed } from "./failures.ts"
import { IdleConnections } from "./idle-connections.ts"
import { requestHead } from "./request-head.ts"
import { type Resolve, resolve, triedAddresses } from "./resolve.ts"
import { type Stop, withTimeLimit } from "./time-limit.ts"
import type { Trace } from "./trace.ts"

export interface OutgoingRequest {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Text, sent as UTF-8, or bytes, sent as they are. */
  readonly body?: string | Uint8Array
  /** Covers everything, from the name to the last byte; default `defaultTimeoutMs`. */
  readonly timeoutMs?: number
  /**
   * When given, the head of the answer decides. The body has this time after it, milliseconds, and is kept as far as it
   * came. Otherwise an answer whose body does not end in time is a failure.
   */
  readonly bodyMs?: number
  /** The bytes of the body that are kept; the rest is not read. Default `defaultResponseBytes`. */
  readonly maxResponseBytes?: number
  /** Networks that may be reached although they are not public (config.egressAllow). */
  readonly allow: readonly string[]
  readonly signal?: AbortSignal
  /** Filled in with the request's course, also when it fails. */
  readonly trace?: Trace
  /** For tests: another way to resolve names. */
  readonly resolve?: Resolve
}

export interface OutgoingAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** As text, without NUL, which PostgreSQL cannot keep. */
  readonly body: string
  readonly bodyEnd: BodyEnd
  readonly durationMs: number
}

export const defaultTimeoutMs = 10_000
const defaultResponseBytes = 16 * 1024
/** RFC 9110 asks for at least 8,000 octets. */
const maxUrlLength = 8_000

/**
 * Makes a request. Any status is an answer. Throws EgressRefused (nothing was sent) or RequestFailed (no complete
 * answer).
 */
export async function guardedFetch(url: string, request: OutgoingRequest): Promise<OutgoingAnswer> {
  const startedAt = performance.now()
  const answer = await withTimeLimit(request.timeoutMs ?? defaultTimeoutMs, request.signal, (stop) =>
    exchange(url, request, stop),
  )
  return { ...answer, durationMs: performance.now() - startedAt }
}

/**
 * Checks an address when it is configured. Throws RuleBroken unless the guard would allow a request to it now. An https
 * name that does not resolve now passes, because it may resolve later. The guard checks again at every request.
 */
export async function checkUrl(url: string, allow: readonly string[], path = "body.url", by = resolve): Promise<void> {
  try {
    const parsed = parseUrl(url)
    requirePlain(url, parsed)
    const addresses = await Promise.race([addressesOf(parsed, by), Bun.sleep(nameLimitMs).then(() => [])])
    if (addresses.length > 0) vet(parsed, addresses, allow)
    else if (parsed.protocol === "http:") throw httpsRequired()
  } catch (error) {
    if (error instanceof EgressRefused)
      throw new RuleBroken(error.code, error.message, [{ path, message: error.message }])
    throw error
  }
}

const nameLimitMs = 5_000

/** Refuses what a URL parser takes and no request has: people would see another address than the used one. */
function requirePlain(text: string, url: URL): void {
  const refuse = (message: string) => {
    throw new EgressRefused("bad_url", message)
  }
  if (!/^https?:\/\/[^/]/i.test(text) || text.includes("\\"))
    refuse("Write the address like https://example.com/path, without backslashes.")
  if (text.includes("#")) refuse("The part of an address behind # is never sent: leave it out.")
  if (url.port === "0") refuse("No server listens on port 0.")
  if (literalOf(url.hostname) === undefined && !isName(url.hostname))
    refuse(`${url.hostname} can be no name of a host.`)
}

/** Names of the DNS (RFC 1035, 2.3.4). */
const isName = (name: string) => name.length <= 253 && /^(?:[^.]{1,63}\.)*[^.]{1,63}\.?$/.test(name)

function parseUrl(text: string): URL {
  const url = text.length <= maxUrlLength ? URL.parse(text) : null
  if (!url) throw new EgressRefused("bad_url", `Expected an absolute URL of at most ${maxUrlLength} characters.`)
  if (url.protocol !== "https:" && url.protocol !== "http:") throw httpsRequired()
  if (url.username || url.password) throw new EgressRefused("bad_url", "A URL must not hold a user name or password.")
  if (badPorts.has(url.port))
    throw new EgressRefused("blocked_port", `Port ${url.port} belongs to a protocol other than HTTP.`)
  return url
}

/** Parsed URLs are kept, because a stream of deliveries goes to few URLs. A parsed URL is never changed. */
function knownUrl(text: string): URL {
  const known = urls.get(text)
  if (known) return known
  const url = parseUrl(text)
  if (urls.size >= maxUrls) urls.delete(urls.keys().next().value ?? "")
  urls.set(text, url)
  return url
}

const urls = new Map<string, URL>()
const maxUrls = 1_000

const httpsRequired = () => new EgressRefused("https_required", "Only https addresses can be reached.")

/**
 * The "bad ports" of the Fetch standard on which servers answer in practice. Refusing them prevents cross-protocol
 * tricks.
 */
const badPorts = new Set(
  "1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 117 119 123 135 137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 532 540 548 554 556 563 587 601 636 989 990 993 995 1719 1720 1723 2049 3659 4045 4190 5060 5061 6000 6566 6665 6666 6667 6668 6669 6679 6697 10080".split(
    " ",
  ),
)

async function addressesOf(url: URL, by: Resolve): Promise<readonly string[]> {
  const literal = literalOf(url.hostname)
  return literal === undefined ? await by(url.hostname) : [literal]
}

/**
 * The addresses that may be connected to.
 * - A host with an address in an allowed network is the operator's own. Only its allowed addresses are used.
 * - Of every other host all addresses must be public, not only the one that would be used.
 */
function vet(url: URL, addresses: readonly string[], allow: readonly string[]): readonly string[] {
  const networks = parseNetworks(allow)
  const allowed = addresses.filter((address) => isInside(address, networks))
  if (allowed.length > 0) return allowed
  const refused = addresses.find((address) => !isPublic(address))
  if (refused !== undefined) {
    const what = refused === literalOf(url.hostname) ? refused : `${url.hostname} is at ${refused}, which`
    const remedy = `SLOTBASE_EGRESS_ALLOW=${refused} would allow it.`
    throw new EgressRefused("private_address", `${what} is not a public address. ${remedy}`)
  }
  if (url.protocol !== "https:") throw httpsRequired()
  return addresses
}

type Answer = Omit<OutgoingAnswer, "durationMs">

async function exchange(text: string, request: OutgoingRequest, stop: Stop): Promise<Answer> {
  const url = knownUrl(text)
  const trace = request.trace ?? {}
  const ways = literalWays(url, request.allow) ?? (await namedWays(url, request, trace))
  const asked = askedOf(url, request)
  for (const [index, way] of ways.entries()) {
    const isLast = index === ways.length - 1
    try {
      const connection =
        (await idleTo(way, trace)) ?? (await connectTo(way, stop, isLast ? undefined : connectMs, trace))
      stop.throwIfStopped()
      return answerOf(await ask(connection, asked, stop, trace))
    } catch (error) {
      const isElsewhere = error instanceof RequestFailed && error.code === "connection_failed"
      if (!isElsewhere || isLast) throw error
    }
  }
  throw new RequestFailed("connection_failed", "No connection could be made.")
}

/** An address that does not answer leaves time for the next one of its host. */
const connectMs = 2_000

const idle = new IdleConnections()

/** A connection to the way that is still open, used before. */
async function idleTo(way: Way, trace: Trace): Promise<HttpConnection | undefined> {
  for (;;) {
    const now = performance.now()
    const connection = idle.take(way.key, now)
    if (!connection) return undefined
    if (!(await connection.isStillOpen(now))) continue
    trace.address = way.address
    trace.isReused = true
    return connection
  }
}

async function ask(connection: HttpConnection, asked: Asked, stop: Stop, trace: Trace): Promise<RawAnswer> {
  const { key } = connection.way
  const exchange = new Exchange(connection, asked, stop, trace)
  exchange.onEnded = (reusable) => {
    if (reusable) idle.put(reusable)
  }
  try {
    return await exchange.answer
  } catch (error) {
    if (trace.isReused && trace.firstByteMs === undefined) idle.closeAll(key)
    throw error
  }
}

function askedOf(url: URL, request: OutgoingRequest): Asked {
  const { method = "GET", headers = {}, body, bodyMs } = request
  return {
    method,
    head: requestHead(method, `${url.pathname}${url.search}`, url.host, headers, body),
    body,
    limit: request.maxResponseBytes ?? defaultResponseBytes,
    bodyMs,
  }
}

function wayTo(url: URL, address: string): Way {
  const isSecure = url.protocol === "https:"
  return {
    key: `${url.protocol}//${url.host} ${address}`,
    address,
    port: Number(url.port || (isSecure ? 443 : 80)),
    tlsName: isSecure ? (literalOf(url.hostname) ?? url.hostname) : undefined,
  }
}

async function namedWays(url: URL, request: OutgoingRequest, trace: Trace): Promise<readonly Way[]> {
  const askedAt = performance.now()
  const addresses = await (request.resolve ?? resolve)(url.hostname)
  trace.dnsMs = performance.now() - askedAt
  if (addresses.length === 0) throw new RequestFailed("name_not_found", `The name ${url.hostname} was not found.`)
  return vet(url, addresses, request.allow)
    .slice(0, triedAddresses)
    .map((address) => wayTo(url, address))
}

/** For a URL with an address in place of a name. The verdict on such a URL never changes. */
function literalWays(url: URL, allow: readonly string[]): readonly Way[] | undefined {
  const known = verdicts.get(url)
  if (known?.allow === allow) return known.ways
  const literal = literalOf(url.hostname)
  const ways = literal === undefined ? undefined : vet(url, [literal], allow).map((address) => wayTo(url, address))
  verdicts.set(url, { allow, ways })
  return ways
}

const verdicts = new WeakMap<URL, { readonly allow: readonly string[]; readonly ways: readonly Way[] | undefined }>()

function answerOf({ status, headers, body, bodyEnd }: RawAnswer): Answer {
  const kept = keptHeaders(headers)
  const encoding = kept["content-encoding"] ?? "identity"
  const text = encoding === "identity" ? textOf(body) : `(encoded as ${encoding.slice(0, 20)}, not read)`
  return { status, headers: kept, body: text, bodyEnd }
}

const textOf = (bytes: Uint8Array) => (bytes.length === 0 ? "" : decoder.decode(bytes).replaceAll("\u0000", "\ufffd"))
const decoder = new TextDecoder()

const maxHeaders = 50
const maxHeaderLength = 1_000

/** They decide about the next request and about the body, so they are kept behind any number of others. */
const deciding = new Set(["retry-after", "content-encoding"])

/**
 * Cookies are secrets of the receiver, and useless here. A header that comes again is a list (RFC 9110, 5.3). But
 * Retry-After is none: of several, as a proxy adds one to the server's own, the first counts.
 */
function keptHeaders(headers: RawAnswer["headers"]): Record<string, string> {
  // Without a prototype, so that a header that is named __proto__ is one of them.
  const kept: Record<string, string> = Object.create(null)
  let count = 0
  for (const [name, value] of headers) {
    const before = kept[name]
    if (name === "set-cookie" || (name === "retry-after" && before !== undefined)) continue
    if (before === undefined && !deciding.has(name) && ++count > maxHeaders) continue
    kept[name] = (before === undefined ? value : `${before}, ${value}`).slice(0, maxHeaderLength)
  }
  return kept
}
