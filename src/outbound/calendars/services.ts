/** The providers that are reached by OAuth 2, as the operator has registered this program with them. */
import type { Config } from "#base/config.ts"
import { RuleBroken } from "#base/errors.ts"
import { googleService } from "./google/google-api.ts"
import type { CalendarProviderName } from "./input.ts"
import type { OAuthService } from "./oauth.ts"
import { outlookService } from "./outlook/outlook-api.ts"

export type ServiceConfig = Pick<Config, "google" | "outlook">
export type ServiceName = Exclude<CalendarProviderName, "apple">

/** The servers that are asked, by which pauses are kept. */
export const serviceHosts: Readonly<Record<ServiceName, string>> = {
  google: "www.googleapis.com",
  outlook: "graph.microsoft.com",
}

/** Undefined: the operator has not registered the program there. */
export function oauthServiceOf({ google, outlook }: ServiceConfig, provider: ServiceName): OAuthService | undefined {
  if (provider === "google") return google && googleService(google)
  return outlook && outlookService(outlook)
}

/** Throws RuleBroken when the operator has not registered the program with the provider. */
export function requireProvider(config: ServiceConfig, provider: CalendarProviderName): void {
  if (provider === "apple" || config[provider]) return
  throw new RuleBroken("provider_not_configured", `This program is not registered with ${provider}.`, [
    { path: "body.provider", message: "is not configured" },
  ])
}
