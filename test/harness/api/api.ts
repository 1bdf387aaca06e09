// The HTTP API without a socket: the server of a test database, called with Request objects.

import { createServer } from "#api/server.ts"
import type { Config } from "#base/config.ts"
import { ensureRootKey } from "#domain/people/api-keys.ts"
import { Live } from "#outbound/live/live.ts"
import type { FacilityGiven } from "#test/harness/club/build.ts"
import { type TestApp, testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { rootKey } from "#test/harness/setup/system.ts"
import { type ApiBuilder, overApi } from "./over-api.ts"

export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** The parsed JSON, of any shape, or the text of another type; undefined when there is no body. */
  readonly body: ReturnType<typeof JSON.parse>
}

export interface CallOptions {
  /** Undefined: the root key. Null: no credentials. */
  readonly token?: string | null
  /** A string is sent unchanged, every other value as JSON. */
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

export interface TestApi {
  readonly database: TestDatabase
  readonly app: TestApp
  readonly server: { handle(request: Request): Promise<Response> }
  readonly call: (method: string, path: string, options?: CallOptions) => Promise<Answer>
  /** Makes facilities, courts and people by requests. */
  readonly builder: ApiBuilder
  /** Registers a person, signs them in, and assigns a role in a facility. */
  readonly person: ApiBuilder["person"]
  /** In Berlin by default. */
  readonly facility: (given?: FacilityGiven) => Promise<string>
  /** The number of rows in the tables that a refused request must not write. */
  readonly rows: () => Promise<Record<string, number>>
}

export async function testApi(given: Partial<Config> = {}): Promise<TestApi> {
  const database = await testDatabase()
  const app = testApp(database.db, given)
  await ensureRootKey(database.db, { ...app.config, rootKey })
  const live = new Live(database.db)
  // No broadcaster runs here. Channels begin at the beginning of the log.
  live.begin(0, "0".repeat(16))
  const server = createServer(app, live)

  const call: TestApi["call"] = async (method, path, { token = rootKey, body, headers = {} } = {}) => {
    const answer = await server.handle(
      new Request(`http://slotbase.test${path}`, {
        method,
        headers: {
          ...(token !== null && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { "content-type": "application/json" }),
          ...headers,
        },
        ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
      }),
    )
    const text = await answer.text()
    const isJson = answer.headers.get("content-type")?.includes("json") ?? true
    const parsed = isJson ? JSON.parse(text || "null") : text
    return { status: answer.status, headers: answer.headers, body: text === "" ? undefined : parsed }
  }
  const post = async (path: string, body: object, as: "root" | "public") => {
    const answer = await call("POST", path, { body, ...(as === "public" && { token: null }) })
    if (answer.status !== 201) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  const builder = overApi(post, (nth) => `person-${nth}@example.com`)

  return {
    database,
    app,
    server,
    call,
    builder,
    person: builder.person,
    facility: (given = {}) => builder.facility(given),
    async rows() {
      const [counts] = await database.db<Record<string, number>[]>`
        select (select count(*) from slotbase.users)            as users,
               (select count(*) from slotbase.role_grants)      as grants,
               (select count(*) from slotbase.sessions)         as sessions,
               (select count(*) from slotbase.facilities)       as facilities,
               (select count(*) from slotbase.resources)        as resources,
               (select count(*) from slotbase.api_keys)         as api_keys,
               (select count(*) from slotbase.idempotency_keys) as idempotency_keys,
               (select count(*) from slotbase.events)           as events,
               (select count(*) from slotbase.outbox)           as outbox`
      return { ...counts }
    },
  }
}
