/** The payment providers of an installation: Stripe when it is configured, else the built-in one. */
import type { App } from "#base/app.ts"
import type { ProviderName } from "#domain/ledger/saved-card.ts"
import { localProvider } from "./local.ts"
import type { PaymentProvider } from "./provider.ts"
import { stripeProvider } from "./stripe.ts"
import { stripeClient } from "./stripe-client.ts"

/** The provider of new payments. */
export const presentProvider = (app: App): PaymentProvider => {
  const { local, stripe } = providersOf(app)
  return stripe ?? local
}

/** The provider of an earlier payment; undefined when it is not configured any more. */
export const providerOf = (app: App, name: ProviderName): PaymentProvider | undefined => providersOf(app)[name]

/** The names of the providers that can be asked. */
export const knownProviders = (app: App): ProviderName[] => (app.config.stripe ? ["local", "stripe"] : ["local"])

interface Providers {
  readonly local: PaymentProvider
  readonly stripe: PaymentProvider | undefined
}

const made = new WeakMap<App, Providers>()

function providersOf(app: App): Providers {
  const present = made.get(app)
  if (present) return present
  const { stripe, egressAllow } = app.config
  const providers: Providers = {
    local: localProvider(app.db),
    stripe: stripe && stripeProvider(stripeClient(stripe, egressAllow)),
  }
  made.set(app, providers)
  return providers
}
