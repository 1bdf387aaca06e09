// The parts of Microsoft's OAuth 2 and of Graph (v1.0) that calendars need, on the loopback. They follow the documented
// behaviour. Every refresh gives another refresh token. Lists have pages by links. A calendar view names occurrences by
// their times alone, and never our properties. A repeated transaction answers with the event that stands.

import type { CalendarServiceConfig } from "#base/calendar-services.ts"

export interface FakeGraph {
  readonly config: CalendarServiceConfig
  /** The one that is valid now. */
  readonly refreshToken: () => string
  /** The requests so far, such as "GET /me/calendar/calendarView/delta". */
  readonly asked: string[]
  readonly events: () => GraphRow[]
  /** What its owner does: makes or changes an event, or deletes it with what belongs to it. */
  readonly set: (event: Partial<GraphRow> & { id: string }) => void
  readonly delete: (id: string) => void
  /** Every link of changes so far is too old. */
  readonly expireLinks: (status?: number, code?: string) => void
  readonly expireAccess: () => void
  readonly revoke: () => void
  /** Answers so many of the next requests of the API so. */
  readonly refuse: (times: number, answer: () => Response) => void
  /** Subscriptions that are open, by their ids. */
  readonly subscriptions: Map<string, GraphSubscription>
  readonly stop: () => Promise<void>
}

export interface GraphSubscription {
  notificationUrl: string
  lifecycleNotificationUrl: string
  resource: string
  clientState: string
  expirationDateTime: string
}

export interface GraphRow {
  id: string
  version: number
  type: string
  subject?: string
  body?: { contentType: string; content: string }
  start?: { dateTime: string; timeZone: string }
  end?: { dateTime: string; timeZone: string }
  seriesMasterId?: string
  singleValueExtendedProperties?: { id: string; value: string }[]
  transactionId?: string
  [more: string]: unknown
}

/**
 * @param reach asks an address of SlotBase: Graph validates it before it opens a subscription
 * @param eventsOfAPage small, so that every list has pages
 */
export function fakeGraph(reach: (request: Request) => Promise<Response> = fetch, eventsOfAPage = 3): FakeGraph {
  const subscriptions = new Map<string, GraphSubscription>()
  const events = new Map<string, GraphRow>()
  const deleted = new Map<string, number>()
  const transactions = new Map<string, string>()
  const asked: string[] = []
  let [version, oldestLink, accessOf, refreshOf] = [1, 0, 1, 1]
  let isRevoked = false
  let tooOld = { status: 410, code: "SyncStateNotFound" }
  let refusals = { times: 0, answer: () => new Response() }

  const store = (given: Partial<GraphRow> & { id: string }) => {
    version++
    const present = events.get(given.id)
    const merged = { type: "singleInstance", showAs: "busy", isAllDay: false, ...present, ...given, version }
    const row = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null)) as GraphRow
    events.set(row.id, row)
    // A change of an occurrence is a change of its series, whose view is listed anew.
    const master = row.seriesMasterId === undefined ? undefined : events.get(row.seriesMasterId)
    if (master) events.set(master.id, { ...master, version })
    return row
  }
  const drop = (id: string) => {
    const row = events.get(id)
    events.delete(id)
    version++
    // Graph says nothing of an occurrence that is deleted: its series has changed.
    const master = row?.seriesMasterId === undefined ? undefined : events.get(row.seriesMasterId)
    if (master) events.set(master.id, { ...master, version })
    else deleted.set(id, version)
    for (const each of [...events.values()]) if (each.seriesMasterId === id) events.delete(each.id)
  }
  const problem = (status: number, code: string) => Response.json({ error: { code, message: code } }, { status })
  const shown = ({ singleValueExtendedProperties, version: of, ...row }: GraphRow, expanded = false) => ({
    "@odata.etag": `W/"${of}"`,
    transactionId: null,
    ...row,
    ...(expanded && singleValueExtendedProperties && { singleValueExtendedProperties }),
  })
  const isBetween = (row: GraphRow, from: string | null, until: string | null) =>
    from === null || until === null || ((row.start?.dateTime ?? "") < until && (row.end?.dateTime ?? "") > from)
  const pageOf = (all: readonly object[], url: URL, last: object = {}) => {
    const from = Number(url.searchParams.get("$skiptoken") ?? 0)
    const next = new URL(`${base}${url.pathname}${url.search}`)
    next.searchParams.set("$skiptoken", String(from + eventsOfAPage))
    const isLast = from + eventsOfAPage >= all.length
    return Response.json({
      value: all.slice(from, from + eventsOfAPage),
      ...(isLast ? last : { "@odata.nextLink": next.href }),
    })
  }

  function delta(url: URL): Response {
    const query = url.searchParams
    for (const name of ["$select", "$filter", "$expand", "$orderby", "$search"])
      if (query.has(name)) return problem(400, "ErrorInvalidUrlQuery")
    const since = Number(query.get("$deltatoken") ?? 0)
    if (query.has("$deltatoken") && since < oldestLink) return problem(tooOld.status, tooOld.code)
    const isFirst = since === 0
    const changed = [...events.values()]
      .filter((row) => row.version > since || (events.get(row.seriesMasterId ?? "")?.version ?? 0) > since)
      .filter(
        (row) => row.type === "seriesMaster" || isBetween(row, query.get("startDateTime"), query.get("endDateTime")),
      )
      .map((row) => {
        if (row.type !== "occurrence") return shown(row)
        const { id, type, seriesMasterId, start, end } = row
        return { "@odata.etag": `W/"${row.version}"`, id, type, seriesMasterId, start, end }
      })
    const gone = isFirst
      ? []
      : [...deleted].filter(([, at]) => at > since).map(([id]) => ({ id, "@removed": { reason: "deleted" } }))
    const link = new URL(`${base}${url.pathname}`)
    for (const name of ["startDateTime", "endDateTime"]) link.searchParams.set(name, query.get(name) ?? "")
    link.searchParams.set("$deltatoken", String(version))
    return pageOf([...changed, ...gone], url, { "@odata.deltaLink": link.href })
  }

  function list(url: URL): Response {
    const filter = url.searchParams.get("$filter") ?? ""
    const value = /ep\/value eq '([^']*)'/.exec(filter)?.[1]
    const property = /ep\/id eq '([^']*)'/.exec(filter)?.[1]
    const after = /end\/dateTime ge '([^']*)'/.exec(filter)?.[1]
    const all = [...events.values()]
      .filter(({ type }) => type !== "occurrence")
      .filter(({ singleValueExtendedProperties: own = [] }) =>
        own.some((each) => each.id === property && (value === undefined || each.value === value)),
      )
      .filter(({ end }) => after === undefined || (end?.dateTime ?? "") >= after.replace("Z", ""))
    return pageOf(
      all.map((row) => shown(row, url.searchParams.has("$expand"))),
      url,
    )
  }

  /** As Exchange: text becomes HTML and comes back with other line breaks. */
  const taken = (event: Partial<GraphRow>) => ({
    ...event,
    ...(event.body && {
      body: { contentType: "text", content: `${event.body.content.replaceAll("\n", "\r\n\r\n")}\r\n` },
    }),
  })

  async function answer(request: Request): Promise<Response> {
    const url = new URL(request.url)
    if (url.pathname === "/token") return token(new URLSearchParams(await request.text()))
    asked.push(`${request.method} ${url.pathname}`)
    if (request.headers.get("authorization") !== `Bearer access-${accessOf}`)
      return problem(401, "InvalidAuthenticationToken")
    if (refusals.times > 0) {
      refusals.times--
      return refusals.answer()
    }
    const asks = request.headers.get("prefer") ?? ""
    if (!asks.includes('outlook.timezone="UTC"') || !asks.includes('IdType="ImmutableId"')) return problem(400, "NoUtc")
    if (url.pathname.startsWith("/subscriptions"))
      return subscribe(request, url.pathname.slice("/subscriptions/".length))
    if (url.pathname === "/me/calendar/calendarView/delta") return delta(url)
    if (url.pathname === "/me/calendar/events" && request.method === "GET") return list(url)
    if (url.pathname === "/me/calendar/events") return make((await request.json()) as GraphRow)
    const [, id = "", more] = /^\/me\/events\/([^/]+)(\/instances)?$/.exec(decodeURIComponent(url.pathname)) ?? []
    const present = events.get(id)
    if (!present) return problem(404, "ErrorItemNotFound")
    if (more)
      return pageOf(
        [...events.values()]
          .filter((row) => row.seriesMasterId === id)
          .filter((row) => isBetween(row, url.searchParams.get("startDateTime"), url.searchParams.get("endDateTime")))
          .map((row) => shown(row)),
        url,
      )
    if (request.method === "GET") return Response.json(shown(present, url.searchParams.has("$expand")))
    const match = request.headers.get("if-match")
    if (match !== null && match !== `W/"${present.version}"`) return problem(412, "ErrorIrresolvableConflict")
    if (request.method === "DELETE") {
      drop(id)
      return new Response(null, { status: 204 })
    }
    return Response.json(shown(store({ ...taken((await request.json()) as GraphRow), id })))
  }

  async function subscribe(request: Request, id: string): Promise<Response> {
    if (id !== "" && !subscriptions.has(id)) return problem(404, "ResourceNotFound")
    if (request.method === "DELETE") {
      subscriptions.delete(id)
      return new Response(null, { status: 204 })
    }
    const given = (await request.json()) as GraphSubscription
    if (id === "") {
      const address = new URL(given.notificationUrl)
      address.searchParams.set("validationToken", "Validation: <b>Testing</b> & more")
      const answer = await reach(
        new Request(address.href, { method: "POST", headers: { "content-type": "text/plain" } }),
      )
      const isRight = answer.status === 200 && answer.headers.get("content-type")?.startsWith("text/plain")
      if (!isRight || (await answer.text()) !== "Validation: <b>Testing</b> & more")
        return problem(400, "ValidationError")
    }
    const name = id === "" ? crypto.randomUUID() : id
    const kept = { ...(subscriptions.get(name) as GraphSubscription), ...given }
    subscriptions.set(name, kept)
    return Response.json({ id: name, ...kept, clientState: undefined }, { status: id === "" ? 201 : 200 })
  }

  function make(event: GraphRow): Response {
    const stands = events.get(transactions.get(event.transactionId ?? "") ?? "")
    if (stands) return Response.json(shown(stands), { status: 201 })
    const row = store({ ...taken(event), id: `AAMk-${crypto.randomUUID()}=` })
    if (event.transactionId) transactions.set(event.transactionId, row.id)
    return Response.json(shown(row), { status: 201 })
  }

  function token(form: URLSearchParams): Response {
    const isCode = form.get("code") === "code" && form.get("code_verifier")?.startsWith("sbv_")
    const isRefresh = form.get("refresh_token") === `refresh-${refreshOf}`
    if (isRevoked || !(isCode || isRefresh) || form.get("client_secret") !== "secret")
      return Response.json({ error: "invalid_grant" }, { status: 400 })
    refreshOf++
    return Response.json({
      access_token: `access-${accessOf}`,
      refresh_token: `refresh-${refreshOf}`,
      expires_in: 3_599,
      token_type: "Bearer",
    })
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
    refreshToken: () => `refresh-${refreshOf}`,
    asked,
    subscriptions,
    events: () => [...events.values()],
    set: (event) => void store(event),
    delete: drop,
    expireLinks: (status = 410, code = "SyncStateNotFound") => {
      tooOld = { status, code }
      oldestLink = version + 1
    },
    expireAccess: () => {
      accessOf++
    },
    revoke: () => {
      isRevoked = true
      accessOf++
    },
    refuse: (times, given) => {
      refusals = { times, answer: given }
    },
    stop: () => server.stop(true),
  }
}
