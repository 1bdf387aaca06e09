/**
 * The rate of requests: of each caller over all routes, and of each address without one. A request is counted when it
 * arrives, before its body is read and before its token is looked up. For that the process remembers valid tokens. The
 * token of a request that it does not know counts on the address, until it is found valid.
 */
import { Elysia } from "elysia"
import type { Config } from "#base/config.ts"
import { RateLimiter, tooMany } from "#base/limits/rate-limiter.ts"
import { rates, rememberedTokens, scaled } from "#base/limits/table.ts"
import { hashToken } from "#base/secrets.ts"
import { addressOfClient, shareOfClient } from "./client.ts"
import type { ResponseSettings } from "./correlation.ts"
import { addStanding } from "./rate-headers.ts"

/** Counts every request of the server, except the questions of load balancers. Comes first in the server. */
export function limitRequests(config: Pick<Config, "trustedProxies" | "requestsPerSecond">) {
  const counted = new RequestRates(config.requestsPerSecond)
  return new Elysia({ name: "request-rates" }).onRequest(({ request, server, set }) => {
    const share = shareOfClient(addressOfClient(config, { request, server }))
    const path = pathOf(request.url)
    if (!probes.has(path)) counted.count({ request, path, share, set: set as ResponseSettings })
  })
}

/** The token of this request was looked up: it belongs to this user, or is not valid (undefined). */
export function tokenLookedUp(request: Request, userId: string | undefined): void {
  lookups.get(request)?.(userId)
  lookups.delete(request)
}

/** The token that a request brings, for HTTP or for a WebSocket; undefined when it brings none. */
export function offeredToken({ headers }: Request): string | undefined {
  const authorization = headers.get("authorization")
  if (authorization !== null) return authorization.slice(authorization.indexOf(" ") + 1)
  const offered = headers.get("sec-websocket-protocol")?.split(",") ?? []
  const found = offered.map((each) => each.trim()).find((each) => each.startsWith(bearer))
  return found?.slice(bearer.length)
}

class RequestRates {
  readonly #caller: RateLimiter
  readonly #stranger: RateLimiter
  readonly #integration: RateLimiter
  readonly #newToken: RateLimiter
  /** The users of valid tokens, by the tokens' hashes. The one that was remembered first is forgotten first. */
  readonly #users = new Map<string, { readonly userId: string; readonly until: number }>()

  constructor(perSecond: number) {
    this.#caller = new RateLimiter(scaled(rates.caller, perSecond))
    this.#stranger = new RateLimiter(scaled(rates.stranger, perSecond))
    this.#integration = new RateLimiter(scaled(rates.integration, perSecond))
    this.#newToken = new RateLimiter(scaled(rates.newToken, perSecond))
  }

  /** Throws TooMany. */
  count(counted: Counted): void {
    const token = offeredToken(counted.request)
    if (token !== undefined) this.#countToken(token, counted)
    else
      admit(
        integrations.some((each) => counted.path.startsWith(each)) ? this.#integration : this.#stranger,
        counted.share,
        counted.set,
      )
  }

  #countToken(token: string, { request, share, set }: Counted): void {
    const hash = hashToken(token).toString("base64")
    const known = this.#users.get(hash)
    if (known !== undefined && known.until > performance.now()) {
      lookups.set(request, (userId) => userId ?? this.#users.delete(hash))
      admit(this.#caller, known.userId, set)
      return
    }
    admit(this.#newToken, share, set)
    lookups.set(request, (userId) => {
      if (userId === undefined) return
      this.#newToken.giveBack(share)
      this.#caller.take(userId)
      this.#remember(hash, userId)
    })
  }

  #remember(hash: string, userId: string): void {
    this.#users.delete(hash)
    this.#users.set(hash, { userId, until: performance.now() + rememberedMs })
    const [oldest] = this.#users.size > rememberedTokens ? this.#users.keys() : []
    if (oldest !== undefined) this.#users.delete(oldest)
  }
}

interface Counted {
  readonly request: Request
  /** The path with its query, as it was sent. */
  readonly path: string
  readonly share: string
  readonly set: ResponseSettings
}

function admit(limiter: RateLimiter, key: string, set: ResponseSettings): void {
  const standing = limiter.take(key)
  if (standing.waitMs > 0) throw tooMany(standing)
  addStanding(set, standing)
}

/** What to do when the token of a request was looked up. */
const lookups = new WeakMap<Request, (userId: string | undefined) => unknown>()

/** Then a token counts on its address once more: nobody uses up a person's rate with a token that has ended. */
const rememberedMs = 600_000

/**
 * Load balancers ask whether the process lives. Behind one that is not trusted they share the address of all strangers,
 * who must not make the process look dead.
 */
const probes = new Set(["/healthz", "/readyz"])

const integrations = ["/v1/integrations/", "/calendar-channels/"]

const pathOf = (url: string) => url.slice(url.indexOf("/", "https://".length))

const bearer = "bearer."
