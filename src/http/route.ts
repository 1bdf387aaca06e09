/**
 * The context of every route: the caller, decoded input, and commands. A command is one transaction with the request's
 * event context; its answer names the events that it recorded, and an Idempotency-Key makes it happen once.
 */
import { Elysia } from "elysia"
import { authenticate, type Caller } from "#access/caller.ts"
import { reached } from "#base/crash-points.ts"
import type { Tx } from "#base/database/transaction.ts"
import { InvalidInput, NotAuthenticated } from "#base/errors.ts"
import { decode, type InputSchema, maxFaults } from "#base/schema/decode.ts"
import { transact } from "#events/outbox.ts"
import type { App } from "./app.ts"
import { auditCommand } from "./audited.ts"
import { addressOfClient, type Connected, shareOfClient } from "./client.ts"
import type { ResponseSettings } from "./correlation.ts"
import { addEventIds, contextOfRequest } from "./event-context.ts"
import { once } from "./idempotency.ts"
import { problems } from "./problems.ts"
import { tokenLookedUp } from "./request-rates.ts"

interface CommandOptions<T, Prepared> {
  /** Status of the answer; default 200, and 204 when there is no answer. 201 for a command that creates something. */
  readonly status?: number | ((result: T) => number)
  /** The actor of the events; default: the caller. */
  readonly userId?: string
  /** The answer holds a secret: no cache may store it. */
  readonly secret?: true
  /** The command needs no caller: registration and signing in. */
  readonly open?: true
  /**
   * Runs before the transaction opens, and not at all when an Idempotency-Key has its answer already: before hooks,
   * slow hashes. Its result is the second argument of the command.
   */
  readonly before?: () => Promise<Prepared>
}

/** A command whose second argument is never undefined does not compile without the `before` that makes the argument. */
type OptionsOf<T, Prepared> = undefined extends Prepared
  ? [options?: CommandOptions<T, Prepared>]
  : [options: CommandOptions<T, Prepared> & Required<Pick<CommandOptions<T, Prepared>, "before">>]

/**
 * `new Elysia().use(api(app)).post("/v1/…", async ({ caller, input, command, body }) => …, described({ … }))`
 * What `described` returns also reads the body, within the limits of the route.
 */
export const api = (app: App) =>
  new Elysia().use(problems()).derive({ as: "scoped" }, (context) => toolsOf(app, context))

/** The same for routes that read their body themselves, as it arrives. Their `body` has not been read. */
export const streamingApi = (app: App) =>
  new Elysia()
    .use(problems())
    // Anything but undefined: for undefined Elysia would read the whole body itself.
    .onParse({ as: "scoped" }, () => null)
    .derive({ as: "scoped" }, (context) => toolsOf(app, context))

export type RequestTools = {
  /** The caller, authenticated once per request. Throws NotAuthenticated. */
  caller(): Promise<Caller>
  /** Decodes the given body or query. Throws InvalidInput. */
  input<T>(schema: InputSchema<T>, value: unknown): T
  /** Runs a command in a transaction of its own and answers its result. */
  command<T, Prepared = void>(
    fn: (tx: Tx, prepared: Prepared) => Promise<T>,
    ...options: OptionsOf<T, Prepared>
  ): Promise<T>
  /** The client's address. X-Forwarded-For is believed of trusted proxies only. */
  clientIp(): string | undefined
  /** The share of limits that the client uses: its IPv4 address, or its network of 64 bits of IPv6. */
  clientShare(): string
}

interface GivenContext extends Connected {
  readonly set: ResponseSettings
  readonly query: unknown
  /** Undefined for an address without ids. */
  readonly params?: Readonly<Record<string, string | undefined>>
  readonly route: string
}

function toolsOf(app: App, { request, server, set, query, params = {}, route }: GivenContext): RequestTools {
  set.headers["cache-control"] = "private, no-cache"
  set.headers["x-content-type-options"] = "nosniff"
  const clientIp = () => addressOfClient(app.config, { request, server })
  let authenticated: Promise<Caller> | undefined
  const caller = () => (authenticated ??= callerOfRequest(app, request))
  return {
    caller,
    input(schema, value) {
      if (value !== query) return decode(schema, value, "body")
      refuseRepeated(request.url)
      return decode(schema, value, "query")
    },
    clientIp,
    clientShare: () => shareOfClient(clientIp()),
    async command<T, Prepared>(
      fn: (tx: Tx, prepared: Prepared) => Promise<T>,
      options: CommandOptions<T, Prepared> = {},
    ) {
      const by = options.open ? undefined : await caller()
      const context = contextOfRequest(app, { request, set, clientIp, route }, by, options.userId)
      if (options.secret) set.headers["cache-control"] = "no-store"
      const key = request.method === "POST" ? request.headers.get("idempotency-key") : null
      const { before, status = statusOf } = options
      const run = async (tx: Tx, prepared: Prepared) => {
        const result = await fn(tx, prepared)
        set.status = typeof status === "function" ? status(result) : status
        auditCommand(tx, { request, params, caller: by }, result)
        return result
      }
      if (key !== null) return once(app, { key, request, set, context, callerId: by?.userId }, run, before)
      const prepared = (await before?.()) as Prepared
      const { result, eventIds } = await transact(app.db, context, (tx) => run(tx, prepared))
      reached("before-answer")
      addEventIds(set, eventIds)
      return result
    },
  }
}

async function callerOfRequest({ db }: App, request: Request): Promise<Caller> {
  try {
    const caller = await authenticate(db, tokenOf(request))
    tokenLookedUp(request, caller.userId)
    return caller
  } catch (error) {
    if (error instanceof NotAuthenticated) tokenLookedUp(request, undefined)
    throw error
  }
}

/** A parameter that is named twice has two values, and the query that Elysia parses has one of them. */
function refuseRepeated(url: string): void {
  const start = url.indexOf("?")
  if (start < 0 || !url.includes("&", start)) return
  const seen = new Set<string>()
  const repeated = new Set<string>()
  for (const name of new URLSearchParams(url.slice(start)).keys()) (seen.has(name) ? repeated : seen).add(name)
  if (repeated.size === 0) return
  throw new InvalidInput(
    [...repeated].slice(0, maxFaults).map((name) => ({ path: `query.${name}`, message: "Expected one value" })),
  )
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
