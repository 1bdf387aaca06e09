// Connection strings as providers print them: each parameter of libpq is honoured, or refused by its name.

import { expect, test } from "bun:test"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { databasePlace, parseConnectionString, withParameter } from "#base/database/connection-string.ts"
import { driverOptions } from "#base/database/driver.ts"

const env = { HOME: "/nowhere", USER: "somebody" }
const seen = (text: string, given: Record<string, string> = {}) => driverOptions(text, 5, { ...env, ...given })

const base = {
  host: ["db.example.com"],
  port: [5432],
  user: "u",
  database: "club",
  pass: "p",
  ssl: "prefer",
  sslnegotiation: null,
  prepare: true,
  keep_alive: 60,
  connect_timeout: 5,
  target_session_attrs: null,
}
const at = (query: string) => `postgres://u:p@db.example.com/club${query}`

const honoured: readonly [text: string, options: object][] = [
  [at(""), {}],
  ["postgresql://u:p@db.example.com:6543/club", { port: [6543] }],
  [at("?sslmode=disable"), { ssl: false }],
  [at("?sslmode=allow"), { ssl: "prefer" }],
  [at("?sslmode=prefer"), { ssl: "prefer" }],
  [at("?sslmode=require"), { ssl: "require" }],
  [at("?ssl=true"), { ssl: "require" }],
  [at("?sslmode=verify-full"), { ssl: { rejectUnauthorized: true } }],
  [at("?sslrootcert=system"), { ssl: { rejectUnauthorized: true } }],
  [
    at("?sslmode=verify-full&ssl_min_protocol_version=TLSv1.3"),
    { ssl: { rejectUnauthorized: true, minVersion: "TLSv1.3" } },
  ],
  [at("?sslmode=require&sslnegotiation=direct"), { ssl: "require", sslnegotiation: "direct" }],
  [at("?sslmode=require&channel_binding=prefer"), { ssl: "require" }],
  [at("?sslmode=require&channel_binding=require"), { ssl: "require", channelBinding: expect.any(Function) }],
  [at("?channel_binding=require"), { ssl: "require", channelBinding: expect.any(Function) }],
  [at("?connect_timeout=2"), { connect_timeout: 2 }],
  [at("?connect_timeout=60"), {}],
  [at("?connect_timeout=0"), {}],
  [at("?keepalives=0"), { keep_alive: 0 }],
  [at("?keepalives=1&keepalives_idle=30"), { keep_alive: 30 }],
  [at("?target_session_attrs=read-write"), { target_session_attrs: "read-write" }],
  [at("?target_session_attrs=any"), {}],
  [at("?pgbouncer=true"), { prepare: false, max_pipeline: 0 }],
  [at("?pgbouncer=transaction"), { prepare: false, max_pipeline: 0 }],
  [at("?pgbouncer=session"), {}],
  [at("?gssencmode=disable&sslcompression=0&client_encoding=utf8&sslsni=1&sslcertmode=allow"), {}],
  ["postgres://u:p@/club?host=/run/postgresql", socket("/run/postgresql", 5432)],
  ["postgres://u:p@/club?host=/run/postgresql&port=5433&sslmode=require", socket("/run/postgresql", 5433)],
  ["postgres://u:p@%2Frun%2Fpostgresql/club", socket("/run/postgresql", 5432)],
  ["postgres://u:p@[::1]:5433/club", { host: ["::1"], port: [5433], ssl: false }],
  ["postgres://u:p@[2001:db8::7]/club", { host: ["2001:db8::7"] }],
  ["postgres://u:p@127.0.0.1/club", { host: ["127.0.0.1"], ssl: false }],
  ["postgres://u:p@a:1,b:2,[::1]/club", { host: ["a", "b", "::1"], port: [1, 2, 5432] }],
  ["postgres://u:p@/club?host=a,b&port=7", { host: ["a", "b"], port: [7, 7] }],
  ["postgres://u:p@/club?host=a,b&port=7,8", { host: ["a", "b"], port: [7, 8] }],
  ["postgres://db.example.com?user=u&password=p&dbname=club", {}],
  ["postgres://u%40x:p%2F%3A%40%3F@db.example.com/cl%20ub", { user: "u@x", pass: "p/:@?", database: "cl ub" }],
  ["postgres://u@db.example.com/club", { pass: "" }],
  ["postgres://u@db.example.com", { pass: "", database: "u" }],
  ["postgres://", { host: ["localhost"], user: "somebody", database: "somebody", pass: "", ssl: false }],
]

function socket(folder: string, port: number) {
  return { host: [folder], port: [port], path: `${folder}/.s.PGSQL.${port}`, ssl: false }
}

for (const [text, options] of honoured)
  test(`${text} is honoured`, () => {
    expect(seen(text) as object).toEqual({ ...base, ...options })
  })

test("files of certificates are read, and sslmode decides what they are for", async () => {
  const folder = await mkdtemp(join(tmpdir(), "slotbase-tls-"))
  const path = join(folder, "root.crt")
  await writeFile(path, "authority")
  const authority = { ca: "authority", rejectUnauthorized: true }
  const unnamed = { ...authority, checkServerIdentity: expect.any(Function) }
  expect(seen(at(`?sslmode=verify-full&sslrootcert=${path}`)).ssl as object).toEqual(authority)
  expect(seen(at(`?sslmode=verify-ca&sslrootcert=${path}`)).ssl as object).toEqual(unnamed)
  // As libpq does: an authority that was named is asked.
  expect(seen(at(`?sslmode=require&sslrootcert=${path}`)).ssl as object).toEqual(unnamed)
  expect(seen(at(`?sslmode=require&sslcert=${path}&sslkey=${path}&sslpassword=x`)).ssl as object).toEqual({
    ...{ cert: "authority", key: "authority", passphrase: "x", rejectUnauthorized: false },
  })
  expect(() => seen(at(`?sslmode=verify-full&sslrootcert=${folder}/none`))).toThrow(
    "The file that sslrootcert names cannot be read (ENOENT): correct its path in the connection string.",
  )
  await rm(folder, { recursive: true })
})

test("a password file gives the password of the first line that fits, and a service fills what is left open", async () => {
  const folder = await mkdtemp(join(tmpdir(), "slotbase-pass-"))
  const [passfile, services] = [join(folder, "pass"), join(folder, "services")]
  await writeFile(passfile, "# comment\nother:*:*:*:no\ndb.example.com:5432:club:u:a\\:b\\\\c\n*:*:*:*:last\n")
  await writeFile(
    services,
    "[other]\nhost=x\n[club]\n# comment\nhost=db.example.com\nport=6543\ndbname=club\nuser=u\nsslmode=require\n",
  )
  expect(seen(`postgres://u@db.example.com/club?passfile=${passfile}`).pass).toBe("a:b\\c")
  expect(seen("postgres://u@elsewhere/club", { PGPASSFILE: passfile }).pass).toBe("last")
  expect(seen("postgres:///?service=club", { PGSERVICEFILE: services, PGPASSWORD: "p" }) as object).toEqual({
    ...base,
    port: [6543],
    ssl: "require",
  })
  expect(seen(`postgres://v@/?service=club&servicefile=${services}`).user).toBe("v")
  expect(() => seen(`postgres:///?service=none&servicefile=${services}`)).toThrow(
    `The service none is not in ${services}: add it, or correct the connection string.`,
  )
  expect(() => seen(at("?passfile=/nowhere/pass").replace(":p@", "@"))).toThrow(
    "The file /nowhere/pass of the parameter passfile cannot be read (ENOENT).",
  )
  await rm(folder, { recursive: true })
})

const refused: readonly [query: string, says: string][] = [
  [
    "sslmode=on",
    "the parameter sslmode cannot be used so; use disable, allow, prefer, require, verify-ca or verify-full.",
  ],
  ["channel_binding=1", "the parameter channel_binding cannot be used so; use disable, prefer or require."],
  [
    "keepalives_interval=10",
    "the parameter keepalives_interval cannot be used; it belongs to the operating system here: remove it, and set it there.",
  ],
  [
    "target_session_attrs=standby",
    "the parameter target_session_attrs cannot be used so; SlotBase writes: use read-write or primary.",
  ],
  ["connect_timeout=soon", "the parameter connect_timeout cannot be used so; use a whole number from 0 to 3600."],
  [
    "connection_limit=5",
    "the parameter connection_limit cannot be used; it belongs to another program: remove it, and set SLOTBASE_DB_POOL.",
  ],
  [
    "statement_timeout=5",
    "the parameter statement_timeout cannot be used; PostgreSQL's connection strings have none of this name: remove it.",
  ],
  [
    "constructor=1",
    "the parameter constructor cannot be used; PostgreSQL's connection strings have none of this name: remove it.",
  ],
  [
    "sec/ret=1",
    "the parameter after the question mark cannot be used; PostgreSQL's connection strings have none of this name: remove it.",
  ],
]

for (const [query, says] of refused)
  test(`${query} is refused by its name`, () => {
    expect(() => parseConnectionString(at(`?${query}`))).toThrow(`DATABASE_URL: ${says}`)
    expect(() => parseConnectionString(at(`?${query}`), "SLOTBASE_LISTEN_URL")).toThrow(`SLOTBASE_LISTEN_URL: ${says}`)
  })

/** https://www.postgresql.org/docs/18/libpq-connect.html#LIBPQ-PARAMKEYWORDS, apart from those of the address. */
const ofLibpq =
  "hostaddr passfile require_auth channel_binding connect_timeout client_encoding options application_name fallback_application_name keepalives keepalives_idle keepalives_interval keepalives_count tcp_user_timeout replication gssencmode sslmode requiressl sslnegotiation sslcompression sslcert sslkey sslkeylogfile sslpassword sslcertmode sslrootcert sslcrl sslcrldir sslsni requirepeer ssl_min_protocol_version ssl_max_protocol_version min_protocol_version max_protocol_version krbsrvname gsslib gssdelegation scram_client_key scram_server_key service target_session_attrs load_balance_hosts oauth_issuer oauth_client_id oauth_client_secret oauth_scope".split(
    " ",
  )

test("every parameter that libpq documents is known", () => {
  const unknown = ofLibpq.filter((name) => {
    try {
      parseConnectionString(at(`?${name}=x`))
      return false
    } catch (error) {
      return (error as Error).message.includes("have none of this name")
    }
  })
  expect(unknown).toEqual([])
})

test("what cannot be read is refused without showing the password", () => {
  for (const text of [
    "mysql://u:secret@h/d",
    "postgres://u:sec/ret@h:port/d",
    "postgres://u:secret@h:0/d",
    "postgres://u:%zz@h/d",
    "postgres://u:secret@h:1:2/d",
  ]) {
    const error = (() => {
      try {
        return parseConnectionString(text)
      } catch (thrown) {
        return thrown as Error
      }
    })()
    expect([text, (error as Error).message]).toEqual([
      text,
      "DATABASE_URL cannot be read: write it like postgres://user:password@host:5432/slotbase, with every special character of the password percent-encoded.",
    ])
  }
  expect(() => parseConnectionString("postgres://u@/d?host=/a,b")).toThrow("names a socket beside another host")
  expect(() => parseConnectionString("postgres://u@/d?host=/a,/b")).toThrow("names several sockets")
})

test("a place is named without user and password", () => {
  expect(databasePlace(parseConnectionString("postgres://u:secret@a:1,[::1]:2/club"))).toBe("club on a:1, [::1]:2")
  expect(databasePlace(parseConnectionString("postgres://u:secret@/club?host=/run"))).toBe("club on the socket in /run")
})

test("a parameter is added, or takes the place of one of its name", () => {
  expect(withParameter("postgres://h/d", "pgbouncer", "session")).toBe("postgres://h/d?pgbouncer=session")
  expect(withParameter("postgres://h/d?sslmode=require&pgbouncer=true", "pgbouncer", "session")).toBe(
    "postgres://h/d?sslmode=require&pgbouncer=session",
  )
})
