// The App of a test: the configuration's defaults, with the test's changes and a fixed secret key.

import { type Outside, openOutside } from "#api/outside.ts"
import { type Config, parseConfig } from "#base/config.ts"
import type { Db } from "#base/database/db.ts"
import { secretBox } from "#base/secrets.ts"
import type { App } from "#http/app.ts"

export function testApp(db: Db, given: Partial<Config> = {}): App & Outside {
  const config = { ...parseConfig({}), ...given }
  return { db, config, secrets: secretBox(new Uint8Array(32).fill(7)), ...openOutside(config, db) }
}
