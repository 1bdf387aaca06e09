// What a run of the messages benchmark needs: a PostgreSQL, an SMTP server in a process of its own, people of two clubs,
// and events that tell them. It comes from this checkout or from an earlier one.

import { join } from "node:path"
import type { Bench } from "#scripts/benchmarks/measure.ts"
import { startBench } from "#scripts/benchmarks/measure.ts"
import { start } from "#scripts/benchmarks/pipeline/processes.ts"

/** Each event of a booking tells its booker and one participant by mail. */
export const mailsPerEvent = 2

export interface Scene {
  readonly bench: Bench
  /** Records this many bookings of a club in one transaction. */
  readonly confirm: (club: "large" | "small", count: number) => Promise<void>
  /** How many mails the server has. */
  readonly mails: () => Promise<number>
  /** When the first mail to this address arrived, milliseconds since 1970. */
  readonly firstAt: (address: string) => Promise<number | null>
  readonly startWorker: () => Promise<{
    readonly pid: number
    readonly complaints: () => string
    stop(): Promise<void>
  }>
  readonly stop: () => Promise<void>
}

/** The address of the booker in the small club. */
export const neighbour = "neighbour@small.example"

/** @param folder the checkout */
export async function openScene(folder: string): Promise<Scene> {
  await using open = new AsyncDisposableStack()
  // biome-ignore lint/suspicious/noExplicitAny: an earlier checkout has other types
  const load = (path: string): Promise<any> => import(join(folder, path))
  const bench = await startBench()
  open.defer(bench.stop)
  const sink = await start({ file: join(import.meta.dir, "sink.ts"), args: [] })
  open.defer(sink.stop)
  const { smtp, http } = JSON.parse(sink.line) as { smtp: string; http: string }
  const ask = async (to = "") =>
    (await (await fetch(`${http}/?to=${encodeURIComponent(to)}`)).json()) as { mails: number; firstAt: number | null }
  const [{ connect }, { migrate }, { connectHints }, outbox, { newId }, factories, pipeline] = await Promise.all([
    load("src/base/database/db.ts"),
    load("src/base/database/migrate.ts"),
    load("src/base/hints.ts"),
    load("src/events/outbox.ts"),
    load("src/base/ids.ts"),
    load("test/harness/club/factories.ts"),
    load("test/harness/pipeline/pipeline.ts"),
  ])
  await migrate(bench.url)
  const db = connect(bench.url, { max: 2, applicationName: "slotbase bench recorder" })
  open.defer(() => db.end())
  open.defer(await connectHints(db))
  const clubs = {
    large: await aClub(factories, db, "large"),
    small: await aClub(factories, db, "small"),
  }
  // The subscription begins with the first start of the handlers: only later events have runs.
  const worker = { file: join(import.meta.dir, "worker.ts"), args: [folder] }
  const startWorker = () => start({ ...worker, env: { DATABASE_URL: bench.url, BENCH_SMTP_URL: smtp } })
  await (await startWorker()).stop()
  const moved = open.move()
  return {
    bench,
    confirm: async (club, count) => {
      const { id, people } = clubs[club]
      await outbox.transact(db, pipeline.context, async (tx: unknown) => {
        for (let nth = 0; nth < count; nth++) {
          const [booker, guest] = [people[nth % people.length], people[(nth + 1) % people.length]]
          const participants = [{ userId: guest, name: "Noah Brandt", role: "player" }]
          const data = { bookingId: newId(), facilityId: id, bookerId: booker, participants }
          outbox.record(tx, pipeline.sample("booking.confirmed", data, id))
        }
      })
    },
    mails: async () => (await ask()).mails,
    firstAt: async (address) => (await ask(address)).firstAt,
    startWorker,
    stop: () => moved.disposeAsync(),
  }
}

const peopleOfAClub = 100

// biome-ignore lint/suspicious/noExplicitAny: an earlier checkout has other types
async function aClub(factories: any, db: unknown, name: "large" | "small") {
  const { id } = await factories.aFacility(db)
  const people: string[] = []
  for (let nth = 0; nth < peopleOfAClub; nth++) {
    const email = name === "small" && nth === 0 ? neighbour : `person${nth}@${name}.example`
    people.push((await factories.aPerson(db, { email })).id)
  }
  return { id, people }
}
