/** What every route and actor needs, made once by the entry file and passed on. */
import type { Config } from "./config.ts"
import type { Db } from "./database/db.ts"
import type { Hooks } from "./hooks.ts"
import type { SecretBox } from "./secrets.ts"

export interface App {
  readonly config: Config
  readonly db: Db
  readonly secrets: SecretBox
  /** Left out: none. */
  readonly hooks?: Hooks
}
