// The App of a test: the configuration's defaults, with the test's changes and a fixed secret key.

import type { App } from "#base/app.ts"
import { type Config, parseConfig } from "#base/config.ts"
import type { Db } from "#base/database/db.ts"
import { secretBox } from "#base/secrets.ts"

export function testApp(db: Db, given: Partial<Config> = {}): App {
  return { db, config: { ...parseConfig({}), ...given }, secrets: secretBox(new Uint8Array(32).fill(7)) }
}
