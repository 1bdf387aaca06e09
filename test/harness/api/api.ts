// The HTTP API without a socket: the server of a test database, called with Request objects.

import type { Outside } from "#api/outside.ts"
import { createServer } from "#api/server.ts"
import type { Config } from "#base/config.ts"
import { ensureRootKey } from "#domain/people/api-keys.ts"
import type { App } from "#http/app.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { rootKey } from "#test/harness/setup/system.ts"

export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** The parsed JSON, of any shape; undefined when there is no body. */
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
  readonly app: App & Outside
  readonly server: { handle(request: Request): Promise<Response> }
  readonly call: (method: string, path: string, options?: CallOptions) => Promise<Answer>
  /** Registers a person, signs them in, and assigns a role in a facility. */
  readonly person: (role?: string, facilityId?: string) => Promise<{ id: string; email: string; token: string }>
  readonly facility: (body?: Record<string, unknown>) => Promise<string>
  /** The number of rows in the tables that a refused request must not write. */
  readonly rows: () => Promise<Record<string, number>>
}

export const password = "correct horse battery"

export async function testApi(given: Partial<Config> = {}): Promise<TestApi> {
  const database = await testDatabase()
  const app = testApp(database.db, given)
  await ensureRootKey(database.db, rootKey)
  const server = createServer(app)
  let people = 0

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
    return { status: answer.status, headers: answer.headers, body: text === "" ? undefined : JSON.parse(text) }
  }
  const made = (answer: Answer) => {
    if (answer.status !== 201) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  return {
    database,
    app,
    server,
    call,
    async person(role, facilityId) {
      const email = `person-${++people}@example.com`
      const body = { email, password, firstName: "Mia", lastName: "Keller" }
      const { id } = made(await call("POST", "/v1/users", { token: null, body }))
      if (role && facilityId) {
        const grant = { role, scopeType: "facility", scopeId: facilityId }
        made(await call("POST", `/v1/users/${id}/roles`, { body: grant }))
      }
      const { token } = made(await call("POST", "/v1/sessions", { token: null, body: { email, password } }))
      return { id, email, token }
    },
    async facility(body = {}) {
      const facility = { name: "Riverside", timezone: "Europe/Berlin", currency: "EUR", ...body }
      return made(await call("POST", "/v1/facilities", { body: facility })).id
    },
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
