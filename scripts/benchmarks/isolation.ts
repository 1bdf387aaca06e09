// What sick receivers cost the healthy ones: 99 healthy endpoints at a steady rate, alone and beside a black hole with a long
// queue, one that answers after ten seconds, one that resets its connections, and all three. The rounds alternate in one run:
// a ratio compares neighbours, and what is told is the median of the ratios, since two rounds without any sick receiver may
// differ by more than the target allows. From the server's own commit timestamp to the first byte at the receiver.

import { connect, type Db } from "../../src/database/db.ts"
import { migrate } from "../../src/database/migrate.ts"
import { connectHints } from "../../src/hints.ts"
import { makeBacklog, makeFacility, makeWebhook, recordEvent, switchWebhook, type Webhook } from "./isolation/club.ts"
import type { Figure, Part } from "./main.ts"
import { type Bench, meter, percentile, round, startBench } from "./measure.ts"

const facilities = 33
const webhooksPerFacility = 3
const eventsPerSecond = 100
/** Left out at the beginning of each round, milliseconds: what was switched on or off has its effect. */
const settlingMs = 500
/** What is still on its way at the end of a round. */
const lastMs = 1_000

export const isolation: Part = {
  name: "isolation",
  description:
    "99 healthy webhooks beside a black hole, a slow and a resetting one: commit → webhook byte of the healthy",
  run: async ({ short, progress }) => {
    const backlog = short ? 10_000 : 100_000
    const [repetitions, roundMs] = short ? [1, 2_000] : [7, 6_000]
    const bench = await startBench({ track_commit_timestamp: "on" })
    await migrate(bench.url)
    const db = connect(bench.url, { max: 20, applicationName: "slotbase bench load" })
    const endpoints = Bun.spawn([process.execPath, `${import.meta.dir}/isolation/endpoints.ts`], { stdout: "pipe" })
    const ports = JSON.parse(await firstLine(endpoints.stdout)) as {
      http: number
      blackHole: number
      resetting: number
    }
    const at = (port: number, path: string) => `http://127.0.0.1:${port}${path}`
    let worker: Bun.Subprocess<"ignore", "pipe", "inherit"> | undefined
    const stopHints = await connectHints(db)
    try {
      const healthy: string[] = []
      for (let n = 0; n < facilities; n++) {
        const facility = await makeFacility(db)
        healthy.push(facility)
        for (let m = 0; m < webhooksPerFacility; m++)
          await makeWebhook(db, facility, at(ports.http, `/healthy/${n}-${m}`))
      }
      progress(`queueing ${backlog} deliveries for the black hole`)
      const blackHole = await makeSick(db, at(ports.blackHole, "/"), backlog)
      const slow = await makeSick(db, at(ports.http, "/slow"), backlog / 10)
      const resetting = await makeSick(db, at(ports.resetting, "/"), backlog / 10)
      const cases: readonly [string, readonly Webhook[]][] = [
        ["a black hole", [blackHole]],
        ["one that answers in 10 s", [slow]],
        ["one that resets", [resetting]],
        ["all three", [blackHole, slow, resetting]],
      ]

      worker = Bun.spawn([process.execPath, `${import.meta.dir}/isolation/worker.ts`], {
        stdout: "pipe",
        stderr: "inherit",
        env: { ...process.env, DATABASE_URL: bench.url },
      })
      await firstLine(worker.stdout)
      const received = () => fetch(at(ports.http, "/received")).then((answer) => answer.json() as Promise<Noted>)
      const load = { bench, db, healthy, received, roundMs, worker: worker.pid }
      await measureRound(load) // warms up

      const rounds = cases.map(() => ({ alone: [] as Round[], beside: [] as Round[] }))
      for (let n = 0; n < repetitions; n++) {
        for (const [index, [name, sick]] of cases.entries()) {
          rounds[index]?.alone.push(await measureRound(load))
          await switchAll(db, sick, true)
          rounds[index]?.beside.push(await measureRound(load))
          await switchAll(db, sick, false)
          progress(`${n + 1} of ${repetitions}: beside ${name}`)
        }
      }
      return cases.flatMap(([name], index) => figuresOf(name, rounds[index] ?? { alone: [], beside: [] }))
    } finally {
      worker?.kill()
      await worker?.exited
      endpoints.kill()
      await stopHints()
      await db.end()
      await bench.stop()
    }
  },
}

async function makeSick(db: Db, url: string, backlog: number): Promise<Webhook> {
  const facility = await makeFacility(db)
  const webhook = await makeWebhook(db, facility, url, false)
  await makeBacklog(db, facility, backlog)
  return webhook
}

async function switchAll(db: Db, webhooks: readonly Webhook[], isActive: boolean): Promise<void> {
  for (const webhook of webhooks) await switchWebhook(db, webhook, isActive)
}

type Noted = readonly [eventId: string, atMs: number][]

interface Load {
  readonly bench: Bench
  readonly db: Db
  /** Facilities whose webhooks are all healthy. */
  readonly healthy: readonly string[]
  readonly received: () => Promise<Noted>
  readonly roundMs: number
  /** Process id of the actors. */
  readonly worker: number
}

interface Round {
  /** Of each delivery to a healthy webhook, from its commit to its first byte, milliseconds. */
  readonly waits: readonly number[]
  /** Of the actors' process and of PostgreSQL, the recording of the events included; seconds. */
  readonly cpuSeconds: number
}

/** Records events at the steady rate, and waits for the deliveries of the healthy. */
async function measureRound({ bench, db, healthy, received, roundMs, worker }: Load): Promise<Round> {
  await received()
  const read = await meter(bench, [worker])
  const measured = new Set<string>()
  const recording: Promise<void>[] = []
  const startedAt = performance.now()
  for (let n = 0; n < (roundMs / 1000) * eventsPerSecond; n++) {
    const dueAt = startedAt + (n * 1000) / eventsPerSecond
    if (dueAt > performance.now()) await Bun.sleep(dueAt - performance.now())
    const facility = healthy[n % healthy.length] ?? ""
    const counts = dueAt - startedAt >= settlingMs
    recording.push(recordEvent(db, facility).then((id) => void (counts && measured.add(id))))
  }
  await Promise.all(recording)
  const noted: (readonly [string, number])[] = []
  const until = performance.now() + lastMs
  const complete = () => noted.filter(([id]) => measured.has(id)).length === measured.size * webhooksPerFacility
  do {
    await Bun.sleep(50)
    noted.push(...(await received()))
  } while (!complete() && performance.now() < until)
  const cost = await read()
  const rows = await bench.sql<{ id: string; committed: number }[]>`
    select id, (extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000)::float8 as committed from slotbase.events
    where id = any (${[...measured]}::uuid[])`
  const committed = new Map(rows.map((row) => [row.id, row.committed]))
  const arrived = Map.groupBy(noted, ([id]) => id)
  // What has not come by now has taken at least so long.
  const late = performance.timeOrigin + performance.now()
  const waits = [...measured].flatMap((id) =>
    Array.from(
      { length: webhooksPerFacility },
      (_, n) => (arrived.get(id)?.[n]?.[1] ?? late) - (committed.get(id) ?? 0),
    ),
  )
  return { waits, cpuSeconds: (cost.programCpuSeconds ?? 0) + (cost.postgresCpuSeconds ?? 0) }
}

function figuresOf(name: string, { alone, beside }: { alone: Round[]; beside: Round[] }): readonly Figure[] {
  const of = (rounds: readonly Round[]) => ({
    p50Ms: quantile(rounds, 0.5),
    p99Ms: quantile(rounds, 0.99),
    n: rounds.flatMap(({ waits }) => waits).length,
    cpuSeconds: round(rounds.reduce((sum, each) => sum + each.cpuSeconds, 0)),
  })
  /** The median of what each round beside the sick took, to the round alone that went before it. */
  const ratio = (fraction: number) => {
    const ratios = beside.map((each, n) => quantile([each], fraction) / quantile(alone.slice(n, n + 1), fraction))
    return round(
      percentile(
        ratios.sort((a, b) => a - b),
        0.5,
      ),
    )
  }
  return [
    { name: `alone, before "${name}"`, ...of(alone) },
    { name: `beside ${name}`, ...of(beside), p50Ratio: ratio(0.5), p99Ratio: ratio(0.99) },
  ]
}

/** Of all deliveries of the rounds, milliseconds. */
function quantile(rounds: readonly Round[], fraction: number): number {
  return percentile(
    rounds.flatMap(({ waits }) => waits).sort((a, b) => a - b),
    fraction,
  )
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  const { value } = await stream.getReader().read()
  return new TextDecoder().decode(value).trim()
}
