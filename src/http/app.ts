/**
 * The things that every route needs, made once by main.ts. Only routes, http/ and api/ know the App: a function below
 * them takes the parts that it uses. A route that needs a system outside of the program names it beside the App
 * (src/api/outside.ts lists them).
 */
import type { Config } from "#base/config.ts"
import type { Db } from "#base/database/db.ts"
import type { Hooks } from "#base/hooks.ts"
import type { SecretBox } from "#base/secrets.ts"

export interface App {
  readonly config: Config
  readonly db: Db
  readonly secrets: SecretBox
  /** Left out: none. */
  readonly hooks?: Hooks
}
