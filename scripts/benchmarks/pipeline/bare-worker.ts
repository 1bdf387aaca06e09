// A process of the work alone: one loop for the handlers, one for the webhook, each behind a cursor in memory, on its share of
// the list.

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
/** Requests in flight, in each process as many as SlotBase allows its one webhook. */
const inFlight = 50
const pollMs = 5

export interface BareSettings extends PeerSettings {
  /** Of so many processes this is the one with that number, from 0. */
  readonly nth: number
  readonly of: number
}

const settings = workerSettings<BareSettings>()
const sql = connectPeer(settings.connections)
await sql`select 1`
/** The last outcomes that were written, or are just being written. */
let recorded: Promise<unknown> = Promise.resolve()
console.log("ready")
void follow(handle)
void follow(deliver)

/** Calls `work` with every event of this process's share, in the order of their ids, for ever; reads ahead meanwhile. */
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

/** The last byte of an id is random: every process has as many of them. */
async function eventsAfter(last: string): Promise<readonly PeerEvent[]> {
  return sql<PeerEvent[]>`
    select id, event::text as body from slotbase_bench.events
    where id > ${last} and get_byte(uuid_send(id), 15) % ${settings.of}::integer = ${settings.nth}::integer
    order by id limit ${batch}`
}

/** The handlers side by side, a transaction each. */
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

/** The next requests do not wait for the outcomes of those before to be written. */
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
