/**
 * Microsoft Graph (v1.0) for one calendar, by JSON over the one guard. Ids are asked for that an event keeps, and times
 * in UTC. Links of pages lead only to Graph itself: the access token goes with each request.
 */
import type { CalendarServiceConfig } from "#base/calendar-services.ts"
import type { OutgoingAnswer } from "#base/egress/fetch.ts"
import { askCalendar, type CalendarAccess } from "#outbound/calendars/ask.ts"
import { accessTokenOf, type OAuthService } from "#outbound/calendars/oauth.ts"
import { CalendarFailed, EntryRefused, TokenExpired } from "#outbound/calendars/provider.ts"
import { bookingProperty, descriptionProperty, type GraphEvent } from "./event-text.ts"

export type OutlookApi = ReturnType<typeof outlookApi>

export interface OutlookAccount {
  /** `primary`, or the id of another calendar of the person. */
  readonly calendarId: string
  readonly refreshToken: string
  /** Microsoft gives another refresh token with each access token. */
  readonly keepRefreshToken: (refreshToken: string) => Promise<void>
}

export interface GraphPage {
  readonly value?: readonly GraphEvent[]
  readonly "@odata.nextLink"?: string
  /** Only on the last page of a list of changes. */
  readonly "@odata.deltaLink"?: string
}

/** The answer of a write: the event as it is now, or why it was not written. */
export type Written = { readonly event: GraphEvent } | { readonly refused: "changed" | "gone" | "double" }

export const outlookService = (config: CalendarServiceConfig): OAuthService => ({
  name: "Microsoft",
  config,
  scope: "offline_access https://graph.microsoft.com/Calendars.ReadWrite",
})

/** Graph's own limit is 1,000; a page of so many events with their bodies has some megabytes. */
const eventsOfAPage = 200
/** Some pages of a delta query are empty. */
const maxPages = 20_000
const top = String(eventsOfAPage)
const prefer = `IdType="ImmutableId", outlook.timezone="UTC", outlook.body-content-type="text", odata.maxpagesize=${eventsOfAPage}`
const ownProperties = `singleValueExtendedProperties($filter=id eq '${bookingProperty}' or id eq '${descriptionProperty}')`

export function outlookApi(config: CalendarServiceConfig, account: OutlookAccount, access: CalendarAccess) {
  const { apiBase } = config
  const { calendarId, keepRefreshToken } = account
  const calendar =
    calendarId === "primary" ? `${apiBase}/me/calendar` : `${apiBase}/me/calendars/${encodeURIComponent(calendarId)}`
  const eventAt = (id: string) => `${apiBase}/me/events/${encodeURIComponent(id)}`
  let refreshToken = account.refreshToken
  let token: Promise<string> | undefined

  async function newToken(): Promise<string> {
    const made = await accessTokenOf(outlookService(config), refreshToken, access)
    if (made.refreshToken !== undefined && made.refreshToken !== refreshToken) {
      refreshToken = made.refreshToken
      await keepRefreshToken(refreshToken)
    }
    return made.accessToken
  }

  async function ask(method: string, url: string, body?: object, etag?: string | null): Promise<OutgoingAnswer> {
    for (let tries = 1; ; tries++) {
      token ??= newToken()
      try {
        const headers = {
          authorization: `Bearer ${await token}`,
          prefer,
          ...(body && { "content-type": "application/json" }),
          ...(etag && { "if-match": etag }),
        }
        const asked = { method, headers, throttleScope, ...(body && { body: JSON.stringify(body) }) }
        const answer = await askCalendar(url, asked, access)
        if (answer.status === 403)
          throw new CalendarFailed("credentials_refused", `Microsoft does not allow it (${errorIn(answer.body)}).`)
        return answer
      } catch (error) {
        // An access token may end before its time.
        token = undefined
        const isOver = error instanceof CalendarFailed && error.code === "credentials_refused" && tries === 1
        if (!isOver) throw error
      }
    }
  }

  async function page(url: string): Promise<GraphPage> {
    if (!url.startsWith(`${apiBase}/`))
      throw new CalendarFailed("not_understood", "A link in Microsoft's answer leads elsewhere.")
    const answer = await ask("GET", url)
    if (isTokenGone(answer)) throw new TokenExpired("Microsoft no longer knows the changes since the last pull.")
    return jsonOf<GraphPage>(answer, [200], "list its events")
  }

  async function* pages(first: string): AsyncGenerator<GraphPage> {
    let count = 0
    for (let url: string | undefined = first; url !== undefined; ) {
      if (++count > maxPages) throw new CalendarFailed("not_understood", "Microsoft's list of events has no end.")
      const read: GraphPage = await page(url)
      yield read
      url = read["@odata.nextLink"]
    }
  }

  const written = (answer: OutgoingAnswer): Written => {
    if (answer.status === 412 || (answer.status === 409 && /Conflict|Concurrent/i.test(errorIn(answer.body))))
      return { refused: "changed" }
    if (answer.status === 409) return { refused: "double" }
    if (answer.status === 404 || answer.status === 410) return { refused: "gone" }
    if (answer.status === 400 || answer.status === 422)
      throw new EntryRefused(`Microsoft does not take the entry (${errorIn(answer.body)}).`)
    return { event: jsonOf<GraphEvent>(answer, [200, 201], "take an entry") }
  }

  return {
    ask,

    /** What has changed since a link, or all of a time. */
    changes: (link: string | null, { from, until }: { readonly from: string; readonly until: string }) =>
      pages(
        link ?? `${calendar}/calendarView/delta?${new URLSearchParams({ startDateTime: from, endDateTime: until })}`,
      ),

    /** The occurrences of a series in a time. */
    instances: (id: string, { from, until }: { readonly from: string; readonly until: string }) =>
      pages(`${eventAt(id)}/instances?${new URLSearchParams({ startDateTime: from, endDateTime: until, $top: top })}`),

    /** Our own entries that end after a time, with their properties; of one booking alone when it is named. */
    own: (after: string | undefined, bookingId?: string) => {
      const value = bookingId === undefined ? "ep/value ne null" : `ep/value eq '${bookingId}'`
      const filter = [
        ...(after === undefined ? [] : [`end/dateTime ge '${after}'`]),
        `singleValueExtendedProperties/Any(ep: ep/id eq '${bookingProperty}' and ${value})`,
      ].join(" and ")
      return pages(`${calendar}/events?${new URLSearchParams({ $filter: filter, $expand: ownProperties, $top: top })}`)
    },

    /** An event with our properties; undefined: there is none. */
    async get(id: string): Promise<GraphEvent | undefined> {
      const answer = await ask("GET", `${eventAt(id)}?${new URLSearchParams({ $expand: ownProperties })}`)
      return answer.status === 404 ? undefined : jsonOf<GraphEvent>(answer, [200], "read an event")
    },

    insert: async (event: object): Promise<Written> => {
      const answer = await ask("POST", `${calendar}/events`, event)
      if (answer.status === 404) throw gone(answer)
      return written(answer)
    },

    patch: async (id: string, event: object, etag: string | null): Promise<Written> =>
      written(await ask("PATCH", eventAt(id), event, etag)),

    async remove(id: string): Promise<void> {
      const { status, body } = await ask("DELETE", eventAt(id))
      if (![200, 202, 204, 404, 410].includes(status))
        throw new EntryRefused(`Microsoft does not remove the entry (${status} ${errorIn(body)}).`)
    },
  }
}

/** 410, or 400 with the name of a state that is not known (documented for delta queries). */
const isTokenGone = ({ status, body }: OutgoingAnswer) =>
  status === 410 || (status === 400 && /syncState|resync|deltaToken|skipToken/i.test(errorIn(body)))

/** Outlook limits the requests to one mailbox; other limits are those of the whole program. */
const throttleScope = (body: string) => (/mailbox/i.test(body) ? ("calendar" as const) : ("host" as const))

const gone = ({ body }: OutgoingAnswer) =>
  new CalendarFailed("calendar_gone", `Microsoft has no such calendar (${errorIn(body)}).`)

function jsonOf<T>(answer: OutgoingAnswer, expected: readonly number[], what: string): T {
  const { status, body } = answer
  if (status === 404 || status === 410) throw gone(answer)
  if (!expected.includes(status))
    throw new CalendarFailed("refused", `Microsoft refuses to ${what} (${status} ${errorIn(body)}).`)
  try {
    const read: unknown = JSON.parse(body)
    if (typeof read === "object" && read !== null) return read as T
  } catch {}
  throw new CalendarFailed("not_understood", `Microsoft's answer to the request to ${what} is no JSON.`)
}

function errorIn(body: string): string {
  try {
    const { error } = JSON.parse(body) as { error?: { code?: unknown; message?: unknown } | string }
    if (typeof error === "string") return error.slice(0, 100)
    const named = error?.code ?? error?.message
    return typeof named === "string" ? named.slice(0, 100) : "no reason"
  } catch {
    return "no reason"
  }
}
