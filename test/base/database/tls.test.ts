// Connections over TLS to a real PostgreSQL with certificates of its own: which modes accept which certificate. A
// password can be bound to the certificate of the server, and somebody between them is noticed.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { chown, mkdtemp, rm, stat, writeFile } from "node:fs/promises"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect as connectTls, createServer } from "node:tls"
import postgres from "postgres"
import { type Embedded, startEmbedded } from "#base/database/embedded/start.ts"
import { openOnce } from "#base/database/open-once.ts"
import { type Certificate, type SignatureKind, selfSigned } from "#test/harness/setup/certificate.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let folder: string
let server: Embedded
let admin: postgres.Sql
const own = selfSigned()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slotbase-tls-"))
  // When the tests run as root, the server runs as another user, which must be able to enter.
  await Bun.spawn(["chmod", "755", folder]).exited
  server = await startEmbedded({ dataDir: folder, settings: { fsync: "off" } })
  admin = postgres(server.url, { max: 1, onnotice: () => {} })
  await present(own)
}, 60_000)

afterAll(async () => {
  await admin.end()
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

/** Lets the server present a certificate from now on, or none. */
async function present(certificate: Certificate | undefined): Promise<void> {
  const { uid, gid } = await stat(join(server.cluster, "PG_VERSION"))
  for (const [name, text] of [
    ["server.crt", certificate?.cert],
    ["server.key", certificate?.key],
  ] as const) {
    if (text === undefined) continue
    const path = join(server.cluster, name)
    await writeFile(path, text, { mode: 0o600 })
    await chown(path, uid, gid)
  }
  await admin.unsafe(`alter system set ssl = ${certificate ? "on" : "off"}`)
  const before = await loadedAt()
  await admin`select pg_reload_conf()`
  // Its processes take over the settings one after the other; new connections belong to the postmaster.
  await eventually(async () => expect(await loadedAt()).not.toEqual(before))
  await eventually(async () => expect((await attempt("sslmode=prefer"))?.ssl).toBe(certificate !== undefined))
}

const loadedAt = async () => (await admin`select pg_conf_load_time() as at`)[0]?.at as Date

interface Seen {
  readonly ssl: boolean
  readonly version: string | null
}

/** What the server sees of a connection by this address. Throws the reason why there is none. */
async function attempt(query: string, port = Number(new URL(server.url).port)): Promise<Seen | undefined> {
  const url = new URL(server.url)
  url.port = String(port)
  url.search = query
  const sql = openOnce(url.href, "slotbase tls")
  try {
    const [row] = await sql<Seen[]>`select ssl, version from pg_stat_ssl where pid = pg_backend_pid()`
    return row && { ...row }
  } finally {
    await sql.end({ timeout: 1 })
  }
}

const refusal = (query: string, port?: number) =>
  attempt(query, port).then(
    () => "accepted",
    (error: { code?: string; message: string }) => error.code ?? error.message,
  )

async function file(name: string, { cert }: Certificate): Promise<string> {
  const path = join(folder, `${name}.pem`)
  await writeFile(path, cert)
  return encodeURIComponent(path)
}

const encrypted = { ssl: true, version: "TLSv1.3" }

test("on this machine nothing is encrypted unless it is asked for", async () => {
  expect(await attempt("")).toEqual({ ssl: false, version: null })
  expect(await attempt("sslmode=disable")).toEqual({ ssl: false, version: null })
  for (const query of ["sslmode=prefer", "sslmode=require", "ssl=true", "sslmode=require&sslnegotiation=direct"])
    expect(await attempt(query)).toEqual(encrypted)
})

test("verify-full accepts the certificate of the named authority, and no other", async () => {
  const [root, other] = [await file("own", own), await file("other", selfSigned())]
  expect(await attempt(`sslmode=verify-full&sslrootcert=${root}`)).toEqual(encrypted)
  expect(await attempt(`sslmode=require&sslrootcert=${root}`)).toEqual(encrypted)
  for (const query of [
    "sslmode=verify-full",
    "sslrootcert=system",
    `sslmode=verify-full&sslrootcert=${other}`,
    `sslmode=verify-ca&sslrootcert=${other}`,
    `sslmode=require&sslrootcert=${other}`,
  ])
    expect([query, await refusal(query)]).toEqual([query, expect.stringMatching(/SELF_SIGNED|UNABLE_TO_VERIFY/)])
})

test("a certificate of another name passes verify-ca and not verify-full; an expired one passes neither", async () => {
  const elsewhere = selfSigned({ name: "db.example.com" })
  await present(elsewhere)
  const root = await file("elsewhere", elsewhere)
  expect(await refusal(`sslmode=verify-full&sslrootcert=${root}`)).toBe("ERR_TLS_CERT_ALTNAME_INVALID")
  expect(await attempt(`sslmode=verify-ca&sslrootcert=${root}`)).toEqual(encrypted)
  const old = selfSigned({ until: new Date("2021-01-01T00:00:00Z") })
  await present(old)
  const past = await file("past", old)
  for (const mode of ["verify-ca", "verify-full"])
    expect(await refusal(`sslmode=${mode}&sslrootcert=${past}`)).toBe("CERT_HAS_EXPIRED")
  expect(await attempt("sslmode=require")).toEqual(encrypted)
  await present(own)
})

const bindable: readonly SignatureKind[] = ["rsa-sha256", "rsa-sha384", "rsa-sha512", "ecdsa-sha256", "ecdsa-sha384"]
for (const kind of bindable)
  test(`a password is bound to a certificate that is signed by ${kind}`, async () => {
    await present(selfSigned({ kind }))
    expect(await attempt("channel_binding=require")).toEqual(encrypted)
    expect(await attempt("sslmode=require&channel_binding=require&sslnegotiation=direct")).toEqual(encrypted)
    await present(own)
  })

test("somebody between them with a certificate of their own is noticed by the binding, and by nothing else", async () => {
  const port = Number(new URL(server.url).port)
  const between = createServer({ ...selfSigned(), ALPNProtocols: ["postgresql"] }, (client) => {
    const upstream = connectTls({ host: "127.0.0.1", port, ALPNProtocols: ["postgresql"], rejectUnauthorized: false })
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.pipe(to)
      from.on("error", () => to.destroy())
    }
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  between.listen(0, "127.0.0.1", resolve)
  await promise
  const there = (between.address() as AddressInfo).port
  const direct = "sslmode=require&sslnegotiation=direct"
  expect(await attempt(direct, there)).toEqual(encrypted)
  expect(await refusal(`${direct}&channel_binding=require`, there)).toBe("28000")
  between.close()
})

test("without TLS, or with a certificate that names no hash, the binding is refused before the password is used", async () => {
  await present(selfSigned({ kind: "ed25519" }))
  expect(await attempt("sslmode=require")).toEqual(encrypted)
  expect(await refusal("channel_binding=require")).toBe("CHANNEL_BINDING_REFUSED")
  await present(undefined)
  for (const query of ["sslmode=require", "channel_binding=require"]) expect(await refusal(query)).toBe("SSL_REFUSED")
  await present(own)
})
