/**
 * What a failed send says, and about whom. An answer about the recipient ends the message. An answer about the sender
 * or the service says nothing about the recipient, and concerns all mail. Everything else is about this message.
 * The codes are those of RFC 5321 and RFC 3463; providers also put limits of a sender into words (550, "too many").
 */

import { isDeadAddress } from "#domain/people/undeliverable.ts"
import { RecipientRefused, SendFailed } from "#outbound/messages/channels/channel.ts"
import { NothingSent } from "./smtp-connections.ts"

interface SmtpError extends Error {
  readonly code?: string
  readonly command?: string
  readonly response?: string
  readonly responseCode?: number
}

/** The failure in an error of a connection. */
export function mailFailure(error: unknown): RecipientRefused | SendFailed {
  if (!(error instanceof Error)) return new SendFailed(String(error), { outcome: "unknown" })
  if (error instanceof NothingSent) {
    const said = (error.cause as SmtpError).response ?? error.message
    return new SendFailed(said, { outcome: "not_sent", concern: error.isStopped ? "message" : "service" })
  }
  const { code = "", command, response, responseCode }: SmtpError = error
  const said = response ?? error.message
  if (code === "EENVELOPE" && command === "API") return new RecipientRefused(said)
  if (responseCode === undefined || responseCode < 400) {
    const concern = connectionCodes.includes(code) ? "service" : "message"
    return new SendFailed(said, { outcome: "unknown", concern })
  }
  const toRecipient = command === "RCPT TO" || command === "DATA"
  const permanent = responseCode >= 500
  if (!toRecipient || ofTheService.includes(responseCode))
    return new SendFailed(said, { outcome: "not_sent", concern: "service" })
  const [, subject = "", detail = ""] = /^\d{3}[ -][45]\.(\d{1,3})\.(\d{1,3})\b/.exec(said) ?? []
  if (permanent && ofTheRecipient(subject, detail))
    return new RecipientRefused(said, isDeadAddress(`5.${subject}.${detail}`))
  if (aboutTheSender(permanent, subject, detail, said))
    return new SendFailed(said, { outcome: "not_sent", concern: "suspected" })
  if (permanent && command === "RCPT TO") return new RecipientRefused(said)
  return new SendFailed(said, { outcome: "not_sent", permanent })
}

/** Of nodemailer. Its time-out is for every step, so that the outcome is unknown. */
const connectionCodes = ["EPROTOCOL", "ETIMEDOUT"]

/** Closing, encryption or authentication: never about a recipient. */
const ofTheService = [421, 454, 530, 534, 535, 538]

/** Addressing (x.1.x) but for the sender's address, and the mailbox (x.2.x). */
const ofTheRecipient = (subject: string, detail: string) =>
  subject === "2" || (subject === "1" && detail !== "7" && detail !== "8")

/** The mail system (x.3.x) but for the size, permanent policy (5.7.x), and limits in words. 4.7.x is greylisting. */
function aboutTheSender(permanent: boolean, subject: string, detail: string, said: string): boolean {
  if (subject === "2") return false
  if (subject === "1") return detail === "7" || detail === "8"
  if (subject === "3") return detail !== "4"
  return (subject === "7" && permanent) || limitsInWords.test(said)
}

const limitsInWords =
  /too many (?:messages|mails|e-?mails|connections|errors)|(?:daily|hourly|sending|sender|rate|message) (?:limit|quota)|quota exceeded|rate.?limit|\brelay|authenticat|sender (?:address )?rejected/i
