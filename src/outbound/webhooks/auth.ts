/**
 * How a webhook's requests prove their origin. The secrets are stored sealed, bound to the webhook's id, and opened
 * only to send. Pure.
 */
import { type Fault, InvalidInput } from "#base/errors.ts"
import type { SecretBox } from "#base/secrets.ts"
import type { AuthConfig, AuthType } from "./input.ts"
import { newSigningSecret } from "./signature.ts"

/** The fields that each type needs, all of them and no others. A missing signing secret is generated. */
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
  /** A generated secret: shown once. */
  readonly made?: string
}

/** Checks the given fields against their type, together with the stored ones. Throws InvalidInput. */
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
