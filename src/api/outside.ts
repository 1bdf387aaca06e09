/**
 * The systems outside of this program that its routes and actors talk to. main.ts opens them once; a function takes the
 * one that it uses, by its name here.
 */
import type { Config } from "#base/config.ts"
import type { Db } from "#base/database/db.ts"
import { type Storages, storagesOf } from "#base/storage/open.ts"
import { type PaymentProviders, paymentProviders } from "#domain/payments/providers/choose.ts"
import { createMailer, type Mailer } from "#outbound/messages/channels/email/smtp.ts"

export interface Outside {
  /** Who takes money and gives it back. */
  readonly payments: PaymentProviders
  /** Where uploaded files stand. */
  readonly storage: Storages
  /** Who carries mail. */
  readonly mail: Mailer
}

/**
 * Connects to nothing yet: each connects with its first use. The built-in payment provider and the local mailbox keep
 * what is theirs in the database. Throws `BadConfig` when SLOTBASE_MAIL_FROM has no address in it.
 */
export const openOutside = (config: Config, db: Db): Outside => ({
  payments: paymentProviders(config, db),
  storage: storagesOf(config),
  mail: createMailer({ config, db }),
})

/** Ends the connections that are open. */
export const closeOutside = ({ mail }: Outside): Promise<void> => mail.close()
