/**
 * Consents to reach a calendar, by OAuth 2 with a challenge (RFC 7636). The state is drawn at random, kept as a hash,
 * and good for one return. The browser that returns is shown a code, and whoever asked for the consent connects a
 * calendar with it. So nobody gets a calendar by sending another person to the consent page.
 * Writes: calendar_consents.
 */
import { createHash } from "node:crypto"
import type { Member } from "#access/caller.ts"
import type { Db } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotAllowed, RuleBroken } from "#base/errors.ts"
import { newId } from "#base/ids.ts"
import { hashToken, newToken, type SecretBox } from "#base/secrets.ts"
import type { OAuthService } from "#outbound/calendars/oauth.ts"
import type { ServiceName } from "#outbound/calendars/services.ts"
import type { CalendarConsent } from "./input.ts"

export interface ConsentTools {
  readonly secrets: SecretBox
  readonly publicUrl: string
}

/** The address that the operator registers at each provider. */
export const returnAddressOf = (publicUrl: string): string => `${publicUrl}/calendar-consents/return`

/** How long a person may look at the consent page, and then for a calendar. */
const openMinutes = 30
/** Consents of one person that are open at once. */
const maxOpen = 20

/** @throws NotAllowed */
export function requireConsentOfPerson({ caller }: Member): void {
  if (caller.kind !== "person") throw new NotAllowed("A person gives a consent.")
}

/** @throws RuleBroken too_many_consents */
export async function askForConsent(
  tx: Tx,
  { secrets, publicUrl }: ConsentTools,
  { caller, facilityId }: Member,
  provider: ServiceName,
  { config, scope }: OAuthService,
): Promise<CalendarConsent> {
  const [id, state, verifier] = [newId(), newToken("sbo"), newToken("sbv")]
  const [open] = await tx<[{ count: number }]>`
    select count(*)::integer as count from slotbase.calendar_consents
    where user_id = ${caller.userId} and facility_id = ${facilityId} and expires_at > slotbase.now()`
  if (open.count >= maxOpen) throw new RuleBroken("too_many_consents", `At most ${maxOpen} consents are open at once.`)
  const [row] = await tx<[{ expires_at: Date }]>`
    insert into slotbase.calendar_consents (id, facility_id, user_id, provider, state_hash, verifier, expires_at)
    values (${id}, ${facilityId}, ${caller.userId}, ${provider}, ${hashToken(state)},
            ${secrets.seal(verifier, purposeOf(id))}, slotbase.now() + make_interval(mins => ${openMinutes}))
    returning expires_at`
  const url = new URL(config.consentUrl)
  const query = {
    response_type: "code",
    client_id: config.clientId,
    redirect_uri: returnAddressOf(publicUrl),
    scope,
    state,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
    prompt: "consent",
    // Without it Google gives no refresh token.
    ...(provider === "google" && { access_type: "offline" }),
  }
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  return { id, provider, url: url.href, expiresAt: row.expires_at.toISOString() }
}

export interface ReturnedConsent {
  readonly id: string
  readonly facility_id: string
  readonly provider: ServiceName
  readonly verifier: string
}

/** Somebody returns with this state: once. Undefined: it was not asked for, has expired, or was used. */
export async function useState(db: Db, secrets: SecretBox, state: string): Promise<ReturnedConsent | undefined> {
  const [row] = await db<{ id: string; facility_id: string; provider: ServiceName; verifier: Uint8Array }[]>`
    with found as (
      select c.id, c.facility_id, c.provider, c.verifier from slotbase.calendar_consents c
      where c.state_hash = ${hashToken(state)} and c.verifier is not null and c.expires_at > slotbase.now()
      for update
    )
    update slotbase.calendar_consents c set verifier = null from found f
    where c.id = f.id and c.facility_id = f.facility_id
    returning f.*`
  return row && { ...row, verifier: secrets.open(row.verifier, purposeOf(row.id)) }
}

/** Keeps what the consent is worth. Answers the code for the browser. */
export async function keepConsent(
  db: Db,
  secrets: SecretBox,
  { id, facility_id }: ReturnedConsent,
  refreshToken: string,
): Promise<string> {
  const code = newToken("sbc")
  await db`
    update slotbase.calendar_consents
    set code_hash = ${hashToken(code)}, refresh_token = ${secrets.seal(refreshToken, purposeOf(id))},
        expires_at = slotbase.now() + make_interval(mins => ${openMinutes})
    where id = ${id} and facility_id = ${facility_id} and code_hash is null`
  return code
}

/** The refresh token of a consent, which is used up. @throws RuleBroken consent_not_valid */
export async function takeConsent(
  tx: Tx,
  secrets: SecretBox,
  { caller, facilityId }: Member,
  provider: string,
  code: string,
): Promise<string> {
  const [row] = await tx<{ id: string; refresh_token: Uint8Array }[]>`
    delete from slotbase.calendar_consents
    where user_id = ${caller.userId} and facility_id = ${facilityId} and provider = ${provider}
      and code_hash = ${hashToken(code)} and expires_at > slotbase.now()
    returning id, refresh_token`
  if (row) return secrets.open(row.refresh_token, purposeOf(row.id))
  throw new RuleBroken("consent_not_valid", "The code is of no consent of yours that is open. Ask for a new one.", [
    { path: "body.credentials.consentCode", message: "is not valid" },
  ])
}

const purposeOf = (id: string) => `calendar-consent:${id}`
