/** The tools for moving money. Each function of this room takes the ones that it uses. */
import type { Config } from "#base/config.ts"
import type { Db } from "#base/database/db.ts"
import type { Hooks } from "#base/hooks.ts"
import type { SecretBox } from "#base/secrets.ts"
import type { PaymentProviders } from "./providers/choose.ts"

export interface PaymentTools {
  readonly db: Db
  readonly payments: PaymentProviders
  /** Seals the references of cards. */
  readonly secrets: SecretBox
  /** The environment of the events. */
  readonly config: Pick<Config, "environment">
  /** The hooks of before:payment.process. Left out: none. */
  readonly hooks?: Hooks
}
