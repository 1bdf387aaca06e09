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

/** What signs or proves a request now. */
export interface OpenedAuth extends AuthConfig {
  /** During a rotation: the secret that takes over. */
  readonly nextSecret?: string
}

/** The columns of a webhook that hold its secrets. */
export interface SealedAuth {
  readonly id: string
  readonly auth_config: Uint8Array | null
  readonly next_auth_config: Uint8Array | null
  /** Whether its rotation is over: only the next secret counts then. */
  readonly rotated: boolean
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

/** The old secret of a rotation that is over is not opened any more. */
export function openCurrentAuth(secrets: SecretBox, webhook: SealedAuth): OpenedAuth {
  const { id, auth_config, next_auth_config, rotated } = webhook
  if (!next_auth_config) return openAuth(secrets, id, auth_config)
  const next = openAuth(secrets, id, next_auth_config)
  if (rotated) return next
  const { signingSecret } = next
  return { ...openAuth(secrets, id, auth_config), ...(signingSecret !== undefined && { nextSecret: signingSecret }) }
}

const purposeOf = (webhookId: string) => `webhook:${webhookId}`
