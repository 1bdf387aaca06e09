// A small process that owns the tests' PostgreSQL, so that any number of test runs can share it and none has to stop
// it. It stops the server after a while without connections. After SIGTERM it stops the server at the first such
// moment.

import postgres from "postgres"
import { startEmbedded } from "#base/database/embedded/start.ts"
import { EmbeddedUnavailable } from "#base/database/embedded/unavailable.ts"
import { dropLeftovers } from "./leftovers.ts"

const idleMs = 60_000
const checkEveryMs = 500
/** Tells testServer that another keeper was quicker. */
const lostTheRace = 3

const dataDir = process.argv[2]
if (dataDir === undefined) throw new Error("usage: bun test/harness/setup/keeper.ts <data directory>")

const server = await startEmbedded({
  dataDir,
  log: console.log,
  // These databases need not survive a power cut; a crash of the server alone loses nothing.
  settings: {
    fsync: "off",
    synchronous_commit: "off",
    full_page_writes: "off",
    track_commit_timestamp: "on",
    max_connections: "300",
  },
}).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exit(error instanceof EmbeddedUnavailable && error.reason === "already_running" ? lostTheRace : 1)
})
await dropLeftovers(server.url)

let wanted = true
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => (wanted = false))

const sql = postgres(server.url, { max: 1, onnotice: () => {} })
let lastUsed = Date.now()
while (Date.now() - lastUsed < (wanted ? idleMs : 1)) {
  await Bun.sleep(checkEveryMs)
  const [others] = await sql<[{ count: number }]>`
    select count(*)::int as count from pg_stat_activity
    where backend_type = 'client backend' and pid <> pg_backend_pid()`
  if (others.count > 0) lastUsed = Date.now()
}
await sql.end()
await server.stop()
