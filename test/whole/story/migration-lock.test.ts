/** A start while another process migrates: the process listens, lives, says what it waits for, and then goes on. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { connect, type Db } from "#base/database/db.ts"
import { emptyDatabase, type TestDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { freePort, rootKey, spawnSystem } from "#test/harness/setup/system.ts"

let database: TestDatabase
let other: Db
beforeAll(async () => {
  database = await emptyDatabase()
  other = connect(database.url, { applicationName: "another migrator", transactionDeadlineMs: 120_000 })
})
afterAll(async () => {
  await other.end()
  await database.drop()
})

const waits = "The process is starting: it waits for another process that migrates the database."

/** Holds the lock of the migrations until it is released. */
async function holdLock(): Promise<() => Promise<unknown>> {
  const [held, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const holding = other.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(7264301)`
    held.resolve()
    await release.promise
  })
  await held.promise
  return () => {
    release.resolve()
    return holding
  }
}

test(
  "SIGTERM ends a start that waits, at once",
  async () => {
    const release = await holdLock()
    const system = spawnSystem({ url: database.url, env: { PORT: String(await freePort()) } })
    await eventually(() => expect(system.output()).toContain("waiting for the migrations of another process"), {
      withinMs: 60_000,
    })
    expect(await system.end("SIGTERM")).toBe(0)
    await release()
  },
  { timeout: 90_000 },
)

test(
  "it lives, refuses work with Retry-After, and goes on as soon as the other is done",
  async () => {
    const release = await holdLock()
    const port = await freePort()
    const system = spawnSystem({ url: database.url, role: "server", env: { PORT: String(port) } })
    const ask = (path: string) =>
      fetch(`http://127.0.0.1:${port}${path}`, { headers: { authorization: `Bearer ${rootKey}` } })
    await eventually(
      async () => expect(((await (await ask("/readyz")).json()) as { reasons: string[] }).reasons).toEqual([waits]),
      {
        withinMs: 60_000,
      },
    )
    expect((await ask("/healthz")).status).toBe(200)
    for (const path of ["/v1/me", "/v1/organizations", "/f/x", "/v1/live", "/metrics"]) {
      const answer = await ask(path)
      expect([path, answer.status, answer.headers.get("retry-after")]).toEqual([path, 503, "2"])
      expect(await answer.json()).toMatchObject({
        code: "starting",
        detail: `${waits} Nothing of the request was carried out.`,
      })
    }
    await release()
    await eventually(async () => expect((await ask("/readyz")).status).toBe(200), { withinMs: 60_000 })
    expect((await ask("/v1/me")).status).toBe(200)
    expect(await system.end()).toBe(0)
  },
  { timeout: 150_000 },
)
