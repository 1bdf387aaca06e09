// A process of the work alone. One loop serves the handlers, one the webhook. Each loop keeps a cursor in memory, and
// works on this process's share of the list.

import type postgres from "postgres"
import { handlerNames } from "./contestant.ts"
import type { PeerEvent } from "./peer.ts"
import {
  connectPeer,
  insertEffect,
  insertEffects,
  insertOutcome,
  insertOutcomes,
  type PeerSettings,
  post,
  type WebhookOutcome,
  workerSettings,
} from "./peer-work.ts"

const batch = 200
/** Requests in flight per process; SlotBase allows as many to its one webhook. */
const inFlight = 50
const pollMs = 5

export interface BareSettings extends PeerSettings {
  /** The number of this process, from 0. */
  readonly nth: number
  /** How many processes share the list. */
  readonly of: number
}

const settings = workerSettings<BareSettings>()
const sql = connectPeer(settings.connections)
await sql`select 1`
/** Resolves when the last outcomes are written. */
let recorded: Promise<unknown> = Promise.resolve()
console.log("ready")
void follow(handle)
void follow(deliver)

/**
 * Calls `work` with the events of this process's share, in the order of ids, for ever. The next events are read
 * meanwhile.
 */
async function follow(work: (events: readonly PeerEvent[]) => Promise<void>): Promise<void> {
  let last = "00000000-0000-0000-0000-000000000000"
  for (let coming = eventsAfter(last); ; ) {
    const events = await coming
    last = events.at(-1)?.id ?? last
    coming = eventsAfter(last)
    if (events.length > 0) await work(events)
    else await Bun.sleep(pollMs)
  }
}

/** The last byte of an id is random, so the shares are equal. */
async function eventsAfter(last: string): Promise<readonly PeerEvent[]> {
  return sql<PeerEvent[]>`
    select id, event::text as body from slotbase_bench.events
    where id > ${last} and get_byte(uuid_send(id), 15) % ${settings.of}::integer = ${settings.nth}::integer
    order by id limit ${batch}`
}

/** Runs the handlers concurrently, each in a transaction. */
async function handle(events: readonly PeerEvent[]): Promise<void> {
  const effectsOf = (handler: string) => events.map(({ id }) => ({ handler, eventId: id }))
  await Promise.all(
    handlerNames.map((handler) =>
      sql.begin(async (tx) => {
        if (settings.effects === "set") await insertEffects(tx, effectsOf(handler))
        else await Promise.all(effectsOf(handler).map((effect) => insertEffect(tx, effect)))
      }),
    ),
  )
}

/** Sends the requests. The next requests do not wait until these outcomes are written. */
async function deliver(events: readonly PeerEvent[]): Promise<void> {
  const outcomes: WebhookOutcome[] = []
  const waiting = events.values()
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      for (const event of waiting) outcomes.push(await post(event))
    }),
  )
  await recorded
  recorded = sql.begin((tx) => record(tx, outcomes))
}

async function record(tx: postgres.TransactionSql, outcomes: readonly WebhookOutcome[]): Promise<void> {
  if (settings.effects === "set") await insertOutcomes(tx, outcomes)
  else await Promise.all(outcomes.map((outcome) => insertOutcome(tx, outcome)))
}

process.on("SIGTERM", () => process.exit(0))
