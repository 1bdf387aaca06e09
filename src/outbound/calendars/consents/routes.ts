/** Consents: an application asks for the address of the consent page, and the provider sends the browser back here. */
import { Elysia } from "elysia"
import { requireMember } from "#access/caller.ts"
import { clock } from "#base/clock.ts"
import { RuleBroken } from "#base/errors.ts"
import type { App } from "#http/app.ts"
import { described } from "#http/describe.ts"
import { facilityIdOf } from "#http/path.ts"
import { api, streamingApi } from "#http/route.ts"
import { tokensOfCode } from "#outbound/calendars/oauth.ts"
import { CalendarFailed, Throttled } from "#outbound/calendars/provider.ts"
import { oauthServiceOf, requireProvider } from "#outbound/calendars/services.ts"
import { askForConsent, keepConsent, requireConsentOfPerson, returnAddressOf, useState } from "./consents.ts"
import { CalendarConsent, CalendarConsentInput } from "./input.ts"
import { consentGivenPage, consentRefusedPage } from "./page.ts"

export const calendarConsentRoutes = (app: App) =>
  new Elysia({ name: "calendar-consents" }).use(api(app)).post(
    "/v1/facilities/:facilityId/calendar-consents",
    async ({ command, caller, input, body, params }) => {
      const member = requireMember(await caller(), facilityIdOf(params.facilityId))
      requireConsentOfPerson(member)
      const { provider } = input(CalendarConsentInput, body)
      const service = oauthServiceOf(app.config, provider)
      requireProvider(app.config, provider)
      if (!service) throw new RuleBroken("provider_not_configured", "The provider is not configured.")
      const tools = { secrets: app.secrets, publicUrl: app.config.publicUrl }
      return command((tx) => askForConsent(tx, tools, member, provider, service), { status: 201, secret: true })
    },
    described({
      tag: "Calendars",
      summary: "Ask for the consent page of Google or Microsoft",
      description:
        "The person opens the address in their browser. The provider sends the browser back to a page of SlotBase with a " +
        "code. With that code as `consentCode` in the credentials the same person connects a calendar.",
      body: CalendarConsentInput,
      answer: CalendarConsent,
      status: 201,
    }),
  )

/** Where the browser returns. The address is registered at the provider. */
export const consentReturnRoutes = (app: App) =>
  new Elysia({ name: "calendar-consent-returns", detail: { hide: true } })
    .use(streamingApi(app))
    .get("/calendar-consents/return", ({ request }) => receiveConsent(app, new URL(request.url).searchParams))

async function receiveConsent({ db, config, secrets }: App, query: URLSearchParams): Promise<Response> {
  const [state, code] = [query.get("state") ?? "", query.get("code") ?? ""]
  if (state.length > longestGiven || code.length > longestGiven) return consentRefusedPage(400, ended)
  const consent = await useState(db, secrets, state)
  if (!consent) return consentRefusedPage(410, ended)
  const service = oauthServiceOf(config, consent.provider)
  if (code === "" || !service) return consentRefusedPage(400, "The permission was not given.")
  const access = { allow: config.egressAllow, now: () => clock.now(), timeoutMs: tokenMs }
  const given = { code, verifier: consent.verifier, redirectUri: returnAddressOf(config.publicUrl) }
  const tokens = await tokensOfCode(service, given, access).catch((error: unknown) => {
    if (error instanceof CalendarFailed || error instanceof Throttled) return error
    throw error
  })
  if (tokens instanceof Error) return consentRefusedPage(502, "The provider did not confirm the permission. Try again.")
  if (tokens.refreshToken === undefined)
    return consentRefusedPage(502, "The provider gave a permission for an hour only. Try again.")
  return consentGivenPage(await keepConsent(db, secrets, consent, tokens.refreshToken))
}

const ended = "It was answered already, or it took too long. Ask for a new one."
/** Codes of Microsoft have about 1,500 characters. */
const longestGiven = 4_000
/** The browser waits for it. */
const tokenMs = 15_000
