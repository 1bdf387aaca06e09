/**
 * The headers of a webhook request, exactly as the contract has them. The sender sends them; readers of a delivery see
 * them without secrets. Pure.
 */

import type { OpenedAuth } from "./auth.ts"
import type { AuthType } from "./input.ts"
import { signatureOf, standardHeaders } from "./signature.ts"

export interface Attempt {
  readonly attemptId: string
  readonly eventId: string
  readonly eventType: string
  readonly sequence: number
  readonly position: number
  /** The id of the log; undefined when it is not known any more. */
  readonly epoch?: string | undefined
  /** Above 0: the event is sent again, by hand or by a replay. */
  readonly replay: number
}

/**
 * The time for the body after the head of an answer, milliseconds. The status has decided by then. A receiver that
 * never ends its answer must not keep its place among the requests for the whole time limit.
 */
export const answerBodyMs = 2_000

/** What is said of an answer that is no 2xx. */
export function refusedBy(status: number): { readonly code: string; readonly message: string } {
  const redirected = status >= 300 && status < 400 ? ": redirects are not followed" : ""
  return { code: `http_${status}`, message: `The receiver answered ${status}${redirected}.` }
}

/** The headers of every request. @param timestamp unix seconds. */
export const plainHeaders = (attempt: Attempt, timestamp: number): Record<string, string> => ({
  "Content-Type": "application/json",
  "User-Agent": "SlotBase-Webhooks/1.0",
  "X-SlotBase-Event": attempt.eventType,
  "X-SlotBase-Event-ID": attempt.eventId,
  "X-SlotBase-Timestamp": String(timestamp),
  "X-SlotBase-Delivery-ID": attempt.attemptId,
  "X-SlotBase-Sequence": String(attempt.sequence),
  "X-SlotBase-Position": String(attempt.position),
  ...(attempt.epoch !== undefined && { "X-SlotBase-Epoch": attempt.epoch }),
  ...(attempt.replay > 0 && { "X-SlotBase-Redelivery": "true" }),
})

/** The headers that prove the sender, and the signature to store with the attempt. */
export function authHeaders(
  type: AuthType,
  config: OpenedAuth,
  { eventId, body, timestamp }: { readonly eventId: string; readonly body: string; readonly timestamp: number },
): { readonly headers: Record<string, string>; readonly signature?: string } {
  switch (type) {
    case "none":
      return { headers: {} }
    case "header":
      return { headers: { [config.headerName ?? ""]: config.headerValue ?? "" } }
    case "basic": {
      const pair = Buffer.from(`${config.username}:${config.password}`).toString("base64")
      return { headers: { Authorization: `Basic ${pair}` } }
    }
    case "bearer":
      return { headers: { Authorization: `Bearer ${config.bearerToken}` } }
    case "signature": {
      const secret = config.signingSecret ?? ""
      const signature = signatureOf(body, secret, timestamp)
      const next = config.nextSecret
      const headers = standardHeaders(eventId, body, secret, timestamp, next)
      headers[signatureHeader] = signature
      if (next !== undefined) headers[nextSignatureHeader] = signatureOf(body, next, timestamp)
      return { headers, signature }
    }
  }
}

export const signatureHeader = "X-SlotBase-Signature"
/** Under the secret that takes over, during a rotation. */
export const nextSignatureHeader = "X-SlotBase-Signature-Next"
