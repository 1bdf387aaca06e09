// Events that kill whoever handles or sends them: each must end in the dead letters, after so many deaths as it may cost,
// while the events that were handled beside it burn no attempt. Put back to work when the cause is gone, it succeeds.

import type { CrashPoint } from "#base/crash-points.ts"
import { type Fault, type Inflicted, within } from "#scripts/chaos/fault.ts"
import { caughtUp } from "#scripts/chaos/recovery.ts"
import type { World } from "#scripts/chaos/world.ts"
import { openLetters, reprocess } from "./provocations.ts"

/** Two losses together and four alone of a run with three retries, six of NotificationHandler's; about 3 s each. */
const deadWithinMs = 90_000

const poison = (name: string, sentence: string, point: CrashPoint, handler: string | null, short?: true): Fault => ({
  name,
  sentence,
  ...(short && { short }),
  inflict: (world) => inflict(world, point, handler),
})

export const poisonFaults: readonly Fault[] = [
  poison(
    "poison-run",
    "An event kills every process that begins to handle it in a transaction.",
    "effect-begun",
    "AnalyticsHandler",
    true,
  ),
  poison(
    "poison-outside",
    "An event kills every process whose external handler begins with it.",
    "outside-begun",
    "NotificationHandler",
  ),
  poison(
    "poison-delivery",
    "An event kills every process that is about to send it to a webhook.",
    "request-next",
    null,
  ),
]

async function inflict(world: World, point: CrashPoint, handler: string | null): Promise<Inflicted> {
  const { db } = world.database
  await world.processes.allReady()
  const before = await burnt(world)
  const deaths = world.processes.deaths.length
  const eventId = await bookBeforeDispatch(world, (event) => {
    for (const target of world.processes.of("actors")) target.arm(point, 1, event)
  })
  const since = performance.now()
  const dead = await within(deadWithinMs, async () => {
    for (const target of world.processes.of("actors")) target.tellNext({ arm: [{ point, nth: 1, event: eventId }] })
    const [row] = await db<[{ count: number }]>`
      select count(*) from slotbase.dead_letters
      where event_id = ${eventId} and handler is not distinct from ${handler} and resolved_at is null`
    return row.count === (handler === null ? webhooks : 1)
  })
  const tookMs = performance.now() - since
  const killed = world.processes.deaths.length - deaths
  for (const target of world.processes.of("actors")) target.tellNext({ arm: [] })
  for (const target of world.processes.of("actors")) target.disarm()
  await world.processes.allReady()
  const recoveredMs = [await caughtUp(world, world.processes.deaths.at(-1)?.at ?? since)]
  const troubles: string[] = []
  if (!dead) troubles.push(`the event is not dead after ${deadWithinMs} ms and ${killed} kills`)
  const known = new Set(before.map(keyOf))
  const neighbours = (await burnt(world)).filter(
    // Every handler and webhook of the poisonous event may die of it; its neighbours are the other events.
    // A run that is handled alone is blamed for a death that a delivery of the same process caused: visible, and far from a
    // dead letter, because a delivery kills three times.
    (work) =>
      !known.has(keyOf(work)) && work.event_id !== eventId && !(handler === null && work.code === "unknown_outcome"),
  )
  if (neighbours.length > 0) troubles.push(`neighbours burnt an attempt: ${JSON.stringify(neighbours.slice(0, 3))}`)
  const letters = await openLetters(world)
  const others = letters.filter((letter) => letter.event_id !== eventId)
  if (others.length > 0) troubles.push(`neighbours became dead letters: ${JSON.stringify(others.slice(0, 3))}`)
  // What else stands there is not hidden from the promises.
  await reprocess(
    world,
    letters.filter((letter) => letter.event_id === eventId),
  )
  return { times: 1, recoveredMs, troubles, note: `dead after ${killed} kills and ${(tookMs / 1000).toFixed(1)} s` }
}

/** The steady and the moody one. */
const webhooks = 2

/** Holds the sequencer back, books, and lets go when the processes know the event. */
async function bookBeforeDispatch(world: World, arm: (event: string) => void): Promise<string> {
  const session = world.database.session()
  try {
    await session.unsafe("begin")
    await session`select pg_advisory_xact_lock(hashtext('slotbase'), hashtext('dispatch'))`
    const event = await world.customers.bookOnce()
    arm(event)
    await Bun.sleep(armedWithinMs)
    return event
  } finally {
    await session.unsafe("commit")
    await session.end()
  }
}
const armedWithinMs = 100

/**
 * What has burnt an attempt: runs of any handler that needed more than one, and deliveries that failed or were lost alone. What
 * was lost beside others says so as an unknown outcome, of which two are no harm.
 */
async function burnt({ database: { db } }: World): Promise<readonly Burnt[]> {
  return db<Burnt[]>`
    select event_id, handler as of, attempts, errors -> -1 -> 'error' ->> 'code' as code
    from slotbase.handler_history where attempts > 1
    union all
    select a.event_id, a.delivery_id::text, count(*), max(a.error_message) from slotbase.webhook_attempts a
    where a.outcome in ('unknown', 'failed')
    group by a.event_id, a.delivery_id having count(*) filter (where a.outcome = 'unknown') > 2 or bool_or(a.outcome = 'failed')`
}

interface Burnt {
  readonly event_id: string
  readonly of: string
  readonly attempts: number
  readonly code: string | null
}

const keyOf = ({ of, event_id }: Burnt) => `${of} ${event_id}`
