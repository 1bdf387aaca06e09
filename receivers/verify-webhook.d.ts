/** Verifies that a request comes from SlotBase. docs/receivers.md says what is signed. */

export type WebhookVerificationCode =
  | "missing_header"
  | "headers_differ"
  | "bad_timestamp"
  | "too_old"
  | "too_new"
  | "wrong_signature"

/** The request is not genuine. */
export declare class WebhookVerificationError extends Error {
  readonly code: WebhookVerificationCode
  constructor(code: WebhookVerificationCode, message: string)
}

export interface WebhookToVerify {
  /** The body as it was received, before any JSON is parsed. */
  readonly body: string | Uint8Array
  /** The headers of the request: of fetch, of node:http, or a plain object. Their case does not matter. */
  readonly headers:
    | { entries(): Iterable<[string, string]> }
    | Readonly<Record<string, string | readonly string[] | undefined>>
  /** The signing secret of the webhook. During a rotation: the old and the new one. */
  readonly secret: string | readonly string[]
  /** How far the request's time may be from now; 300 by default. */
  readonly toleranceSeconds?: number
  /** Unix seconds; the present by default. */
  readonly now?: number
}

export interface VerifiedWebhook {
  /** `standard`: by `webhook-signature`, which covers the id too. `slotbase`: by `X-SlotBase-Signature`. */
  readonly form: "standard" | "slotbase"
  /** The id of the event; only where the signature covers it. */
  readonly id?: string
  /** Unix seconds of this attempt. */
  readonly timestamp: number
}

/**
 * Throws WebhookVerificationError unless one of the secrets has signed the body within the tolerance. Throws TypeError
 * when it is called with another kind of body, or without a secret.
 */
export declare function verifyWebhook(request: WebhookToVerify): VerifiedWebhook
