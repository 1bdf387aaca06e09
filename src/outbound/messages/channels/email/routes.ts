/**
 * The local mailbox in a browser: GET /mailbox and GET /mailbox/{id}. It exists only without an SMTP server and outside
 * production. The address that the program prints opens the mailbox. Its key is sealed with the program's secret, ends
 * after a week, and moves into a cookie at once. Mails are shown without a way to run anything.
 */
import { Elysia } from "elysia"
import { clock } from "#base/clock.ts"
import { isId } from "#base/ids.ts"
import type { App } from "#http/app.ts"
import { listMails, openMail } from "./mailbox.ts"
import { listPage, mailPage, messagePage } from "./pages.ts"

export const mailboxRoutes = (app: App) =>
  new Elysia({ detail: { hide: true } })
    .get("/mailbox", ({ request }) => guarded(app, request, async () => listPage(await listMails(app.db))))
    .get("/mailbox/:id", ({ request, params: { id } }) =>
      guarded(app, request, async () => {
        const mail = isId(id) ? await openMail(app.db, id) : undefined
        return mail
          ? mailPage(mail)
          : page(404, messagePage("No such mail", "The mailbox keeps the latest 1,000 mails."))
      }),
    )

/**
 * The address to open, with a new key in it; undefined where there is no mailbox.
 * @param origin such as http://127.0.0.1:3000; default: as configured
 */
export function mailboxUrl(
  app: Pick<App, "config" | "secrets">,
  origin = `http://${app.config.host}:${app.config.port}`,
): string | undefined {
  if (!exists(app)) return undefined
  const key = app.secrets.seal(String(clock.now() + keyLastsMs), purpose).toString("base64url")
  return `${origin}/mailbox?key=${key}`
}

const keyLastsMs = 7 * 24 * 60 * 60 * 1000
const purpose = "mailbox key"
const cookieName = "slotbase_mailbox"
const longestKey = 200

const exists = ({ config }: Pick<App, "config">) => config.smtpUrl === undefined && config.environment !== "production"

async function guarded(app: App, request: Request, show: () => Promise<string | Response>): Promise<Response> {
  if (!exists(app)) return page(404, messagePage("No mailbox", "Mail is sent over the SMTP server that is configured."))
  const url = new URL(request.url)
  const given = url.searchParams.get("key")
  if (given !== null && endOf(app, given) !== undefined) return moveIntoCookie(app, url, given)
  const kept = new Bun.CookieMap(request.headers.get("cookie") ?? "").get(cookieName)
  if (given !== null || !kept || endOf(app, kept) === undefined)
    return page(
      401,
      messagePage(
        "Closed",
        "Open the mailbox with the address that ./scripts/slotbase links prints; an address lasts a week.",
      ),
    )
  const shown = await show()
  return shown instanceof Response ? shown : page(200, shown)
}

/** Moves the key out of the address, where it would stay in the history and on screenshots. */
function moveIntoCookie(app: App, url: URL, key: string): Response {
  const seconds = Math.floor(((endOf(app, key) ?? 0) - clock.now()) / 1000)
  return new Response(null, {
    status: 303,
    headers: {
      ...headers,
      location: url.pathname,
      "set-cookie": `${cookieName}=${key}; Path=/mailbox; Max-Age=${seconds}; HttpOnly; SameSite=Lax`,
    },
  })
}

/** The end of the key's lifetime; undefined for an expired or invalid key. */
function endOf(app: App, key: string): number | undefined {
  if (key.length > longestKey) return undefined
  try {
    const end = Number(app.secrets.open(Buffer.from(key, "base64url"), purpose))
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

const page = (status: number, html: string) => new Response(html, { status, headers })
