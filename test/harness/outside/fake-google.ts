// The parts of Google's OAuth 2 and Calendar API (v3) that calendars need, on the loopback. They follow the documented
// behaviour. Ids of deleted events stay taken. The sync token comes on the last page alone and forbids other filters.
// An old one answers 410.

import type { CalendarServiceConfig } from "#base/calendar-services.ts"

export interface FakeGoogle {
  readonly config: CalendarServiceConfig
  readonly refreshToken: string
  /** The requests so far, such as "GET /calendars/primary/events". */
  readonly asked: string[]
  /** What is not deleted. */
  readonly events: () => Event[]
  /** What its owner does: makes or changes an event, or deletes it. */
  readonly set: (event: Partial<Event> & { id: string }) => void
  readonly delete: (id: string) => void
  /** Every sync token so far is too old. */
  readonly expireTokens: () => void
  /** Every access token so far is too old. */
  readonly expireAccess: () => void
  readonly revoke: () => void
  /** Refuses so many of the next requests of the API with this reason. */
  readonly limit: (times: number, reason: string) => void
  /** Channels that are open, by their ids. */
  readonly channels: Map<string, { address: string; token: string; resourceId: string }>
  readonly stop: () => Promise<void>
}

interface Event {
  id: string
  etag: string
  status: string
  iCalUID: string
  updatedAt: number
  summary?: string
  start?: { dateTime?: string; date?: string; timeZone?: string }
  end?: { dateTime?: string; date?: string; timeZone?: string }
  recurrence?: string[]
  recurringEventId?: string
  reminders?: object
  [more: string]: unknown
}

/** Small, so that every list has pages. */
const eventsOfAPage = 3

export function fakeGoogle(): FakeGoogle {
  const events = new Map<string, Event>()
  const asked: string[] = []
  const channels: FakeGoogle["channels"] = new Map()
  const refreshToken = "1//refresh"
  let [version, oldestToken, accessOf, limits] = [1, 0, 1, { times: 0, reason: "" }]
  let isRevoked = false

  const store = (given: Partial<Event> & { id: string }) => {
    version++
    const present = events.get(given.id)
    const merged = { iCalUID: `${given.id}@google.com`, status: "confirmed", ...present, ...given }
    // A null takes a field away, also inside of a time.
    const event = withoutNulls({ ...merged, etag: `"${version}"`, updatedAt: version }) as unknown as Event
    events.set(event.id, event)
    return event
  }
  const problem = (status: number, reason: string) =>
    Response.json({ error: { code: status, message: reason, errors: [{ reason }] } }, { status })

  function list(query: URLSearchParams): Response {
    const token = query.get("syncToken")
    if (token !== null && ["timeMin", "timeMax", "iCalUID", "q", "updatedMin"].some((name) => query.has(name)))
      return problem(400, "badRequest")
    const since = token === null ? 0 : Number(token.slice("sync-".length))
    if (token !== null && since < oldestToken) return problem(410, "fullSyncRequired")
    const uid = query.get("iCalUID")
    const all = [...events.values()]
      .filter((event) => event.updatedAt > since && (uid === null || event.iCalUID === uid))
      .filter(({ status }) => status !== "cancelled" || query.get("showDeleted") === "true")
      .map((event) =>
        event.status === "cancelled" && !event.recurringEventId
          ? { id: event.id, status: "cancelled", etag: event.etag }
          : event,
      )
    const from = Number(query.get("pageToken") ?? 0)
    const items = all.slice(from, from + eventsOfAPage)
    const isLast = from + eventsOfAPage >= all.length
    return Response.json({
      items,
      ...(isLast ? { nextSyncToken: `sync-${version}` } : { nextPageToken: String(from + eventsOfAPage) }),
    })
  }

  async function answer(request: Request): Promise<Response> {
    const url = new URL(request.url)
    if (url.pathname === "/token") {
      const form = new URLSearchParams(await request.text())
      const isCode = form.get("code") === "code" && form.get("code_verifier")?.startsWith("sbv_")
      const isRefresh = form.get("refresh_token") === refreshToken
      if (form.get("client_secret") !== "secret") return Response.json({ error: "invalid_client" }, { status: 401 })
      if (isRevoked || !(isCode || isRefresh)) return Response.json({ error: "invalid_grant" }, { status: 400 })
      const refresh = isCode && { refresh_token: refreshToken }
      return Response.json({ access_token: `access-${accessOf}`, expires_in: 3_599, token_type: "Bearer", ...refresh })
    }
    asked.push(`${request.method} ${url.pathname}`)
    if (request.headers.get("authorization") !== `Bearer access-${accessOf}`) return problem(401, "authError")
    if (limits.times > 0) {
      limits.times--
      return problem(403, limits.reason)
    }
    if (url.pathname === "/channels/stop") {
      const { id, resourceId } = (await request.json()) as { id: string; resourceId: string }
      if (channels.get(id)?.resourceId !== resourceId) return problem(404, "notFound")
      channels.delete(id)
      return new Response(null, { status: 204 })
    }
    if (url.pathname === "/calendars/primary/events/watch") {
      const given = (await request.json()) as { id: string; address: string; token: string; params: { ttl: string } }
      if (channels.has(given.id)) return problem(400, "channelIdNotUnique")
      channels.set(given.id, { address: given.address, token: given.token, resourceId: `resource-${given.id}` })
      const expiration = String(Date.now() + Number(given.params.ttl) * 1_000)
      return Response.json({ kind: "api#channel", id: given.id, resourceId: `resource-${given.id}`, expiration })
    }
    const [, id] = /^\/calendars\/primary\/events(?:\/(\w+))?$/.exec(url.pathname) ?? []
    if (!url.pathname.startsWith("/calendars/primary/events")) return problem(404, "notFound")
    if (request.method === "GET" && id === undefined) return list(url.searchParams)
    if (request.method === "POST") {
      const event = (await request.json()) as Event
      if (!/^[a-v0-9]{5,1024}$/.test(event.id)) return problem(400, "invalid")
      if (events.has(event.id)) return problem(409, "duplicate")
      return Response.json(store(event))
    }
    const present = events.get(id ?? "")
    if (!present) return problem(404, "notFound")
    if (request.method === "GET") return Response.json(present)
    const match = request.headers.get("if-match")
    if (match !== null && match !== present.etag) return problem(412, "conditionNotMet")
    if (request.method === "DELETE") {
      if (present.status === "cancelled") return problem(410, "deleted")
      store({ id: present.id, status: "cancelled" })
      return new Response(null, { status: 204 })
    }
    return Response.json(store({ ...((await request.json()) as Event), id: present.id }))
  }

  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: answer })
  const base = `http://127.0.0.1:${server.port}`
  return {
    config: {
      clientId: "client",
      clientSecret: "secret",
      consentUrl: `${base}/consent`,
      tokenUrl: `${base}/token`,
      apiBase: base,
    },
    refreshToken,
    asked,
    channels,
    events: () => [...events.values()].filter(({ status }) => status !== "cancelled"),
    set: (event) => void store(event),
    delete: (id) => void store({ id, status: "cancelled" }),
    expireTokens: () => {
      oldestToken = version + 1
    },
    expireAccess: () => {
      accessOf++
    },
    revoke: () => {
      isRevoked = true
      accessOf++
    },
    limit: (times, reason) => {
      limits = { times, reason }
    },
    stop: () => server.stop(true),
  }
}

const withoutNulls = (value: object): object =>
  Object.fromEntries(
    Object.entries(value)
      .filter(([, each]) => each !== null)
      .map(([name, each]) => [name, typeof each === "object" && !Array.isArray(each) ? withoutNulls(each) : each]),
  )
