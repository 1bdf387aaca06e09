// The PostgreSQL that the tests run on. `scripts/test` names it in SLOTBASE_TEST_DATABASE_URL. A test file that runs
// alone joins the server of this checkout, and starts its keeper (keeper.ts) when none runs.

import { openSync } from "node:fs"
import { mkdir } from "node:fs/promises"
import { tmpdir, userInfo } from "node:os"
import { join } from "node:path"
import postgres from "postgres"
import { embeddedUrl } from "#base/database/embedded/start.ts"

const project = join(import.meta.dir, "../../..")
const startWithinMs = 60_000
const pollMs = 20

/** Outside of the checkout: when the tests run as root, the server's own user may not be able to enter the checkout. */
const testDataDir = () => join(tmpdir(), `slotbase-test-${userInfo().uid}-${Bun.hash(project).toString(36)}`)

/** A running server's connection string; `keeper` is the process id of its keeper when this call started it. */
export async function testServer(): Promise<{ url: string; keeper?: number }> {
  const given = process.env.SLOTBASE_TEST_DATABASE_URL
  if (given !== undefined && given !== "") return { url: given }

  const running = await answering()
  if (running !== undefined) return { url: running }

  const dataDir = testDataDir()
  await mkdir(dataDir, { recursive: true })
  const logFile = join(dataDir, "keeper.log")
  const log = openSync(logFile, "a")
  const keeper = Bun.spawn([process.execPath, join(import.meta.dir, "keeper.ts"), dataDir], {
    cwd: project,
    detached: true,
    stdio: ["ignore", log, log],
  })
  keeper.unref()
  const deadline = Date.now() + startWithinMs
  while (Date.now() < deadline) {
    const url = await answering()
    if (url !== undefined) return keeper.exitCode === null ? { url, keeper: keeper.pid } : { url }
    // A keeper that ends has lost a race against another keeper, whose server will answer, or has failed for good.
    if (keeper.exitCode !== null && keeper.exitCode !== 0 && (await embeddedUrl(dataDir)) === undefined) {
      if (keeper.exitCode !== 3) break
    }
    await Bun.sleep(pollMs)
  }
  throw new Error(`the test database did not start; see ${logFile}`)
}

async function answering(): Promise<string | undefined> {
  const url = await embeddedUrl(testDataDir())
  if (url === undefined) return undefined
  const sql = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => {} })
  try {
    await sql`select 1`
    return url
  } catch {
    return undefined
  } finally {
    await sql.end({ timeout: 1 })
  }
}
