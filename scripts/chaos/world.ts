// The world that faults are inflicted on: the database, the processes, the customers, the receivers, the mail server.

import { type SmtpReceiver, smtpReceiver } from "#test/harness/outside/smtp.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { type Customers, startCustomers } from "./customers.ts"
import { type Database, startDatabase } from "./database.ts"
import { type Integrators, startIntegrators } from "./integrators/integrators.ts"
import { type Processes, startProcesses } from "./processes.ts"
import { bundleProgram } from "./program-bundle.ts"
import { type Receivers, startReceivers } from "./receivers.ts"

export interface World {
  readonly database: Database
  readonly processes: Processes
  readonly customers: Customers
  readonly receivers: Receivers
  readonly integrators: Integrators
  readonly mail: SmtpReceiver
  /** Requests per second of all customers together, unless a fault wants more. */
  readonly pace: number
  /** A number from 0 to 1; the seed decides the sequence. */
  readonly random: () => number
  readonly progress: (line: string) => void
  /**
   * Waits until everything is dispatched, handled, delivered and sent; the customers must pause. Answers the last
   * position of the log at that moment: jobs may record more events at any time.
   */
  readonly settled: () => Promise<number>
  readonly stop: () => Promise<void>
}

export interface WorldOptions {
  readonly servers: number
  readonly actors: number
  readonly pace: number
  readonly seed: number
  /** How long a killed process stays down. */
  readonly restartMs: number
  /** Processes start by the hundred. */
  readonly manyStarts: boolean
  readonly progress: (line: string) => void
}

const settleWithinMs = 90_000
/** For both webhooks. Retries come soon and often, so that no fault outlasts them. */
const retryConfig = { maxRetries: 20, retryDelayMs: 300, backoffMultiplier: 1 }
/** Between two acts of the integrators, on average. */
const actEveryMs = 400
const events = ["booking.confirmed", "booking.cancelled"]

export async function startWorld(options: WorldOptions): Promise<World> {
  const { servers, actors, pace, seed, restartMs, manyStarts, progress } = options
  const ends: (() => Promise<unknown>)[] = []
  let stopped: Promise<void> | undefined
  // An end that fails does not stop the other ends: no process and no database stays behind. A second call waits for
  // the first one. After Ctrl-C the campaign fails at its next query, and must not exit before everything has ended.
  const stop = () => {
    stopped ??= (async () => {
      for (const end of ends.reverse()) await end().catch((error: Error) => progress(error.message))
    })()
    return stopped
  }
  try {
    const random = mulberry32(seed)
    // Side by side, because both take seconds.
    const bundling = bundleProgram({ bytecode: manyStarts })
    ends.push(() => bundling.then(({ remove }) => remove()))
    const database = await startDatabase()
    ends.push(database.stop)
    const receivers = await startReceivers()
    ends.push(receivers.stop)
    const mail = await smtpReceiver()
    ends.push(mail.close)
    const processes = await startProcesses({
      database,
      servers,
      actors,
      smtpUrl: mail.url,
      restartMs,
      program: await bundling,
    })
    ends.push(processes.stop)
    const addresses = processes.of("server").map(({ address }) => address)
    const customers = await startCustomers({ servers: addresses, perSecond: pace, random })
    ends.push(customers.stop)
    for (const url of [receivers.healthyUrl, receivers.faultyUrl]) {
      const made = await customers.ask(`${customers.at}/webhooks`, { name: url, url, events, retryConfig })
      if (made.status !== 201) throw new Error(`no webhook: ${JSON.stringify(made.body)}`)
    }
    const integrators = await startIntegrators({ customers, database, random, everyMs: actEveryMs })
    ends.push(integrators.stop)
    // From here on the webhooks are in force. Deliveries of earlier bookings are not expected.
    return {
      database,
      processes,
      customers,
      receivers,
      integrators,
      mail,
      pace,
      random,
      progress,
      settled: () => eventually(() => nothingLeft(database), { withinMs: settleWithinMs }),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Answers the last position of the log when nothing was left. */
async function nothingLeft({ db }: Database): Promise<number> {
  const [left] = await db<[Left & { head: number }]>`
    select (select count(*) from slotbase.outbox) as outbox,
           (select count(*) from slotbase.unfinished_runs) as runs,
           (select count(*) from slotbase.delivery_queue) as deliveries,
           (select count(*) from slotbase.message_backlog) as backlog,
           (select count(*) from slotbase.message_queue) as messages,
           (select coalesce(max(position), 0) from slotbase.event_positions) as head`
  const { head, ...counts } = left
  const { messages, ...others } = counts
  if (messages > 0 && sum(others) === 0) await hurryMessages(db)
  if (sum(counts) > 0) throw new Error(`left: ${JSON.stringify(counts)}`)
  return head
}

type Left = Readonly<Record<"outbox" | "runs" | "deliveries" | "backlog" | "messages", number>>

const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((all, each) => all + each, 0)

/** A message whose outcome is unknown waits a minute and longer. The campaign does not: its time has come. */
async function hurryMessages(db: Database["db"]): Promise<void> {
  await db`update slotbase.mail_service set held_until = slotbase.now() where held_until > slotbase.now()`
  await db`update slotbase.message_queue set due_at = slotbase.now() where due_at > slotbase.now()`
}

/** Tommy Ettinger's mulberry32, a small generator of random numbers: the same seed gives the same sequence. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
