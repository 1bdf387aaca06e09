/**
 * The systems outside of this program that its routes and actors talk to. A function takes the systems that it uses, by
 * their names here. The routes and the actors open them separately, each over their own connections to the database.
 * Only the actors send mail, so the mailer is made in actors/index.ts.
 */
import type { Config } from "#base/config.ts"
import type { Db } from "#base/database/db.ts"
import { type Storages, storagesOf } from "#base/storage/open.ts"
import { type PaymentProviders, paymentProviders } from "#domain/payments/providers/choose.ts"

export interface Outside {
  /** Takes money and gives it back. */
  readonly payments: PaymentProviders
  /** Stores uploaded files. */
  readonly storage: Storages
}

/** Connects to nothing yet. @param db the built-in payment provider keeps its data there. */
export const openOutside = (config: Config, db: Db): Outside => ({
  payments: paymentProviders(config, db),
  storage: storagesOf(config),
})
