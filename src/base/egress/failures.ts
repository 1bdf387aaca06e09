/** Why an outgoing request was not made, or got no answer. `code` is stable; the message is for people. */

export type RefusalCode = "bad_url" | "https_required" | "private_address" | "blocked_port"

/** The guard refused the request: nothing was sent. */
export class EgressRefused extends Error {
  readonly _tag = "EgressRefused"
  constructor(
    readonly code: RefusalCode,
    message: string,
  ) {
    super(message)
  }
}

export type FailureCode =
  | "name_not_found"
  | "connection_failed"
  | "connection_lost"
  | "certificate_refused"
  | "bad_answer"
  | "timed_out"
  | "aborted"

/** No complete answer. The other side may have received the request, except after a name or connection failure. */
export class RequestFailed extends Error {
  readonly _tag = "RequestFailed"
  constructor(
    readonly code: FailureCode,
    message: string,
  ) {
    super(message)
  }
}

/** Turns an error of Bun's fetch into one of ours. Its codes are those of Node and OpenSSL, and a few of its own. */
export function failureOf(error: unknown): RequestFailed {
  if (error instanceof RequestFailed) return error
  const code = error instanceof Error && "code" in error ? String(error.code) : ""
  if (notConnected.has(code)) return new RequestFailed("connection_failed", `No connection could be made (${code}).`)
  if (/CERT|TLS|SSL|SIGNED|VERIFY|ISSUER|CRL/.test(code))
    return new RequestFailed("certificate_refused", `The certificate was refused (${code}).`)
  if (lost.has(code))
    return new RequestFailed("connection_lost", `The connection was lost before the answer ended (${code}).`)
  const reason = code || (error instanceof Error ? error.message : String(error))
  return new RequestFailed("bad_answer", `The answer could not be read (${reason.slice(0, 100)}).`)
}

/** Nothing has been sent: another address of the same host may be tried. */
export const isNotConnected = (error: unknown): boolean =>
  error instanceof Error && "code" in error && notConnected.has(String(error.code))

const notConnected = new Set([
  ...["ECONNREFUSED", "ConnectionRefused", "FailedToOpenSocket", "EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL"],
])
const lost = new Set(["ECONNRESET", "ConnectionClosed", "EPIPE", "ETIMEDOUT", "ConnectionTimeout"])
