/** Google's Calendar API (v3) for one calendar, by JSON over the one guard. */
import type { CalendarServiceConfig } from "#base/calendar-services.ts"
import type { OutgoingAnswer } from "#base/egress/fetch.ts"
import { askCalendar, type CalendarAccess } from "#outbound/calendars/ask.ts"
import { accessTokenOf, type OAuthService } from "#outbound/calendars/oauth.ts"
import {
  CalendarFailed,
  type ChannelToOpen,
  EntryRefused,
  type OpenChannel,
  Throttled,
  TokenExpired,
} from "#outbound/calendars/provider.ts"
import type { GoogleEvent } from "./event-text.ts"

export type GoogleApi = ReturnType<typeof googleApi>

export interface GooglePage {
  readonly items?: readonly GoogleEvent[]
  readonly nextPageToken?: string
  /** Only on the last page. */
  readonly nextSyncToken?: string
}

export const googleService = (config: CalendarServiceConfig): OAuthService => ({
  name: "Google",
  config,
  scope: "https://www.googleapis.com/auth/calendar.events",
})

/** Google gives a week at most. */
const channelSeconds = 7 * 24 * 3_600
/** The most that Google gives. */
const eventsOfAPage = "2500"

export function googleApi(
  config: CalendarServiceConfig,
  { calendarId, refreshToken }: { readonly calendarId: string; readonly refreshToken: string },
  access: CalendarAccess,
) {
  const events = `${config.apiBase}/calendars/${encodeURIComponent(calendarId)}/events`
  let token: Promise<string> | undefined

  async function ask(method: string, url: string, body?: object, etag?: string | null): Promise<OutgoingAnswer> {
    for (let tries = 1; ; tries++) {
      token ??= accessTokenOf(googleService(config), refreshToken, access).then(({ accessToken }) => accessToken)
      const headers = {
        authorization: `Bearer ${await token}`,
        ...(body && { "content-type": "application/json" }),
        ...(etag && { "if-match": etag }),
      }
      try {
        const answer = await askCalendar(url, { method, headers, ...(body && { body: JSON.stringify(body) }) }, access)
        if (answer.status === 403) throw refusalOf(answer)
        return answer
      } catch (error) {
        // An access token may end before its time.
        token = undefined
        const isOver = error instanceof CalendarFailed && error.code === "credentials_refused" && tries === 1
        if (!isOver) throw error
      }
    }
  }

  return {
    /** A page of the events. @throws TokenExpired */
    async page(query: Readonly<Record<string, string>>): Promise<GooglePage> {
      const answer = await ask("GET", `${events}?${new URLSearchParams({ maxResults: eventsOfAPage, ...query })}`)
      if (answer.status === 410) throw new TokenExpired("Google no longer knows the changes since the last pull.")
      return jsonOf<GooglePage>(answer, [200], "list its events")
    },

    /** Undefined: there never was one. An event that was deleted is there as cancelled. */
    async get(id: string): Promise<GoogleEvent | undefined> {
      const answer = await ask("GET", `${events}/${id}`)
      return answer.status === 404 || answer.status === 410
        ? undefined
        : jsonOf<GoogleEvent>(answer, [200], "read an event")
    },

    /** Undefined: one of this id is or was there. */
    async insert(event: object): Promise<GoogleEvent | undefined> {
      const answer = await ask("POST", `${events}?sendUpdates=none`, event)
      return answer.status === 409 ? undefined : entryOf(answer)
    },

    /** Undefined: it is not of this version any more. */
    async patch(id: string, event: object, etag: string | null): Promise<GoogleEvent | undefined> {
      const answer = await ask("PATCH", `${events}/${id}?sendUpdates=none`, event, etag)
      return answer.status === 412 || answer.status === 404 ? undefined : entryOf(answer)
    },

    async remove(id: string): Promise<void> {
      const { status } = await ask("DELETE", `${events}/${id}?sendUpdates=none`)
      if (![200, 204, 404, 410].includes(status))
        throw new EntryRefused(`Google does not remove the entry (${status}).`)
    },

    watch: {
      async open({ id, address, secret }: ChannelToOpen): Promise<OpenChannel> {
        const params = { ttl: String(channelSeconds) }
        const answer = await ask("POST", `${events}/watch`, { id, type: "web_hook", address, token: secret, params })
        const { resourceId, expiration } = jsonOf<{ resourceId?: unknown; expiration?: unknown }>(
          answer,
          [200],
          "watch",
        )
        if (typeof resourceId !== "string" || !Number.isSafeInteger(Number(expiration)))
          throw new CalendarFailed("not_understood", "Google's answer names no channel.")
        return { remoteId: resourceId, expiresAt: Number(expiration) }
      },
      /** Google renews none. */
      renew: async () => undefined,
      async stop({ id, remoteId }: { readonly id: string; readonly remoteId: string }): Promise<void> {
        const answer = await ask("POST", `${config.apiBase}/channels/stop`, { id, resourceId: remoteId })
        if (![200, 204, 404].includes(answer.status)) jsonOf(answer, [200], "stop a channel")
      },
    },
  }
}

/** Google says by a reason what a 403 is: a limit that is reached, or no right. */
function refusalOf({ body }: OutgoingAnswer): Error {
  const reason = errorIn(body)
  if (/rateLimitExceeded|quotaExceeded/i.test(reason))
    return new Throttled(pauseMs, `Google limits the requests (${reason}).`, /user/i.test(reason) ? "calendar" : "host")
  return new CalendarFailed("credentials_refused", `Google does not allow it (${reason}).`)
}

/** Google names no time. Its quotas are per minute. */
const pauseMs = 60_000

function entryOf(answer: OutgoingAnswer): GoogleEvent {
  if (answer.status === 400 || answer.status === 422)
    throw new EntryRefused(`Google does not take the entry (${errorIn(answer.body)}).`)
  return jsonOf<GoogleEvent>(answer, [200], "take an entry")
}

function jsonOf<T>({ status, body }: OutgoingAnswer, expected: readonly number[], what: string): T {
  if (status === 404 || status === 410)
    throw new CalendarFailed("calendar_gone", `Google has no such calendar (${errorIn(body)}).`)
  if (!expected.includes(status))
    throw new CalendarFailed("refused", `Google refuses to ${what} (${status} ${errorIn(body)}).`)
  try {
    return JSON.parse(body) as T
  } catch {
    throw new CalendarFailed("not_understood", `Google's answer to the request to ${what} is no JSON.`)
  }
}

function errorIn(body: string): string {
  try {
    const { error } = JSON.parse(body) as { error?: string | { errors?: { reason?: string }[]; message?: string } }
    if (typeof error === "string") return error
    return error?.errors?.[0]?.reason ?? error?.message ?? "no reason"
  } catch {
    return "no reason"
  }
}
