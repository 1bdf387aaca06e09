// From events to mails that a local SMTP server has taken. It is the whole way through dispatch, NotificationHandler
// and the sender, with the texts and the rows that it makes. Each event makes two mails, and one message that is
// skipped. The server runs in a process of its own, whose CPU does not count. Afterwards all messages are counted: none
// may be missing, none may come twice.
//
// - messages a second, and the CPU of the program and of PostgreSQL for each, while a backlog of one club is drained.
// - neighbourMs: 10,000 messages of one club are on their way, and another club has its first. It is the time from the
//   commit of that event to its mail.
//
// With SLOTBASE_BENCH_BEFORE=<folder of an earlier checkout>, that program and this one take turns.

import { join } from "node:path"
import { median, round } from "#scripts/statistics.ts"
import type { Figure } from "./figure.ts"
import { type Cost, meter } from "./measure.ts"
import { mailsPerEvent, neighbour, openScene, type Scene } from "./messages/scene.ts"
import type { Part } from "./part.ts"

const long = { events: 5_000, rounds: 3, crowd: 5_000 }
const brief = { events: 100, rounds: 1, crowd: 200 }
const givesUpAfterMs = 600_000
const here = join(import.meta.dir, "../..")

interface Drained {
  readonly perSecond: number
  readonly programMs: number
  readonly postgresMs: number
  readonly walBytes: number
}

export const messages: Part = {
  name: "messages",
  description: "events to mails at a local SMTP server, and another club's first mail behind 10,000 messages",
  run: async ({ short, progress }) => {
    const { events, rounds, crowd } = short ? brief : long
    const before = process.env.SLOTBASE_BENCH_BEFORE
    const programs = [
      ...(before === undefined ? [] : [{ name: "before", folder: before }]),
      { name: "slotbase", folder: here },
    ]
    const drained = new Map<string, Drained[]>(programs.map(({ name }) => [name, []]))
    const waited = new Map<string, number>()
    for (let turn = 0; turn < rounds; turn++)
      for (const { name, folder } of programs) {
        const outcome = await within(folder, (scene) => drain(scene, events))
        drained.get(name)?.push(outcome)
        progress(`${turn + 1}/${rounds} ${name}: ${Math.round(outcome.perSecond)} messages/s`)
      }
    for (const { name, folder } of programs) {
      waited.set(name, await within(folder, (scene) => behindCrowd(scene, crowd)))
      progress(`${name}: the neighbour's first mail after ${Math.round(waited.get(name) ?? 0)} ms`)
    }
    return programs.map(({ name }) => figureOf(name, drained.get(name) ?? [], waited.get(name), crowd * mailsPerEvent))
  },
}

async function within<T>(folder: string, use: (scene: Scene) => Promise<T>): Promise<T> {
  const scene = await openScene(folder)
  try {
    return await use(scene)
  } finally {
    await scene.stop()
  }
}

async function drain(scene: Scene, events: number): Promise<Drained> {
  for (let left = events; left > 0; left -= 100) await scene.confirm("large", Math.min(100, left))
  await scene.bench.sql`vacuum (analyze)`
  const worker = await scene.startWorker()
  try {
    const read = await meter(scene.bench, [worker.pid])
    const startedAt = performance.now()
    const wanted = events * mailsPerEvent
    await until(async () => (await scene.mails()) >= wanted && (await unsent(scene)) === 0, worker.complaints)
    const seconds = (performance.now() - startedAt) / 1_000
    const cost = await read()
    if ((await scene.mails()) !== wanted) throw new Error(`${await scene.mails()} mails of ${wanted} messages`)
    return drainedOf(cost, wanted, seconds)
  } finally {
    await worker.stop()
  }
}

const drainedOf = (cost: Cost, mails: number, seconds: number): Drained => ({
  perSecond: mails / seconds,
  programMs: ((cost.programCpuSeconds ?? Number.NaN) / mails) * 1_000,
  postgresMs: ((cost.postgresCpuSeconds ?? Number.NaN) / mails) * 1_000,
  walBytes: cost.walBytes / mails,
})

/** The time from the commit of another club's event to its mail, while the mails of a crowd are sent. */
async function behindCrowd(scene: Scene, events: number): Promise<number> {
  for (let left = events; left > 0; left -= 100) await scene.confirm("large", Math.min(100, left))
  const worker = await scene.startWorker()
  try {
    await until(async () => (await scene.mails()) > 0, worker.complaints)
    await scene.confirm("small", 1)
    const committedAt = performance.timeOrigin + performance.now()
    let firstAt: number | null = null
    await until(async () => {
      firstAt = await scene.firstAt(neighbour)
      return firstAt !== null
    }, worker.complaints)
    return (firstAt ?? Number.NaN) - committedAt
  } finally {
    await worker.stop()
  }
}

async function unsent({ bench }: Scene): Promise<number> {
  const [row] = await bench.sql<{ count: number }[]>`
    select count(*) from slotbase.notifications where status not in ('sent', 'skipped')`
  return row?.count ?? 0
}

async function until(done: () => Promise<boolean>, complaints: () => string): Promise<void> {
  const startedAt = performance.now()
  while (!(await done())) {
    if (performance.now() - startedAt > givesUpAfterMs)
      throw new Error(`no end after ${givesUpAfterMs} ms\n${complaints()}`)
    await Bun.sleep(20)
  }
}

function figureOf(name: string, rounds: readonly Drained[], waitedMs: number | undefined, crowd: number): Figure {
  const middle = (of: (each: Drained) => number) => median(rounds.map(of))
  return {
    name,
    messagesPerSecond: Math.round(middle((each) => each.perSecond)),
    cpuMsProgram: round(middle((each) => each.programMs)),
    cpuMsPostgres: round(middle((each) => each.postgresMs)),
    walBytes: Math.round(middle((each) => each.walBytes)),
    crowd,
    neighbourMs: Math.round(waitedMs ?? Number.NaN),
  }
}
