/**
 * The requests of CalDAV (RFC 4791) that a calendar needs, by tsdav, through the one guard. tsdav makes numbers of
 * texts that look like numbers, so texts are made texts again.
 */
import { createObject, type DAVResponse, davRequest, deleteObject, propfind, syncCollection, updateObject } from "tsdav"
import { askCalendar, type CalendarAccess } from "#outbound/calendars/ask.ts"
import { CalendarFailed, type RemoteEvent, TokenExpired } from "#outbound/calendars/provider.ts"

export interface DavAccount {
  readonly username: string
  readonly password: string
}

export type Dav = ReturnType<typeof davOf>

export function davOf({ username, password }: DavAccount, access: CalendarAccess) {
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`
  const ask = guardedDavFetch(access) as unknown as DavFetch
  const headers = { authorization }
  async function list(url: string): Promise<Map<string, string | null>> {
    const props = { "d:getetag": {}, "d:resourcetype": {} }
    const answers = await propfind({ url, props, depth: "1", headers, fetch: ask })
    requireMultiStatus(answers, "list its events")
    return new Map(answers.flatMap((each) => placeIn(each, url)))
  }

  async function changesIn(url: string, token: string | null): Promise<DavPart> {
    const given = { url, props: { "d:getetag": {} }, syncLevel: 1, syncToken: token ?? "" }
    const answers = await syncCollection({ ...given, headers, fetch: ask })
    const [first] = answers
    // RFC 6578, 3.7: the precondition valid-sync-token; servers answer it with 403, 409 or 410.
    if (token !== null && first && [403, 409, 410].includes(first.status) && first.href === undefined) throw expired()
    if (token !== null && first && !isMultiStatus(first) && [400, 403, 409, 410, 412].includes(first.status))
      throw expired()
    requireMultiStatus(answers, "list its changes")
    const gone = answers.filter(({ status, href }) => status === 404 && href !== undefined)
    return {
      changed: new Map(answers.filter(({ status }) => status !== 404).flatMap((each) => placeIn(each, url))),
      removed: gone.map(({ href }) => addressOf(href ?? "", url)),
      next: textOf((first?.raw as RawStatus | undefined)?.multistatus?.syncToken),
      hasMore: answers.some(({ status, href }) => status === 507 && href !== undefined),
    }
  }

  /** What changed since the token, in as many parts as the server makes of it. @throws TokenExpired */
  async function changedSince(url: string, token: string | null): Promise<DavChanges> {
    let part = await changesIn(url, token)
    const changed = new Map(part.changed)
    const removed = new Set(part.removed)
    for (let parts = 1; part.hasMore; parts++) {
      const from = part.next
      if (from === undefined || parts === maxParts) throw endless()
      part = await changesIn(url, from)
      if (part.next === from) throw endless()
      for (const [address, etag] of part.changed) {
        changed.set(address, etag)
        removed.delete(address)
      }
      for (const address of part.removed) {
        changed.delete(address)
        removed.add(address)
      }
    }
    return { changed, removed: [...removed], next: part.next }
  }

  return {
    changedSince,

    /**
     * The versions of all objects of a collection. Radicale answers the report of changes ten times as fast as the
     * listing (2 s and 26 s for 10,000 events). Not every server has that report.
     */
    async places(url: string): Promise<ReadonlyMap<string, string | null>> {
      try {
        return (await changedSince(url, null)).changed
      } catch (error) {
        // How a server without the report fails. Nobody is asked twice with a password that is refused.
        const isOfReport =
          error instanceof NotAllowed || (error instanceof CalendarFailed && noReport.includes(error.code))
        if (!isOfReport) throw error
        return list(url)
      }
    },

    /** Some objects with their texts. What is gone meanwhile is left out: RFC 4791, 7.9, says 404 inside for it. */
    async read(url: string, addresses: readonly string[]): Promise<RemoteEvent[]> {
      if (addresses.length === 0) return []
      const multiGet = {
        _attributes: { "xmlns:d": "DAV:", "xmlns:c": "urn:ietf:params:xml:ns:caldav" },
        "d:prop": { "d:getetag": {}, "c:calendar-data": {} },
        "d:href": addresses.map((each) => new URL(each).pathname),
      }
      const init = { method: "REPORT", namespace: "c", headers: { depth: "1", ...headers } } as const
      const answers = await davRequest({ url, init: { ...init, body: { "calendar-multiget": multiGet } }, fetch: ask })
      requireMultiStatus(answers, "read its events")
      return answers.flatMap((each) => {
        const [place] = each.status === 404 ? [] : placeIn(each, url)
        const ical = textOf(each.props?.calendarData?._cdata ?? each.props?.calendarData)
        return place && ical !== undefined ? [{ remoteId: place[0], etag: place[1], ical }] : []
      })
    },

    /** Undefined: there is none. */
    async get(address: string): Promise<RemoteEvent | undefined> {
      const answer = await ask(address, { method: "GET", headers })
      if (answer.status === 404 || answer.status === 410) return undefined
      if (answer.status !== 200) throw davRefusal(answer.status, "read an event")
      return { remoteId: address, etag: answer.headers.get("etag"), ical: await answer.text() }
    },

    /** Only where nothing stands yet. */
    create: async (address: string, data: string): Promise<Response> =>
      createObject({ url: address, data, headers: { ...headers, ...calendarType, "If-None-Match": "*" }, fetch: ask }),

    /** Only over this version. */
    update: async (address: string, data: string, etag: string | null): Promise<Response> =>
      updateObject({
        url: address,
        data,
        headers: { ...headers, ...calendarType, ...(etag !== null && { "If-Match": etag }) },
        fetch: ask,
      }),

    delete: async (address: string, etag: string | null): Promise<Response> =>
      deleteObject({ url: address, headers: { ...headers, ...(etag !== null && { "If-Match": etag }) }, fetch: ask }),
  }
}

export interface DavChanges {
  /** Versions by address. */
  readonly changed: ReadonlyMap<string, string | null>
  readonly removed: readonly string[]
  readonly next: string | undefined
}

interface DavPart extends DavChanges {
  /** The server has cut its answer short (RFC 6578, 3.6). */
  readonly hasMore: boolean
}

/** A part has some hundred changes at least. */
const maxParts = 1_000
const endless = () =>
  new CalendarFailed("not_understood", "The server says that there are more changes, and gives none.")
const noReport: readonly string[] = ["refused", "not_understood"]

/** RFC 3253, 3.1.5, also answers an unknown report by 403. */
class NotAllowed extends CalendarFailed {}

const calendarType = { "Content-Type": "text/calendar; charset=utf-8" }
const expired = () => new TokenExpired("The server no longer knows the changes since the last pull.")

/** The type that tsdav asks for. */
export type DavFetch = NonNullable<Parameters<typeof propfind>[0]["fetch"]>

/** The fetch that tsdav calls. */
export const guardedDavFetch =
  (access: CalendarAccess) =>
  async (
    url: string | URL,
    init: { method?: string; headers?: Record<string, string>; body?: unknown } = {},
  ): Promise<Response> => {
    const { status, headers, body } = await askCalendar(
      String(url),
      {
        method: init.method ?? "GET",
        headers: Object.fromEntries(new Headers(init.headers ?? {})),
        ...(typeof init.body === "string" && { body: init.body }),
      },
      access,
    )
    const isEmpty = status === 204 || status === 304
    return new Response(isEmpty ? null : body, { status, headers: { ...headers } })
  }

interface RawStatus {
  readonly multistatus?: { readonly syncToken?: unknown }
}

const isMultiStatus = ({ raw }: DAVResponse) => (raw as RawStatus | undefined)?.multistatus !== undefined

function requireMultiStatus(answers: readonly DAVResponse[], what: string): void {
  const [first] = answers
  if (first === undefined || isMultiStatus(first)) return
  if (first.status === 404 || first.status === 410)
    throw new CalendarFailed("calendar_gone", `There is no calendar at this address (${first.status}).`)
  if (first.status === 403) throw new NotAllowed("credentials_refused", `The server does not allow to ${what} (403).`)
  if (first.status === 207 || first.status === 200)
    throw new CalendarFailed("not_understood", `The server's answer to the request to ${what} is no calendar's.`)
  throw davRefusal(first.status, what)
}

export const davRefusal = (status: number, what: string) =>
  new CalendarFailed("refused", `The server refuses to ${what} (${status}).`)

/** The address and the version of an object; nothing for the collection itself. */
function placeIn({ href, props }: DAVResponse, url: string): (readonly [address: string, etag: string | null])[] {
  if (href === undefined) return []
  const address = addressOf(href, url)
  const isCollection = props?.resourcetype && "collection" in props.resourcetype
  if (isCollection || address === url || `${address}/` === url) return []
  return [[address, textOf(props?.getetag) ?? null]]
}

const addressOf = (href: string, url: string) => new URL(String(href), url).href

/** tsdav answers an empty element as an empty object. */
const textOf = (value: unknown): string | undefined =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : undefined
