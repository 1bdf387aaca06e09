/**
 * What every route has in its context: the caller, decoded input, and commands. A command is one transaction with the
 * request's event context; its answer names the events that it recorded, and an Idempotency-Key makes it happen once.
 */
import { Elysia } from "elysia"
import { authenticate, type Caller } from "#access/caller.ts"
import type { App } from "#base/app.ts"
import { reached } from "#base/crash-points.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotAuthenticated } from "#base/errors.ts"
import { decode, type InputSchema } from "#base/schema/decode.ts"
import { type EventContext, transact } from "#events/outbox.ts"
import { readBody } from "./body.ts"
import { correlationIdOf, type ResponseSettings } from "./correlation.ts"
import { once } from "./idempotency.ts"
import { problems } from "./problems.ts"

export interface CommandOptions<T, Prepared = undefined> {
  /** Status of the answer; default 200, and 204 when there is no answer. 201 for what creates. */
  readonly status?: number | ((result: T) => number)
  /** Who acts, on the events; default: the caller. */
  readonly userId?: string
  /** The answer holds a secret: nothing on the way may store it. */
  readonly secret?: true
  /** The command needs no caller: registration and signing in. */
  readonly open?: true
  /**
   * Runs before the transaction opens, and not at all when an Idempotency-Key has its answer already: before hooks,
   * slow hashes. Its result is the second argument of the command.
   */
  readonly before?: () => Promise<Prepared>
}

/** `export const bookingRoutes = (app: App) => new Elysia().use(api(app)).post("/v1/…", async ({ caller, input, command, body }) => …)` */
export const api = (app: App) =>
  new Elysia({ name: "api", seed: seedOf(app) })
    .use(problems())
    .onParse({ as: "scoped" }, ({ request }) => readBody(request))
    .derive({ as: "scoped" }, (context) => deriveTools(app, context))

/** The same for routes that read their body themselves, as it comes: what `body` names there has not been read. */
export const streamingApi = (app: App) =>
  new Elysia({ name: "streaming-api", seed: seedOf(app) })
    .use(problems())
    // Anything but undefined, upon which Elysia would read the body by itself, all of it at once.
    .onParse({ as: "scoped" }, () => null)
    .derive({ as: "scoped" }, (context) => deriveTools(app, context))

export type RequestTools = {
  /** The caller, authenticated once per request. Throws NotAuthenticated. */
  caller(): Promise<Caller>
  /** Decodes the body, or the query when that is what it is given. Throws InvalidInput. */
  input<T>(schema: InputSchema<T>, value: unknown): T
  /** Runs a command in a transaction of its own and answers its result. */
  command<T, Prepared = undefined>(
    fn: (tx: Tx, prepared: Prepared) => Promise<T>,
    options?: CommandOptions<T, Prepared>,
  ): Promise<T>
  /** Address of the other end of the connection; X-Forwarded-For is not believed. */
  clientIp(): string | undefined
}

interface GivenContext {
  readonly request: Request
  readonly server: { requestIP(request: Request): { readonly address: string } | null } | null
  readonly set: ResponseSettings
  readonly query: unknown
}

function deriveTools(app: App, { request, server, set, query }: GivenContext): RequestTools {
  set.headers["cache-control"] = "private, no-cache"
  set.headers["x-content-type-options"] = "nosniff"
  return toolsOf(app, { request, set, query, clientIp: () => server?.requestIP(request)?.address })
}

interface Context {
  readonly request: Request
  readonly set: ResponseSettings
  readonly query: unknown
  readonly clientIp: () => string | undefined
}

function toolsOf(app: App, { request, set, query, clientIp }: Context): RequestTools {
  let caller: Promise<Caller> | undefined
  const tools: RequestTools = {
    caller: () => (caller ??= authenticate(app.db, tokenOf(request))),
    input: (schema, value) => decode(schema, value, value === query ? "query" : "body"),
    clientIp,
    async command(fn, options = {}) {
      const userId = options.open ? undefined : (await tools.caller()).userId
      const context: EventContext = {
        environment: app.config.environment,
        correlationId: correlationIdOf({ request, set }),
        ...present("userId", options.userId ?? userId),
        ...present("clientIp", clientIp()),
        ...present("userAgent", request.headers.get("user-agent")?.slice(0, maxUserAgent)),
      }
      if (options.secret) set.headers["cache-control"] = "no-store"
      const key = request.method === "POST" ? request.headers.get("idempotency-key") : null
      const { before, status = statusOf } = options
      const run = async (tx: Tx, prepared: Parameters<typeof fn>[1]) => {
        const result = await fn(tx, prepared)
        set.status = typeof status === "function" ? status(result) : status
        return result
      }
      if (key !== null) return once(app, { key, request, set, context, callerId: userId }, run, before)
      const prepared = (await before?.()) as Parameters<typeof fn>[1]
      const { result, eventIds } = await transact(app.db, context, (tx) => run(tx, prepared))
      reached("before-answer")
      if (eventIds.length > 0) set.headers["x-slotbase-event-ids"] = eventIds.join(",")
      return result
    },
  }
  return tools
}

const statusOf = (result: unknown) => (result === undefined ? 204 : 200)

/** The bearer token of a request. Throws NotAuthenticated when there is none. */
export function tokenOf(request: Request): string {
  const [scheme, token, ...more] = (request.headers.get("authorization") ?? "").split(" ")
  if (scheme?.toLowerCase() !== "bearer" || !token || more.length > 0) {
    throw new NotAuthenticated("Send a token or an API key: Authorization: Bearer <token>.")
  }
  return token
}

const maxUserAgent = 256

const present = <Key extends string, Value>(key: Key, value: Value | undefined) =>
  (value === undefined ? {} : { [key]: value }) as { readonly [K in Key]?: Value & {} }

/** Elysia takes plugins of one name and seed for the same; two servers in one process have two apps. */
const seedOf = (app: App) => {
  const known = seeds.get(app) ?? ++lastSeed
  seeds.set(app, known)
  return known
}
const seeds = new WeakMap<App, number>()
let lastSeed = 0
