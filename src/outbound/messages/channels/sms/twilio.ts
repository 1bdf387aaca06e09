/**
 * Sends a text by Twilio's API (POST …/Messages.json), through the guard, and says what an answer means. The API has no
 * key for idempotency: a send without a readable answer may have gone out, and its outcome is unknown.
 * "Sent" means that the provider has taken the text, and no more than that.
 */

import { clock } from "#base/clock.ts"
import { EgressRefused, RequestFailed } from "#base/egress/failures.ts"
import { guardedFetch, type OutgoingAnswer } from "#base/egress/fetch.ts"
import { pauseAsked } from "#base/egress/retry-after.ts"
import type { SmsConfig } from "#base/message-services.ts"
import { RecipientRefused, SendFailed } from "#outbound/messages/channels/channel.ts"

export interface TextMessage {
  /** E.164. */
  readonly to: string
  readonly body: string
}

/** The provider takes 1,600 characters (its error 21617), which it sends as ten parts or more. */
export const longestText = 1_600
const timeoutMs = 15_000

/** Throws RecipientRefused or SendFailed. */
export async function sendByTwilio(
  { accountSid, authToken, from, apiBase }: SmsConfig,
  { to, body }: TextMessage,
  allow: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const sender = from.startsWith("MG") && from.length === 34 ? "MessagingServiceSid" : "From"
  let answer: OutgoingAnswer
  try {
    answer = await guardedFetch(`${apiBase}/2010-04-01/Accounts/${accountSid}/Messages.json`, {
      method: "POST",
      headers: {
        authorization: `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString("base64")}`,
        "content-type": "application/x-www-form-urlencoded",
        accept: "application/json",
      },
      body: new URLSearchParams({ To: to, [sender]: from, Body: body }).toString(),
      timeoutMs,
      allow,
      signal,
    })
  } catch (error) {
    throw unanswered(error)
  }
  const failure = failureIn(answer)
  if (failure) throw failure
}

/** What an answer says; undefined: the text was taken. */
export function failureIn({
  status,
  headers,
  body,
}: Pick<OutgoingAnswer, "status" | "headers" | "body">): RecipientRefused | SendFailed | undefined {
  const { sid, code, message } = fieldsOf(body)
  if (status >= 200 && status < 300)
    return typeof sid === "string"
      ? undefined
      : new SendFailed(`The provider answered ${status} without the id of a message.`, { outcome: "unknown" })
  const said = `${status}${typeof code === "number" ? ` (${code})` : ""}: ${typeof message === "string" ? message : "no words"}`
  const retryAfterMs = pauseAsked(headers["retry-after"], clock.now())
  const later = retryAfterMs === undefined ? {} : { retryAfterMs }
  if (status === 429 || code === 20429)
    return new SendFailed(said, { outcome: "not_sent", concern: "service", ...later })
  if (status >= 500)
    return new SendFailed(said, { outcome: status === 503 ? "not_sent" : "unknown", concern: "service", ...later })
  if (typeof code === "number" && ofTheNumber.has(code)) return new RecipientRefused(said)
  if (status === 401 || status === 403 || status === 404 || ofTheSender.has(code as number))
    return new SendFailed(said, { outcome: "not_sent", concern: "service" })
  // Whatever else a proxy or another program says, such as 302 or 408.
  if (status < 400 || typeof code !== "number")
    return new SendFailed(said, { outcome: "unknown", concern: "suspected" })
  return new SendFailed(said, { outcome: "not_sent", permanent: true })
}

/**
 * 21211, 21217, 21614: no number, or none that takes texts. 21610: opted out with STOP. 21265, 21266, 21268, 21635: a
 * short code, the sender itself, a premium number, a landline.
 */
const ofTheNumber: ReadonlySet<number> = new Set([21211, 21217, 21265, 21266, 21268, 21610, 21614, 21635])

/** The account, its balance or its sender (From): no text would go out. */
const ofTheSender: ReadonlySet<number> = new Set([20003, 20005, 21212, 21603, 21606, 21659, 21660, 21661, 21703, 30002])

function unanswered(error: unknown): unknown {
  if (error instanceof EgressRefused) return new SendFailed(error.message, { outcome: "not_sent", concern: "service" })
  if (!(error instanceof RequestFailed)) return error
  const outcome = nothingSent.has(error.code) ? "not_sent" : "unknown"
  return new SendFailed(error.message, { outcome, concern: error.code === "aborted" ? "message" : "service" })
}

const nothingSent: ReadonlySet<string> = new Set([
  "name_not_found",
  "connection_failed",
  "certificate_refused",
  "tls_failed",
  "not_received",
])

function fieldsOf(body: string): { readonly sid?: unknown; readonly code?: unknown; readonly message?: unknown } {
  try {
    const parsed: unknown = JSON.parse(body)
    return typeof parsed === "object" && parsed !== null ? parsed : {}
  } catch {
    return {}
  }
}
