/** What moving money works with. Each function of this room takes as much of it as it uses. */
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
  /** Where its events happen. */
  readonly config: Pick<Config, "environment">
  /** Of before:payment.process. Left out: none. */
  readonly hooks?: Hooks
}
