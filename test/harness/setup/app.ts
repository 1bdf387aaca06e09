// The App of a test, and the tools of its actors: the configuration's defaults, with the test's changes and a fixed
// secret key.

import { setPasswordCost } from "#access/passwords.ts"
import { type Outside, openOutside } from "#api/outside.ts"
import { type Config, parseConfig } from "#base/config.ts"
import type { Db } from "#base/database/db.ts"
import { secretBox } from "#base/secrets.ts"
import type { App } from "#http/app.ts"
import type { Channel } from "#outbound/messages/channels/channel.ts"
import { createMailer } from "#outbound/messages/channels/email/smtp.ts"
import { createPushChannel } from "#outbound/messages/channels/push/push.ts"
import { createSmsChannel } from "#outbound/messages/channels/sms/sms.ts"

/** Tests make thousands of people, and at this cost the hashes took a third of the processor. */
export const cheapPasswordCost = { memoryCost: 64, timeCost: 1 }
setPasswordCost(cheapPasswordCost)

/** Tests ask faster than any caller. A test of the limits gives the real number. */
const unlimited = 1_000_000

export interface TestApp extends App, Outside {
  readonly mail: Channel
  readonly channels: readonly Channel[]
}

export function testApp(db: Db, given: Partial<Config> = {}): TestApp {
  const config = { ...parseConfig({}), requestsPerSecond: unlimited, ...given }
  const secrets = secretBox(new Uint8Array(32).fill(7))
  const mail = createMailer({ config, db })
  const channels = [mail, createSmsChannel({ config, db, secrets }), createPushChannel({ config, db, secrets })]
  return { db, config, secrets, ...openOutside(config, db), mail, channels }
}
