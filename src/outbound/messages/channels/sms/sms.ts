/**
 * Text messages: to the provider of SLOTBASE_SMS_…, or else to the local phone. A text is a sentence or two and, where
 * the mail has one, the link to the booking. It is no longer than the provider takes.
 */
import type { Config } from "#base/config.ts"
import type { Db } from "#base/database/db.ts"
import type { SecretBox } from "#base/secrets.ts"
import { withPhoneCode } from "#domain/people/phones/codes.ts"
import { beforeItLeaves, type Channel, type Outgoing } from "#outbound/messages/channels/channel.ts"
import { keepText } from "./phone-inbox.ts"
import { longestText, sendByTwilio } from "./twilio.ts"

interface SmsTools {
  readonly config: Pick<Config, "sms" | "environment" | "egressAllow">
  readonly db: Db
  readonly secrets: SecretBox
}

/** Twilio takes hundreds of requests at once; so many may have an unknown outcome after a kill. */
const sendsAtOnce = 10

export function createSmsChannel({ config, db, secrets }: SmsTools): Channel {
  const { sms, environment, egressAllow } = config
  return {
    name: "sms",
    unavailable:
      sms === undefined && environment === "production"
        ? "no SMS provider is configured (SLOTBASE_SMS_ACCOUNT_SID)"
        : undefined,
    sendsAtOnce,

    async send(message, signal) {
      const body = await beforeItLeaves(() => textOfSms(message, secrets))
      const text = { to: message.to.address, body }
      if (sms) await sendByTwilio(sms, text, egressAllow, signal)
      else await keepText(db, { messageId: message.id, recipient: text.to, sender: "SlotBase", body: text.body })
    },

    close: async () => {},
  }
}

/** What the phone shows. Only the text of a code has a place for a code. */
export function textOfSms({ type, body }: Pick<Outgoing, "type" | "body">, secrets: SecretBox): string {
  const text = type === "user.phone_code_requested" ? withPhoneCode(body, secrets) : body
  return text.length <= longestText ? text : `${text.slice(0, longestText - 1).replace(/[\ud800-\udbff]$/, "")}…`
}
