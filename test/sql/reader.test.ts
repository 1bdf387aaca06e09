// The role slotbase_reader reads no secret. Secrets of each kind are planted by ordinary use. The test then logs in as
// the role, and searches every column that the role may select.

import { afterAll, beforeAll, expect, test } from "bun:test"
import postgres from "postgres"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { password } from "#test/harness/api/over-api.ts"
import { type Receiver, startReceiver } from "#test/harness/outside/receiver.ts"
import { aDeliverer, confirmed } from "#test/harness/pipeline/webhooks.ts"
import { rootKey } from "#test/harness/setup/system.ts"

let api: TestApi
let facilityId: string
const inbox: Receiver = startReceiver(
  ({ headers }) =>
    // Servers name the address in their answer to a request that they do not know.
    new Response(`Cannot POST /hook/${token.path}`, {
      status: 404,
      headers: { "X-Path": `/hook/${token.path}?key=${token.query}`, "X-Agent": headers.get("user-agent") ?? "" },
    }),
)
/** Each of them occurs nowhere else. */
const token = {
  path: "pathsecret4711aaaa",
  query: "querysecret4711bbb",
  header: "headersecret4711cc",
  basic: "basicsecret4711ddd",
  bearer: "bearersecret4711ee",
  card: "tok_visa",
}
const secrets = new Map<string, string>()

beforeAll(async () => {
  api = await testApi({ egressAllow: ["127.0.0.0/8"] })
  const { db } = api.database
  facilityId = await api.facility()
  const at = `/v1/facilities/${facilityId}`
  const deliverer = await aDeliverer(api.app)
  const hook = async (more: object) => {
    const url = `${inbox.url}/${token.path}?key=${token.query}`
    const body = {
      name: "Board",
      url,
      events: ["booking.confirmed"],
      retryConfig: { maxRetries: 0 },
      retryForHours: 0,
      ...more,
    }
    const answer = await api.call("POST", `${at}/webhooks`, { body })
    if (answer.status !== 201) throw new Error(JSON.stringify(answer.body))
    return answer.body as { id: string; authConfig?: { signingSecret: string } }
  }
  await hook({ authType: "header", authConfig: { headerName: "X-Key", headerValue: token.header } })
  await hook({ authType: "basic", authConfig: { username: "ana", password: token.basic } })
  await hook({ authType: "bearer", authConfig: { bearerToken: token.bearer } })
  const signed = await hook({ authType: "signature" })
  await db`select slotbase.sequence_subscriptions((select coalesce(max(position), 0) + 1 from slotbase.event_positions))`
  await confirmed(db, facilityId)
  await deliverer.run()
  await deliverer.drain()
  // One attempt stays under way, so that the queue has an address too.
  await confirmed(db, facilityId)
  await db`update slotbase.delivery_queue set lease = 1, started_at = slotbase.now()`

  const person = await api.person("player", facilityId)
  const key = await api.call("POST", `${at}/api-keys`, {
    body: { name: "Till", role: "staff" },
    headers: { "idempotency-key": "the-first-key" },
  })
  const [hashes] = await db<[{ password: string; session: string; key: string }]>`
    select (select password_hash from slotbase.users where id = ${person.id}) as password,
           (select encode(token_hash, 'hex') from slotbase.sessions where user_id = ${person.id} limit 1) as session,
           (select encode(key_hash, 'hex') from slotbase.api_keys where id = ${key.body.id}) as key`
  for (const [name, value] of Object.entries({
    ...token,
    password,
    rootKey,
    signing: signed.authConfig?.signingSecret as string,
    session: person.token,
    apiKey: key.body.key as string,
    passwordHash: hashes.password,
    sessionHash: hashes.session,
    keyHash: hashes.key,
  }))
    secrets.set(name, value)
})
afterAll(async () => {
  await inbox.stop()
  await api.database.drop()
})

test("the planted secrets are there, for whoever may read the tables themselves", async () => {
  const found = await search("current_user")
  expect([...new Set(found.map(({ secret }) => secret))].sort()).toEqual(
    expect.arrayContaining(["path", "query", "passwordHash", "sessionHash", "keyHash"]),
  )
  expect(inbox.received).toHaveLength(4)
  expect(inbox.received.map(({ headers }) => headers.get("x-key")).filter(Boolean)).toEqual([token.header])
})

test("no column that the role may read has a secret", async () => {
  expect(await search("slotbase_reader")).toEqual([])
})

test("a column with a secret that is granted is found", async () => {
  const { db } = api.database
  await db`grant select (url) on slotbase.webhooks to slotbase_reader`
  try {
    const found = await search("slotbase_reader")
    expect(new Set(found.map(({ column }) => column))).toEqual(new Set(["webhooks.url"]))
    expect(new Set(found.map(({ secret }) => secret))).toEqual(new Set(["path", "query"]))
  } finally {
    await db`revoke select (url) on slotbase.webhooks from slotbase_reader`
  }
})

test("the role sees where a webhook goes, and tells two addresses apart", async () => {
  const { db } = api.database
  const { origin } = new URL(inbox.url)
  const shown = (url: string) => db`select slotbase.shown_url(${url}) as url`.then(([row]) => row?.url as string)
  const one = await shown(`${origin}/hook/one?key=1`)
  expect(one).toMatch(new RegExp(`^${origin}/…[0-9a-f]{8}$`))
  expect(await shown(`${origin}/hook/one?key=2`)).not.toBe(one)
  expect(await shown(`${origin}/`)).toBe(`${origin}/`)
  expect(await shown(origin)).toBe(origin)
  expect(await shown("https://ana:word@receiver.example:8443/x")).toMatch(
    /^https:\/\/receiver\.example:8443\/…[0-9a-f]{8}$/,
  )
  expect(await shown("no address")).toMatch(/^…[0-9a-f]{8}$/)
  const rows = await db.begin(async (tx) => {
    await tx`set local role slotbase_reader`
    return tx<{ url: string }[]>`
      select url from slotbase.webhook_endpoints union select url from slotbase.webhook_attempts
      union select url from slotbase.webhook_deliveries`
  })
  expect(rows.map(({ url }) => url)).toEqual([expect.stringMatching(new RegExp(`^${origin}/…[0-9a-f]{8}$`))])
})

interface Find {
  readonly column: string
  readonly secret: string
}

/** Every column that the role may select and that has a secret in any row. */
async function search(role: "slotbase_reader" | "current_user"): Promise<Find[]> {
  const sql = postgres(api.database.url, { max: 1, onnotice: () => {} })
  try {
    if (role === "slotbase_reader") await sql`set role slotbase_reader`
    const columns = await sql<{ relation: string; column: string }[]>`
      select c.relname as relation, a.attname as column from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relnamespace = 'slotbase'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
        and has_column_privilege(c.oid, a.attnum, 'select')
      order by 1, 2`
    expect(columns.length).toBeGreaterThan(300)
    const found: Find[] = []
    for (const { relation, column } of columns) {
      const rows = await sql<{ text: string | null }[]>`
        select ${sql(column)}::text as text from ${sql(`slotbase.${relation}`)} where ${sql(column)} is not null`
      const text = rows.map((row) => row.text).join("\n")
      for (const [secret, value] of secrets)
        if (text.includes(value)) found.push({ column: `${relation}.${column}`, secret })
    }
    return found
  } finally {
    await sql.end()
  }
}
