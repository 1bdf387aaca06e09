/**
 * The systems outside of this program that its routes and actors talk to. A function takes the one that it uses, by its
 * name here. The routes and the actors open them apart, each over their own connections to the database. Only the
 * actors send mail, so they make the mailer (actors/index.ts).
 */
import type { Config } from "#base/config.ts"
import type { Db } from "#base/database/db.ts"
import { type Storages, storagesOf } from "#base/storage/open.ts"
import { type PaymentProviders, paymentProviders } from "#domain/payments/providers/choose.ts"

export interface Outside {
  /** Who takes money and gives it back. */
  readonly payments: PaymentProviders
  /** Where uploaded files stand. */
  readonly storage: Storages
}

/** Connects to nothing yet. @param db where the built-in payment provider keeps what is its own. */
export const openOutside = (config: Config, db: Db): Outside => ({
  payments: paymentProviders(config, db),
  storage: storagesOf(config),
})
