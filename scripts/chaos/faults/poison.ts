// Poisonous events: each kills every process that handles or sends it. Each must become a dead letter after a limited
// number of deaths. Other events handled beside it must not lose an attempt. When the cause is gone, the event is put
// back to work, and succeeds.

import type { CrashPoint } from "#base/crash-points.ts"
import { type Fault, type Inflicted, within } from "#scripts/chaos/fault.ts"
import { caughtUp } from "#scripts/chaos/recovery.ts"
import type { World } from "#scripts/chaos/world.ts"
import { openLetters, reprocess } from "./dead-letters.ts"
import { whileDispatchIsHeld } from "./held-dispatch.ts"

/**
 * Limit until the event is a dead letter. Its runs cost two deaths in a batch and then some in quarantine: four of each
 * handler with three retries. Five handlers have the event of a booking, and each of them dies. A death takes 2 to 3 s.
 */
const deadWithinMs = 90_000

interface Poison {
  readonly point: CrashPoint
  /** Whose run kills; null: the deliveries. */
  readonly handler: string | null
  /** The kind of the poisonous event. */
  readonly type?: "booking.confirmed" | "booking.cancelled"
}

const poison = (name: string, sentence: string, how: Poison, short?: true): Fault => ({
  name,
  sentence,
  alone: true,
  ...(short && { short }),
  inflict: (world) => inflict(world, how),
})

export const poisonFaults: readonly Fault[] = [
  poison(
    "poison-run",
    "An event kills every process that begins to handle it in a transaction.",
    { point: "effect-begun", handler: "AnalyticsHandler" },
    true,
  ),
  poison("poison-outside", "An event kills every process whose external handler begins with it.", {
    point: "outside-begun",
    handler: "RefundHandler",
    type: "booking.cancelled",
  }),
  poison("poison-delivery", "An event kills every process that is about to send it to a webhook.", {
    point: "request-next",
    handler: null,
  }),
]

async function inflict(world: World, { point, handler, type }: Poison): Promise<Inflicted> {
  const { db } = world.database
  await world.processes.allReady()
  const before = await attemptsLost(world)
  const webhooks = await countWebhooks(world)
  const deaths = world.processes.deaths.length
  const eventId = await actBeforeDispatch(world, type, (event) => {
    for (const target of world.processes.of("actors")) target.arm(point, 1, event)
  })
  const since = performance.now()
  const dead = await within(deadWithinMs, async () => {
    for (const target of world.processes.of("actors")) target.tellNext({ arm: [{ point, nth: 1, event: eventId }] })
    const [row] = await db<[{ count: number }]>`
      select count(*) from slotbase.dead_letters
      where event_id = ${eventId} and handler is not distinct from ${handler} and resolved_at is null`
    return row.count === (handler === null ? webhooks.count : 1)
  })
  const tookMs = performance.now() - since
  const killed = world.processes.deaths.length - deaths
  for (const target of world.processes.of("actors")) target.tellNext({ arm: [] })
  for (const target of world.processes.of("actors")) target.disarm()
  await world.processes.allReady()
  const recoveredMs = [await caughtUp(world, world.processes.deaths.at(-1)?.at ?? since)]
  const troubles: string[] = []
  if (!dead) troubles.push(`the event is no dead letter after ${deadWithinMs} ms and ${killed} kills`)
  const known = new Set(before.map(keyOf))
  const neighbours = (await attemptsLost(world)).filter(
    // Every handler and webhook of the poisonous event may fail; its neighbours are the other events. A quarantined run
    // is blamed when a delivery kills its process. The loss is visible as `unknown_outcome`. It is far from a dead
    // letter, because a delivery kills only three times.
    (work) =>
      !known.has(keyOf(work)) && work.event_id !== eventId && !(handler === null && work.code === "unknown_outcome"),
  )
  if (neighbours.length > 0) troubles.push(`neighbours lost an attempt: ${JSON.stringify(neighbours.slice(0, 3))}`)
  const letters = await openLetters(world)
  const others = letters.filter((letter) => letter.event_id !== eventId)
  if (others.length > 0) troubles.push(`neighbours became dead letters: ${JSON.stringify(others.slice(0, 3))}`)
  // Other dead letters stay open, so that the check of the promises reports them.
  await reprocess(
    world,
    letters.filter((letter) => letter.event_id === eventId),
  )
  return { times: 1, recoveredMs, troubles, note: `dead after ${killed} kills and ${(tookMs / 1000).toFixed(1)} s` }
}

/** The event goes to each of them. */
async function countWebhooks({ database: { db } }: World): Promise<{ readonly count: number }> {
  const [row] = await db<[{ count: number }]>`
    select count(*) from slotbase.webhooks where deleted_at is null and 'booking.confirmed' = any (events)`
  return row
}

/** Holds dispatch back, and books or cancels. Dispatch goes on when the processes are armed for the event. */
async function actBeforeDispatch(world: World, type: Poison["type"], arm: (event: string) => void): Promise<string> {
  return whileDispatchIsHeld(world, async () => {
    const { bookOnce, cancelOnce } = world.customers
    const event = await (type === "booking.cancelled" ? cancelOnce() : bookOnce())
    arm(event)
    await Bun.sleep(armedWithinMs)
    return event
  })
}
const armedWithinMs = 100

/**
 * Work that lost an attempt: runs of any handler with more than one attempt, and deliveries that failed or were
 * abandoned while quarantined. Up to two unknown outcomes of a delivery are allowed: it was abandoned beside others.
 */
async function attemptsLost({ database: { db } }: World): Promise<readonly Lost[]> {
  return db<Lost[]>`
    select event_id, handler as of, attempts, errors -> -1 -> 'error' ->> 'code' as code
    from slotbase.handler_history where attempts > 1
    union all
    select a.event_id, a.delivery_id::text, count(*), max(a.error_message) from slotbase.webhook_attempts a
    where a.outcome in ('unknown', 'failed')
    group by a.event_id, a.delivery_id having count(*) filter (where a.outcome = 'unknown') > 2 or bool_or(a.outcome = 'failed')`
}

interface Lost {
  readonly event_id: string
  readonly of: string
  readonly attempts: number
  readonly code: string | null
}

const keyOf = ({ of, event_id }: Lost) => `${of} ${event_id}`
