/** The payment providers of an installation: Stripe when it is configured, else the built-in one. */
import type { Config } from "#base/config.ts"
import type { Db } from "#base/database/db.ts"
import type { ProviderName } from "#domain/ledger/saved-card.ts"
import { localProvider } from "./local.ts"
import type { PaymentProvider } from "./provider.ts"
import { stripeProvider } from "./stripe.ts"
import { stripeClient } from "./stripe-client.ts"

export interface PaymentProviders {
  /** The provider of new payments. */
  readonly current: PaymentProvider
  /** The provider of an earlier payment; undefined when it is not configured any more. */
  readonly named: (name: ProviderName) => PaymentProvider | undefined
  /** The names of the providers that can be asked. */
  readonly names: readonly ProviderName[]
}

export function paymentProviders(
  { stripe, egressAllow }: Pick<Config, "stripe" | "egressAllow">,
  db: Db,
): PaymentProviders {
  const providers = {
    local: localProvider(db),
    ...(stripe && { stripe: stripeProvider(stripeClient(stripe, egressAllow)) }),
  }
  return {
    current: providers.stripe ?? providers.local,
    named: (name) => providers[name],
    names: stripe ? ["local", "stripe"] : ["local"],
  }
}
