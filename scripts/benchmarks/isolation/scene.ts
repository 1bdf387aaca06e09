// The scene of the rounds: a database, the receivers, the healthy facilities, the others that might disturb them, and
// an actor process. All webhooks but the healthy ones are switched off.

import { connect, type Db } from "#base/database/db.ts"
import { migrate } from "#base/database/migrate.ts"
import { connectHints } from "#base/hints.ts"
import { startBench } from "#scripts/benchmarks/measure.ts"
import { owned } from "#scripts/benchmarks/running.ts"
import { makeBacklog, makeFacility, makeWebhook, type Webhook } from "./club.ts"
import { type Arrival, type RoundContext, webhooksPerFacility } from "./rounds.ts"

const facilities = 33
const busyWebhooks = 100
/** Events are recorded at a fixed rate, and webhooks are switched together. */
const connections = 20

export interface Scene extends RoundContext, AsyncDisposable {
  readonly sick: { readonly blackHole: Webhook; readonly slow: Webhook; readonly resetting: Webhook }
  /** The webhooks of the busy facility. */
  readonly busy: readonly Webhook[]
}

export interface Wanted {
  /** Deliveries in the queues of the black hole and of the receiver that resets; the slow one has a tenth. */
  readonly backlog: number
  /** How long the actors wait for an answer, milliseconds; undefined: their default. */
  readonly timeoutMs: number | undefined
  /** How long the slow receiver takes, milliseconds. */
  readonly slowMs: number
}

export async function setScene(wanted: Wanted, progress: (line: string) => void): Promise<Scene> {
  await using open = new AsyncDisposableStack()
  const bench = await startBench({ track_commit_timestamp: "on" })
  open.defer(bench.stop)
  await migrate(bench.url)
  const db = connect(bench.url, { max: connections, applicationName: "slotbase bench load" })
  open.defer(() => db.end())
  open.defer(await connectHints(db))

  const endpoints = await startFile(open, "endpoints.ts", [String(wanted.slowMs)], {})
  const ports = JSON.parse(endpoints.line) as { http: number; blackHole: number; resetting: number }
  const at = (port: number, path: string) => `http://127.0.0.1:${port}${path}`
  const healthy: string[] = []
  for (let n = 0; n < facilities; n++) {
    const facility = await makeFacility(db)
    healthy.push(facility)
    for (let m = 0; m < webhooksPerFacility; m++) await makeWebhook(db, facility, at(ports.http, `/healthy/${n}-${m}`))
  }
  progress(`queueing ${wanted.backlog} deliveries each for the black hole and the receiver that resets`)
  const sick = {
    blackHole: await makeSick(db, at(ports.blackHole, "/"), wanted.backlog),
    slow: await makeSick(db, at(ports.http, "/slow"), wanted.backlog / 10),
    resetting: await makeSick(db, at(ports.resetting, "/"), wanted.backlog),
  }
  const busyFacility = await makeFacility(db)
  const busy: Webhook[] = []
  while (busy.length < busyWebhooks)
    busy.push(await makeWebhook(db, busyFacility, at(ports.http, `/busy/${busy.length}`), false))

  const timeout = wanted.timeoutMs === undefined ? [] : [String(wanted.timeoutMs)]
  const worker = await startFile(open, "worker.ts", timeout, { DATABASE_URL: bench.url })
  const received = async () => (await (await fetch(at(ports.http, "/received"))).json()) as readonly Arrival[]
  const all = open.move()
  return {
    bench,
    db,
    healthy,
    received,
    worker: worker.pid,
    sick,
    busy,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

async function makeSick(db: Db, url: string, backlog: number): Promise<Webhook> {
  const facility = await makeFacility(db)
  const webhook = await makeWebhook(db, facility, url, false)
  await makeBacklog(db, facility, backlog)
  return webhook
}

/** Starts a file of this folder; answers its pid and the first line that it prints. */
async function startFile(open: AsyncDisposableStack, file: string, args: string[], env: Record<string, string>) {
  const child = owned(
    Bun.spawn([process.execPath, `${import.meta.dir}/${file}`, ...args], {
      env: { ...process.env, ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    }),
  )
  open.defer(async () => {
    child.kill()
    await child.exited
  })
  const { value } = await child.stdout.getReader().read()
  return { pid: child.pid, line: new TextDecoder().decode(value).trim() }
}
