/**
 * The headers of a request as sent, kept as their difference from the usual ones. The usual ones follow from the row of
 * the attempt. A reader puts both together. Credentials are hidden before anything is kept.
 */
import { nextSignatureHeader, plainHeaders, signatureHeader } from "#outbound/webhooks/request.ts"
import { standardSignatureHeader } from "#outbound/webhooks/signature.ts"

/** By name. Null: a usual header that was not sent. {}: nothing was sent. */
export type HeaderDifference = Readonly<Record<string, string | null>>

export interface UsualAttempt {
  readonly attemptId: string
  readonly eventId: string
  readonly eventType: string
  readonly sequence: number
  readonly position: number
  readonly replay: number
  /** The id of the log. A reader gives the present one. */
  readonly epoch?: string | undefined
  readonly url: string
  /** Unix seconds. */
  readonly timestamp: number
  readonly signature: string | null
  /** Null: it is no longer kept, so its length is not known. */
  readonly payload: string | null
}

/** @param secret names of headers whose values are credentials; @returns undefined when nothing differs */
export function headerDifference(
  sent: readonly (readonly [string, string])[],
  attempt: UsualAttempt,
  secret: readonly string[],
): HeaderDifference | undefined {
  const usual = usualHeaders(attempt)
  const difference: Record<string, string | null> = {}
  let differs = false
  const isSent = new Set<string>()
  for (const [name, value] of sent) {
    isSent.add(name)
    if (usual[name] === value && !secret.includes(name)) continue
    difference[name] = secret.includes(name) ? hidden : value
    differs = true
  }
  for (const name in usual) {
    if (isSent.has(name)) continue
    difference[name] = null
    differs = true
  }
  return differs ? difference : undefined
}

/**
 * The difference of the commonest request, without a look at what was sent: the event's own text, signed under one
 * secret of Standard Webhooks. Its second signature does not follow from the row. Undefined: the request is another.
 */
export function signedDifference(auth: Readonly<Record<string, string>>): HeaderDifference | undefined {
  const second = auth[standardSignatureHeader]
  return second === undefined || nextSignatureHeader in auth ? undefined : { [standardSignatureHeader]: second }
}

/** The headers as sent, with credentials hidden. */
export function sentHeaders(difference: HeaderDifference | null, attempt: UsualAttempt): Record<string, string> {
  if (difference && Object.keys(difference).length === 0) return {}
  const all = Object.entries({ ...usualHeaders(attempt), ...difference })
  return Object.fromEntries(all.filter((each): each is [string, string] => each[1] !== null))
}

export const hidden = "(hidden)"

/** Stored attempts are read by these, so a change needs a look at the attempts of before. */
function usualHeaders(attempt: UsualAttempt): Record<string, string> {
  const usual = plainHeaders(attempt, attempt.timestamp)
  usual.Host = hostOf(attempt.url)
  usual.Accept = "*/*"
  usual["Accept-Encoding"] = "identity"
  usual.Connection = "keep-alive"
  if (attempt.payload !== null) usual["Content-Length"] = String(Buffer.byteLength(attempt.payload))
  if (attempt.signature !== null) {
    usual[signatureHeader] = attempt.signature
    usual["webhook-id"] = attempt.eventId
    usual["webhook-timestamp"] = String(attempt.timestamp)
  }
  return usual
}

/** A stream of attempts goes to few addresses. */
function hostOf(url: string): string {
  const known = hosts.get(url)
  if (known !== undefined) return known
  const host = URL.parse(url)?.host ?? ""
  if (hosts.size >= maxHosts) hosts.delete(hosts.keys().next().value ?? "")
  hosts.set(url, host)
  return host
}

const hosts = new Map<string, string>()
const maxHosts = 1_000
