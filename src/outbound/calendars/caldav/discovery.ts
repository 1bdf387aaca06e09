/**
 * Finds the calendar of an account when the given address is none (RFC 6764, and RFC 4791, 6.2). It asks the well-known
 * address, the principal, its home, and the calendars there. The password goes only to hosts of the same domain.
 */
import { fetchCalendars, fetchHomeUrl, fetchPrincipalUrl, propfind, serviceDiscovery } from "tsdav"
import type { CalendarAccess } from "#outbound/calendars/ask.ts"
import { CalendarFailed, Throttled } from "#outbound/calendars/provider.ts"
import { type DavAccount, type DavFetch, guardedDavFetch } from "./dav.ts"

/**
 * Undefined: it is a calendar, or nothing that leads to one. A calendar that is gone never leads to another.
 * @throws CalendarFailed that names the calendars, unless there is exactly one
 */
export async function locateCalendar(
  url: string,
  account: DavAccount,
  access: CalendarAccess,
): Promise<string | undefined> {
  const ask = nearby(url, guardedDavFetch(access)) as unknown as DavFetch
  const authorization = `Basic ${Buffer.from(`${account.username}:${account.password}`).toString("base64")}`
  const headers = { authorization }
  const [own] = await propfind({ url, props: { "d:resourcetype": {} }, depth: "0", headers, fetch: ask })
  const type: unknown = own?.props?.resourcetype
  const isKnown = typeof type === "object" && type !== null
  const mayLead = isKnown ? !("calendar" in type) : new URL(url).pathname === "/"
  if (!mayLead) return undefined
  const found = await calendarsOf(url, headers, ask)
  const [only, ...others] = found
  if (only !== undefined && others.length === 0) return only.url.endsWith("/") ? only.url : `${only.url}/`
  if (only === undefined) throw new CalendarFailed("calendar_gone", "There is no calendar at this address.")
  const names = found.slice(0, maxNamed).map((each) => `${each.name} (${each.url})`)
  throw new CalendarFailed(
    "calendar_gone",
    `This is the address of an account. Its calendars are: ${names.join(", ")}.`,
  )
}

const maxNamed = 20

async function calendarsOf(
  serverUrl: string,
  headers: Record<string, string>,
  ask: DavFetch,
): Promise<readonly { readonly name: string; readonly url: string }[]> {
  const given = { serverUrl, accountType: "caldav" } as const
  try {
    const rootUrl = await serviceDiscovery({ account: given, headers, fetch: ask })
    const account = { ...given, rootUrl }
    const principalUrl = await fetchPrincipalUrl({ account, headers, fetch: ask })
    const homeUrl = await fetchHomeUrl({ account: { ...account, principalUrl }, headers, fetch: ask })
    const calendars = await fetchCalendars({ account: { ...account, principalUrl, homeUrl }, headers, fetch: ask })
    return calendars
      .filter(({ components }) => components === undefined || components.includes("VEVENT"))
      .map(({ url, displayName }) => ({ url, name: typeof displayName === "string" ? displayName : "unnamed" }))
  } catch (error) {
    if (error instanceof CalendarFailed || error instanceof Throttled) throw error
    // tsdav throws plain errors for what a server does not answer.
    return []
  }
}

/** A server may name any address, also one of somebody else. */
function nearby(first: string, ask: ReturnType<typeof guardedDavFetch>): ReturnType<typeof guardedDavFetch> {
  const home = new URL(first)
  return async (url, init) => {
    const next = new URL(String(url))
    const isNear =
      next.host === home.host ||
      (domainOf(next) !== undefined && domainOf(next) === domainOf(home) && next.port === home.port)
    if (!isNear || next.protocol !== home.protocol)
      throw new CalendarFailed(
        "refused",
        `The server leads to another one (${next.host}), which does not get the password.`,
      )
    return ask(url, init)
  }
}

/** The last two labels of a name; undefined: it is an address, or a name of one label. */
function domainOf({ hostname }: URL): string | undefined {
  const labels = hostname.split(".")
  return labels.length < 2 || /^[\d.]+$/.test(hostname) || hostname.startsWith("[")
    ? undefined
    : labels.slice(-2).join(".")
}
