/** What a calendar's server asks for: which fields a provider needs, and how they are sealed. Never answered. */
import { InvalidInput } from "#base/errors.ts"
import type { SecretBox } from "#base/secrets.ts"
import type { CalendarCredentials, CalendarProviderName } from "./input.ts"

const needed: Readonly<Record<CalendarProviderName, readonly (keyof CalendarCredentials)[]>> = {
  apple: ["username", "password"],
  google: ["refreshToken"],
  outlook: ["refreshToken"],
}

/** Exactly what the provider needs. The code of a consent stands for a refresh token. @throws InvalidInput */
export function requireCredentials(provider: CalendarProviderName, given: CalendarCredentials): void {
  const byConsent = provider !== "apple" && given.consentCode !== undefined
  const wanted: readonly (keyof CalendarCredentials)[] = byConsent ? ["consentCode"] : needed[provider]
  const faults = [
    ...wanted
      .filter((name) => given[name] === undefined)
      .map((name) => ({ path: `body.credentials.${name}`, message: `is needed for ${provider}` })),
    ...Object.keys(given)
      .filter((name) => !wanted.some((each) => each === name))
      .map((name) => ({ path: `body.credentials.${name}`, message: `is not used for ${provider}` })),
  ]
  // A user name ends at the first colon (RFC 7617).
  if (given.username?.includes(":")) faults.push({ path: "body.credentials.username", message: "must have no colon" })
  if (faults.length > 0) throw new InvalidInput(faults)
}

export const sealCredentials = (secrets: SecretBox, syncId: string, credentials: CalendarCredentials): Uint8Array =>
  secrets.seal(JSON.stringify(credentials), purposeOf(syncId))

export const openCredentials = (secrets: SecretBox, syncId: string, sealed: Uint8Array): CalendarCredentials =>
  JSON.parse(secrets.open(sealed, purposeOf(syncId))) as CalendarCredentials

const purposeOf = (syncId: string) => `calendar:${syncId}`
