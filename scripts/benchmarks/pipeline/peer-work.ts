// The work of the peers' processes: a handler's effect, and a signed webhook request whose outcome is recorded. Rows
// are inserted one by one, or gathered: rows of many concurrent jobs go into one statement. A row waits at most for the
// statement before.

import postgres from "postgres"
import { signatureOf } from "#outbound/webhooks/signature.ts"
import { eventType, type PeerEvent } from "./peer.ts"

export interface Effect {
  readonly handler: string
  readonly eventId: string
}

export interface WebhookOutcome {
  readonly eventId: string
  readonly status: number
  readonly durationMs: number
}

/** The settings of a peer's process, passed to it as JSON. */
export interface PeerSettings {
  readonly effects: "each" | "set"
  /** Connections for effects and outcomes. */
  readonly connections: number
}

export const workerSettings = <T extends PeerSettings>(): T => JSON.parse(process.argv[2] ?? "{}") as T
export const databaseUrl = () => process.env.DATABASE_URL ?? ""

export const connectPeer = (connections: number): postgres.Sql =>
  postgres(databaseUrl(), { max: connections, onnotice: () => {}, connection: { application_name: "peer" } })

export type Target = postgres.Sql | postgres.TransactionSql

export const insertEffect = (sql: Target, { handler, eventId }: Effect) => sql`
  insert into slotbase_bench.effects (handler, event_id) values (${handler}, ${eventId})`

export const insertEffects = (sql: Target, effects: readonly Effect[]) => sql`
  insert into slotbase_bench.effects (handler, event_id)
  select * from unnest(${effects.map((each) => each.handler)}::text[], ${effects.map((each) => each.eventId)}::uuid[])`

export const insertOutcome = (sql: Target, { eventId, status, durationMs }: WebhookOutcome) => sql`
  insert into slotbase_bench.deliveries (event_id, status, duration_ms) values (${eventId}, ${status}, ${durationMs})`

export const insertOutcomes = (sql: Target, outcomes: readonly WebhookOutcome[]) => sql`
  insert into slotbase_bench.deliveries (event_id, status, duration_ms)
  select * from unnest(${outcomes.map((each) => each.eventId)}::uuid[], ${outcomes.map((each) => each.status)}::int[],
                       ${outcomes.map((each) => each.durationMs)}::real[])`

/** Signs and sends a request. Throws unless the answer is a 2xx, so that the job is retried. */
export async function post({ id, body }: PeerEvent): Promise<WebhookOutcome> {
  const startedAt = performance.now()
  const timestamp = Math.floor(Date.now() / 1000)
  const response = await fetch(process.env.HOOK_URL ?? "", {
    method: "POST",
    body,
    headers: {
      "Content-Type": "application/json",
      "X-SlotBase-Event": eventType,
      "X-SlotBase-Event-ID": id,
      "X-SlotBase-Timestamp": String(timestamp),
      "X-SlotBase-Signature": signatureOf(body, process.env.HOOK_SECRET ?? "", timestamp),
    },
  })
  await response.arrayBuffer()
  if (!response.ok) throw new Error(`the receiver answered ${response.status}`)
  return { eventId: id, status: response.status, durationMs: performance.now() - startedAt }
}

/** The handlers and the deliverer for a library that runs jobs one by one. */
export function jobWork(sql: postgres.Sql, how: PeerSettings["effects"]) {
  const effect =
    how === "each"
      ? (each: Effect) => insertEffect(sql, each)
      : gathering((all: readonly Effect[]) => insertEffects(sql, all))
  const outcome =
    how === "each"
      ? (each: WebhookOutcome) => insertOutcome(sql, each)
      : gathering((all: readonly WebhookOutcome[]) => insertOutcomes(sql, all))
  return {
    handle: async (each: Effect): Promise<void> => void (await effect(each)),
    deliver: async (event: PeerEvent): Promise<void> => void (await outcome(await post(event))),
  }
}

/** Calls of one tick, and calls during a statement, share the next statement. */
function gathering<T>(insert: (all: readonly T[]) => Promise<unknown>): (one: T) => Promise<unknown> {
  let waiting: T[] = []
  let next: Promise<unknown> | undefined
  let current: Promise<unknown> = Promise.resolve()
  return (one) => {
    waiting.push(one)
    // A statement that fails rejects only its own calls.
    next ??= current = current
      .catch(() => {})
      .then(() => {
        const all = waiting
        waiting = []
        next = undefined
        return insert(all)
      })
    return next
  }
}
