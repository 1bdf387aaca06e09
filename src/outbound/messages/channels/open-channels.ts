/** The channels that leave the program, in one list. Each connects with its first message. */
import type { Config } from "#base/config.ts"
import type { Db } from "#base/database/db.ts"
import type { SecretBox } from "#base/secrets.ts"
import type { Channel } from "./channel.ts"
import { createMailer } from "./email/smtp.ts"
import { createPushChannel } from "./push/push.ts"
import { createSmsChannel } from "./sms/sms.ts"

/** Throws `BadConfig` when SLOTBASE_MAIL_FROM has no address in it. */
export const openChannels = (tools: {
  readonly config: Config
  readonly db: Db
  readonly secrets: SecretBox
}): readonly Channel[] => [createMailer(tools), createSmsChannel(tools), createPushChannel(tools)]
