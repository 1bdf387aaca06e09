/** Why an outgoing request was not made, or got no answer. `code` is stable; the message is for people. */

export type RefusalCode = "bad_url" | "https_required" | "private_address" | "blocked_port" | "bad_header"

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
  | "not_received"
  | "certificate_refused"
  | "tls_failed"
  | "bad_answer"
  | "timed_out"
  | "aborted"

/**
 * No complete answer. Nothing was sent after a failure of the name, the connection, the certificate or TLS. After
 * `not_received` the other side has acknowledged none of it. After any other the receiver may have the request.
 */
export class RequestFailed extends Error {
  readonly _tag = "RequestFailed"
  constructor(
    readonly code: FailureCode,
    message: string,
  ) {
    super(message)
  }
}

/** No TCP connection could be made. Another address of the same host may be tried. */
export const notConnected = (error: unknown) =>
  new RequestFailed("connection_failed", `No connection could be made (${reasonOf(error)}).`)

/** TCP is connected, and TLS is not. The codes are those of Node and OpenSSL. */
export function notSecured(error: unknown): RequestFailed {
  const reason = reasonOf(error)
  return /CERT|SIGNED|VERIFY|ISSUER|CRL/.test(reason)
    ? new RequestFailed("certificate_refused", `The certificate was refused (${reason}).`)
    : new RequestFailed("tls_failed", `TLS could not be agreed on (${reason}).`)
}

/** The request has left, at least in part. */
export function connectionLost(error: unknown, isReused: boolean): RequestFailed {
  const which = isReused ? ", which had been used before," : ""
  const code = `(${reasonOf(error)})`
  return new RequestFailed("connection_lost", `The connection${which} was lost before the answer ended ${code}.`)
}

/** A connection that was kept, whose other end is gone without a word. */
export const notReceived = (afterMs: number) =>
  new RequestFailed(
    "not_received",
    `The connection, which had been used before, was dead: in ${afterMs} ms none of the request was acknowledged.`,
  )

export const badAnswer = (reason: string) =>
  new RequestFailed("bad_answer", `The answer could not be read (${reason.slice(0, 100)}).`)

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  return "code" in error && error.code ? String(error.code) : error.message.slice(0, 100)
}

/** The kinds by which attempts are counted and searched. */
export type ErrorClass = "dns" | "tls" | "connection" | "timeout" | "status" | "refused_by_guard" | "other"

/** The class of an error of the guard; "other" for every error that is not the guard's. */
export function errorClassOf(error: unknown): ErrorClass {
  if (error instanceof EgressRefused) return "refused_by_guard"
  return error instanceof RequestFailed ? classes[error.code] : "other"
}

const classes: Readonly<Record<FailureCode, ErrorClass>> = {
  name_not_found: "dns",
  connection_failed: "connection",
  connection_lost: "connection",
  not_received: "connection",
  certificate_refused: "tls",
  tls_failed: "tls",
  bad_answer: "other",
  timed_out: "timeout",
  aborted: "other",
}
