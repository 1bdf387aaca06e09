/**
 * How a webhook's requests show where they come from, and how that is kept: sealed, bound to the webhook's id, and
 * opened only to send. Pure.
 */
import { type Fault, InvalidInput } from "#base/errors.ts"
import type { SecretBox } from "#base/secrets.ts"
import type { AuthConfig, AuthType } from "./input.ts"
import { newSigningSecret } from "./signature.ts"

/** What each type needs, all of it and nothing else; a missing signing secret is made. */
const needs: Record<AuthType, readonly (keyof AuthConfig)[]> = {
  none: [],
  header: ["headerName", "headerValue"],
  basic: ["username", "password"],
  bearer: ["bearerToken"],
  signature: ["signingSecret"],
}

export interface Auth {
  readonly type: AuthType
  readonly config: AuthConfig
  /** Made just now: to be shown, once. */
  readonly made?: string
}

/** Checks what was given against its type, on top of what is kept. Throws InvalidInput. */
export function authOf(type: AuthType, given: AuthConfig, kept: AuthConfig = {}): Auth {
  const wanted = needs[type]
  const foreign = Object.keys(given).filter((key) => !wanted.includes(key as keyof AuthConfig))
  const config = { ...kept, ...given }
  const made = type === "signature" && config.signingSecret === undefined ? newSigningSecret() : undefined
  const whole: AuthConfig = made === undefined ? config : { ...config, signingSecret: made }
  const missing = wanted.filter((key) => whole[key] === undefined)
  const faults: Fault[] = [
    ...foreign.map((key) => ({ path: `body.authConfig.${key}`, message: `Not used by the authType ${type}` })),
    ...missing.map((key) => ({ path: `body.authConfig.${key}`, message: `Needed by the authType ${type}` })),
  ]
  if (faults.length > 0) throw new InvalidInput(faults)
  return { type, config: whole, ...(made !== undefined && { made }) }
}

export const sealAuth = (secrets: SecretBox, webhookId: string, auth: Auth): Buffer | null =>
  auth.type === "none" ? null : secrets.seal(JSON.stringify(auth.config), purposeOf(webhookId))

export const openAuth = (secrets: SecretBox, webhookId: string, sealed: Uint8Array | null): AuthConfig =>
  sealed === null ? {} : JSON.parse(secrets.open(sealed, purposeOf(webhookId)))

const purposeOf = (webhookId: string) => `webhook:${webhookId}`
