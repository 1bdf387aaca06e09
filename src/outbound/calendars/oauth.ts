/**
 * Tokens of OAuth 2 (RFC 6749) for calendars. An access token lasts about an hour, and is made of the refresh token
 * when it is needed. A refresh token that has ended cannot be mended here: its owner is told.
 */
import type { CalendarServiceConfig } from "#base/calendar-services.ts"
import { askCalendar, type CalendarAccess } from "./ask.ts"
import { CalendarFailed } from "./provider.ts"

export interface OAuthService {
  readonly name: string
  readonly config: CalendarServiceConfig
  /** Scopes, divided by spaces. */
  readonly scope: string
}

export interface OAuthTokens {
  readonly accessToken: string
  /** Undefined: the one that was given goes on. */
  readonly refreshToken: string | undefined
}

/** @throws CalendarFailed `credentials_refused` when the refresh token has ended */
export const accessTokenOf = (
  service: OAuthService,
  refreshToken: string,
  access: CalendarAccess,
): Promise<OAuthTokens> => tokens(service, { grant_type: "refresh_token", refresh_token: refreshToken }, access)

/** What a code of a consent is worth, with the verifier of its challenge (RFC 7636). */
export const tokensOfCode = (
  service: OAuthService,
  { code, verifier, redirectUri }: { readonly code: string; readonly verifier: string; readonly redirectUri: string },
  access: CalendarAccess,
): Promise<OAuthTokens> =>
  tokens(
    service,
    { grant_type: "authorization_code", code, code_verifier: verifier, redirect_uri: redirectUri },
    access,
  )

async function tokens(
  { name, config, scope }: OAuthService,
  grant: Readonly<Record<string, string>>,
  access: CalendarAccess,
): Promise<OAuthTokens> {
  const { clientId, clientSecret, tokenUrl } = config
  const form = { ...grant, client_id: clientId, client_secret: clientSecret, scope }
  const headers = { "content-type": "application/x-www-form-urlencoded" }
  const body = new URLSearchParams(form).toString()
  const answer = await askCalendar(tokenUrl, { method: "POST", headers, body, expects401: true }, access)
  const read = fieldsOf(answer.body)
  // RFC 6749, 5.2: an invalid client is the program itself, whose secret has ended. No person can mend that.
  if (answer.status === 401 || textOf(read?.error) === "unauthorized_client")
    throw new CalendarFailed(
      "program_refused",
      `${name} does not take this program's registration (${textOf(read?.error)}). Its operator must renew it.`,
    )
  // invalid_grant is a token that was revoked or has ended.
  if (answer.status === 400 || answer.status === 403)
    throw new CalendarFailed("credentials_refused", `${name} refuses the permission (${textOf(read?.error)}).`)
  if (answer.status !== 200)
    throw new CalendarFailed("refused", `${name} refuses to give an access token (${answer.status}).`)
  const { access_token: accessToken, refresh_token: refreshToken } = read ?? {}
  if (typeof accessToken !== "string" || accessToken === "")
    throw new CalendarFailed("not_understood", `The answer of ${name} has no access token.`)
  return { accessToken, refreshToken: typeof refreshToken === "string" ? refreshToken : undefined }
}

interface TokenAnswer {
  readonly error?: unknown
  readonly access_token?: unknown
  readonly refresh_token?: unknown
}

function fieldsOf(body: string): TokenAnswer | undefined {
  try {
    const read: unknown = JSON.parse(body)
    return typeof read === "object" && read !== null ? read : undefined
  } catch {
    return undefined
  }
}

const textOf = (value: unknown) => (typeof value === "string" ? value.slice(0, 100) : "no reason")
