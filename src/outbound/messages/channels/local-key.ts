/**
 * Who may look at the local mailbox and the local phone: whoever opens the address that the program prints. Its key is
 * sealed with the program's secret, ends after a week, and moves into a cookie at once.
 */
import { clock } from "#base/clock.ts"
import type { Config } from "#base/config.ts"
import type { SecretBox } from "#base/secrets.ts"
import { localMessagePage } from "./local-page.ts"

/** One of the places. */
export interface LocalPlace {
  /** Such as /mailbox. */
  readonly path: string
  /** Binds keys to the place. */
  readonly purpose: string
  readonly cookie: string
  /** Only without a provider, and outside production. */
  readonly exists: (config: Config) => boolean
  /** What is said where it does not exist. */
  readonly absent: { readonly title: string; readonly says: string }
}

interface KeyTools {
  readonly config: Config
  readonly secrets: SecretBox
}

/**
 * The address to open, with a new key in it; undefined where the place does not exist.
 * @param origin such as http://127.0.0.1:3000; default: as configured
 */
export function localPlaceUrl(
  { config, secrets }: KeyTools,
  { path, purpose, exists }: LocalPlace,
  origin = `http://${config.host}:${config.port}`,
): string | undefined {
  if (!exists(config)) return undefined
  const key = secrets.seal(String(clock.now() + keyLastsMs), purpose).toString("base64url")
  return `${origin}${path}?key=${key}`
}

const keyLastsMs = 7 * 24 * 60 * 60 * 1000
const longestKey = 200

/** Shows the page to whoever has the key. */
export async function guardedByKey(
  tools: KeyTools,
  place: LocalPlace,
  request: Request,
  show: () => Promise<string | Response>,
): Promise<Response> {
  const { absent, cookie, path } = place
  if (!place.exists(tools.config)) return shownPage(404, localMessagePage(absent.title, absent.says))
  const url = new URL(request.url)
  const given = url.searchParams.get("key")
  if (given !== null && endOf(tools, place, given) !== undefined) return moveIntoCookie(tools, place, url, given)
  const kept = new Bun.CookieMap(request.headers.get("cookie") ?? "").get(cookie)
  if (given !== null || !kept || endOf(tools, place, kept) === undefined) {
    const says = `Open the ${path.slice(1)} with the address that ./scripts/slotbase links prints; an address lasts a week.`
    return shownPage(401, localMessagePage("Closed", says))
  }
  const shown = await show()
  return shown instanceof Response ? shown : shownPage(200, shown)
}

export const shownPage = (status: number, html: string) => new Response(html, { status, headers })

/** Moves the key out of the address, where it would stay in the history and on screenshots. */
function moveIntoCookie(tools: KeyTools, place: LocalPlace, url: URL, key: string): Response {
  const seconds = Math.floor(((endOf(tools, place, key) ?? 0) - clock.now()) / 1000)
  return new Response(null, {
    status: 303,
    headers: {
      ...headers,
      location: url.pathname,
      "set-cookie": `${place.cookie}=${key}; Path=${place.path}; Max-Age=${seconds}; HttpOnly; SameSite=Lax`,
    },
  })
}

/** The end of the key's lifetime; undefined for an expired or invalid key. */
function endOf({ secrets }: KeyTools, { purpose }: LocalPlace, key: string): number | undefined {
  if (key.length > longestKey) return undefined
  try {
    const end = Number(secrets.open(Buffer.from(key, "base64url"), purpose))
    return end > clock.now() ? end : undefined
  } catch {
    return undefined // not sealed by this program
  }
}

const headers = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
}
