// What makes the program pass points that it does not pass by itself: a handler that fails, a receiver that is gone, jobs
// that are due, connections that are lost, events recorded from SQL.

import { definitionOf } from "../../../src/events/catalogue.ts"
import { clientOf } from "../../../test/harness/client.ts"
import type { Victim } from "../crew.ts"
import { within } from "../fault.ts"
import type { World } from "../world.ts"
import { untilDead } from "./processes.ts"

export interface Provocation {
  /** @param chosen who shall die at the point. */
  readonly before?: (chosen: readonly Victim[]) => Promise<unknown>
  readonly again?: () => Promise<unknown>
  readonly after?: () => Promise<unknown>
}

/** An event that nobody booked for: its type has no command yet, so it can only come from SQL. */
export const recordFromSql = ({ database: { db }, customers }: World): Provocation => ({
  again: () => db`
    select slotbase.record_event('coach.session.completed', ${customers.facilityId},
      ${db.json(definitionOf("coach.session.completed")?.sample as never)})`,
})

/** AnalyticsHandler's table refuses four of ten writes. */
export const failingHandler = (world: World): Provocation => ({
  before: () =>
    world.database.db.unsafe(`
    create or replace function public.refuse_some() returns trigger language plpgsql as $$
    begin
      if random() < 0.4 then raise exception 'refused by the fault campaign' using errcode = '22023'; end if;
      return new;
    end $$;
    create or replace trigger refuse_some before insert or update on slotbase.daily_facility_figures
      for each row execute function public.refuse_some()`),
  after: async () => {
    await world.database.db`drop trigger if exists refuse_some on slotbase.daily_facility_figures`
    await reprocessAll(world)
  },
})

/** Puts every dead letter back to work, over the API, once everything else is done. */
export async function reprocessAll(world: World): Promise<number> {
  const { db } = world.database
  await within(retriesEndMs, async () => {
    const [left] = await db<[{ count: number }]>`
      select count(*) from slotbase.handler_queue where ready_at > (select slotbase.now())`
    return left.count === 0
  })
  const dead = await db<{ id: string; facility_id: string }[]>`
    select id, facility_id from slotbase.dead_letters where resolved_at is null`
  for (const { id } of dead) await world.customers.ask(`${world.customers.at}/dead-letters/${id}/reprocess`, {})
  return dead.length
}
/** Three retries, after 1, 2 and 4 s. */
const retriesEndMs = 10_000

/** The mail server takes its time, so that a process which is told to stop leaves its runs off. */
export const slowMail = ({ mail }: World): Provocation => {
  const held = Promise.withResolvers<void>()
  mail.hold = held.promise
  return {
    before: () => Bun.sleep(heldMailMs),
    after: async () => {
      mail.hold = undefined
      held.resolve()
    },
  }
}
/** So long mails gather under way. */
const heldMailMs = 500

/** The moody webhook answers 410, and is switched on again and again. */
export const goneReceiver = (world: World): Provocation => {
  world.receivers.setMood("gone")
  return {
    again: () => switchOn(world),
    after: async () => {
      world.receivers.setMood("answer")
      // An answer that is still being settled may switch it off once more.
      await within(lastAnswersMs, () => switchOn(world).then(() => false))
    },
  }
}

const lastAnswersMs = 2_000

async function switchOn({ database: { db }, receivers, customers, crew }: World): Promise<void> {
  const [off] = await db<{ id: string }[]>`
    select id from slotbase.webhooks where url = ${receivers.moodyUrl} and not is_active`
  const server = crew.of("server").find((each) => each.isReady())
  if (off && server) await clientOf(server.address).patch(`${customers.at}/webhooks/${off.id}`, { isActive: true })
}

/** Many deliveries become due at once for a receiver that hangs, so that some are claimed ahead. */
export const hangingBurst = (world: World): Provocation => ({
  before: async () => {
    const session = world.database.session()
    await session.unsafe("begin")
    await session`select pg_advisory_xact_lock(hashtext('slotbase'), hashtext('dispatch'))`
    world.customers.setPace(Number.POSITIVE_INFINITY)
    const booked = world.customers.booked()
    await within(3_000, () => world.customers.booked() > booked + burst)
    world.receivers.setMood("hang")
    await session.unsafe("commit")
    await session.end()
    await within(3_000, () => world.receivers.waiting() > 0)
  },
  after: async () => {
    world.customers.setPace(world.pace)
    world.receivers.setMood("answer")
  },
})
const burst = 100

/** A process that shall not come to the point dies with requests under way, whose outcome then nobody knows. */
export const deathInFlight = (world: World): Provocation => ({
  before: async (chosen) => {
    world.receivers.setMood("hang")
    await within(3_000, () => world.receivers.waiting() >= world.crew.of("actors").length)
    const bystander = world.crew.of("actors").findLast((victim) => !chosen.includes(victim))
    if (bystander) await untilDead([bystander], () => bystander.signal("SIGKILL"))
  },
  after: async () => world.receivers.setMood("answer"),
})

/** Holds die, and the job that releases them is due. */
export const deadHolds = ({ database: { db } }: World): Provocation => ({
  again: async () => {
    await db`
      update slotbase.bookings set hold_expires_at = slotbase.now() - interval '1 second'
      where status = 'held' and hold_expires_at > slotbase.now()`
    await sendJob(db, "hold-expiration")
  },
})

export const housekeeping = ({ database: { db } }: World): Provocation => ({ again: () => sendJob(db, "housekeeping") })

/** A job of pg-boss as a tick of its cron makes it; one waits at most. */
const sendJob = (db: World["database"]["db"], name: string) => db`
  insert into pgboss.job (name, policy) values (${name}, 'short') on conflict do nothing`
