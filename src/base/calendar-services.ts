/**
 * The calendar services that an operator has registered this program with. Without a registration only CalDAV works,
 * which needs none.
 */
import { BadConfig } from "./bad-config.ts"

/** A client of OAuth 2 that the operator has registered at a provider, and the addresses of the provider. */
export interface CalendarServiceConfig {
  readonly clientId: string
  readonly clientSecret: string
  /** Where a person gives consent. */
  readonly consentUrl: string
  /** Where tokens are asked for. */
  readonly tokenUrl: string
  /** The address of the API, without a slash at its end. */
  readonly apiBase: string
}

const parts = ["CLIENT_ID", "CLIENT_SECRET", "CONSENT_URL", "TOKEN_URL", "API_BASE"] as const
type Part = (typeof parts)[number]
type ServiceVariable<S extends string> = `SLOTBASE_${S}_${Part}`
type Reading<S extends string> = (name: ServiceVariable<S>) => string | undefined

/** Undefined: no calendars at Google. */
export const googleOf = (text: Reading<"GOOGLE">): CalendarServiceConfig | undefined =>
  serviceOf("GOOGLE", text, {
    CONSENT_URL: "https://accounts.google.com/o/oauth2/v2/auth",
    TOKEN_URL: "https://oauth2.googleapis.com/token",
    API_BASE: "https://www.googleapis.com/calendar/v3",
  })

/** Undefined: no calendars of Outlook. */
export const outlookOf = (text: Reading<"MICROSOFT">): CalendarServiceConfig | undefined =>
  serviceOf("MICROSOFT", text, {
    CONSENT_URL: "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
    TOKEN_URL: "https://login.microsoftonline.com/common/oauth2/v2.0/token",
    API_BASE: "https://graph.microsoft.com/v1.0",
  })

function serviceOf<S extends string>(
  service: S,
  text: Reading<S>,
  usual: { readonly CONSENT_URL: string; readonly TOKEN_URL: string; readonly API_BASE: string },
): CalendarServiceConfig | undefined {
  const name = (part: Part): ServiceVariable<S> => `SLOTBASE_${service}_${part}`
  const [clientId, clientSecret] = [text(name("CLIENT_ID")), text(name("CLIENT_SECRET"))]
  if (!clientId && !clientSecret) return undefined
  if (!clientId || !clientSecret)
    throw new BadConfig(`${name("CLIENT_ID")} and ${name("CLIENT_SECRET")} go together: the provider gives both.`)
  const address = (part: keyof typeof usual) => {
    const given = text(name(part)) ?? usual[part]
    if (!/^https?:$/.test(URL.parse(given)?.protocol ?? ""))
      throw new BadConfig(`${name(part)} is "${given}"; set it to an address such as ${usual[part]}.`)
    return given.replace(/\/$/, "")
  }
  return {
    clientId,
    clientSecret,
    consentUrl: address("CONSENT_URL"),
    tokenUrl: address("TOKEN_URL"),
    apiBase: address("API_BASE"),
  }
}
