// The process of the work alone: one loop for the handlers, one for the webhook, each behind a cursor in memory.

import type postgres from "postgres"
import { handlerNames } from "./contestant.ts"
import type { PeerEvent } from "./peer.ts"
import {
  connectPeer,
  insertEffect,
  insertEffects,
  insertOutcome,
  insertOutcomes,
  type Outcome,
  type PeerSettings,
  post,
  workerSettings,
} from "./peer-work.ts"

const batch = 200
/** Requests in flight, as many as SlotBase's one webhook is allowed. */
const inFlight = 50
const pollMs = 5

const settings = workerSettings<PeerSettings>()
const sql = connectPeer(settings.connections)
await sql`select 1`
console.log("ready")
void follow(handle)
void follow(deliver)

/** Calls `work` with every event, in the order of their ids, for ever. */
async function follow(work: (events: readonly PeerEvent[]) => Promise<void>): Promise<void> {
  let last = "00000000-0000-0000-0000-000000000000"
  for (;;) {
    const events = await sql<PeerEvent[]>`
      select id, event::text as body from slotbase_bench.events where id > ${last} order by id limit ${batch}`
    await work(events)
    last = events.at(-1)?.id ?? last
    if (events.length === 0) await Bun.sleep(pollMs)
  }
}

/** The handlers side by side, a transaction each. */
async function handle(events: readonly PeerEvent[]): Promise<void> {
  if (events.length === 0) return
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

async function deliver(events: readonly PeerEvent[]): Promise<void> {
  const outcomes: Outcome[] = []
  const waiting = events.values()
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      for (const event of waiting) outcomes.push(await post(event))
    }),
  )
  if (outcomes.length > 0) await sql.begin((tx) => record(tx, outcomes))
}

async function record(tx: postgres.TransactionSql, outcomes: readonly Outcome[]): Promise<void> {
  if (settings.effects === "set") await insertOutcomes(tx, outcomes)
  else await Promise.all(outcomes.map((outcome) => insertOutcome(tx, outcome)))
}

process.on("SIGTERM", () => process.exit(0))
