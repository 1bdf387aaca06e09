// What makes the program pass points that it does not pass by itself: a handler that fails, a receiver that is gone, jobs
// that are due, connections that are lost, events recorded from SQL.

import { lostMessage } from "#actors/runs/claim.ts"
import { retryPolicyOf } from "#actors/runtime/retry.ts"
import { definitionOf } from "#events/catalogue.ts"
import type { Victim } from "#scripts/chaos/crew.ts"
import { within } from "#scripts/chaos/fault.ts"
import type { World } from "#scripts/chaos/world.ts"
import { clientOf } from "#test/harness/api/client.ts"
import { alwaysOpen } from "#test/harness/club/hours.ts"
import { untilDead } from "./processes.ts"

export interface Provocation {
  /** @param chosen who shall die at the point. */
  readonly before?: (chosen: readonly Victim[]) => Promise<unknown>
  readonly again?: () => Promise<unknown>
  readonly after?: () => Promise<unknown>
}

/** What was to happen did not, so the fault proves nothing. */
export class NotInflicted extends Error {}

/** Waits until it is so. Throws NotInflicted when it never is. */
async function come(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  if (!(await within(comeWithinMs, isSo))) throw new NotInflicted(`${what} did not come about in ${comeWithinMs} ms`)
}
/** Beside other work on two cores the slowest took three seconds. */
const comeWithinMs = 15_000

/**
 * Events that nobody commanded, from SQL: one that is as it should be and two that do not match their Schema, which the
 * dispatcher must refuse. Their dead letters are counted and then ignored, over the API.
 */
export const recordFromSql = (world: World): Provocation => {
  const { db } = world.database
  const good = definitionOf("coach.session.completed")?.sample
  const bad = { ...good, students: "nobody" }
  let refused = 0
  return {
    again: async () => {
      await db.begin(async (tx) => {
        for (const data of [bad, good, bad])
          await tx`
            select slotbase.record_event('coach.session.completed', ${world.customers.facilityId}, ${tx.json(data as never)})`
      })
      refused += 2
    },
    after: async () => {
      await come(`${refused} events refused`, async () => (await openLetters(world)).length >= refused)
      const open = await openLetters(world)
      for (const { id } of open) await world.customers.ask(`${world.customers.at}/dead-letters/${id}/ignore`, {})
      const others = open.filter(({ handler }) => handler !== "dispatcher").length
      if (open.length !== refused || others > 0)
        throw new NotInflicted(
          `${refused} events were to be refused, and ${open.length} dead letters stand, ${others} of others`,
        )
    },
  }
}

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

/** Puts every dead letter back to work, over the API, once nothing waits for a retry any more. */
export async function reprocessAll(world: World): Promise<void> {
  const { db } = world.database
  await come("the end of all retries", async () => {
    const [left] = await db<[{ count: number }]>`
      select count(*) from slotbase.handler_queue where ready_at > (select slotbase.now())`
    return left.count === 0
  })
  await reprocess(world, await openLetters(world))
}

export interface Letter {
  readonly id: string
  readonly event_id: string
  readonly handler: string | null
}

/** The dead letters that nobody has resolved. */
export const openLetters = ({ database: { db } }: World) => db<Letter[]>`
  select id, event_id, handler from slotbase.dead_letters where resolved_at is null order by event_id`

/** Puts these back to work, over the API. */
export async function reprocess({ customers }: World, letters: readonly Letter[]): Promise<void> {
  for (const { id } of letters) await customers.ask(`${customers.at}/dead-letters/${id}/reprocess`, {})
}
/**
 * Runs of AnalyticsHandler fail, and then stand there as if each retry had been lost with a process that died while it handled
 * this run alone.
 */
export const lostRuns = (world: World): Provocation => {
  const failing = failingHandler(world)
  const { maxRetries } = retryPolicyOf("AnalyticsHandler")
  return {
    ...failing,
    again: () => world.database.db`
      update slotbase.handler_queue q
      set alone = true, lost = ${maxRetries + 3}, attempts = ${maxRetries + 1}, ready_at = null,
          errors = q.errors || (
            select jsonb_agg(jsonb_build_object('eventId', q.event_id, 'eventType', 'booking.created', 'handlerName', q.handler,
              'error', jsonb_build_object('message', ${lostMessage}::text, 'code', 'unknown_outcome'), 'attemptCount', nth,
              'maxRetries', ${maxRetries}::integer,
              'status', case when nth > ${maxRetries} then 'dead_letter' else 'retrying' end) order by nth)
            from generate_series(q.attempts + 1, ${maxRetries + 1}) as nth)
      where handler = 'AnalyticsHandler' and ready_at is not null
        and not exists (select from slotbase.handler_claims c where c.handler = q.handler and q.position = any (c.positions))`,
    after: async () => {
      await come("the end of all lost runs", async () => {
        const [row] = await world.database.db<[{ left: number }]>`
          select count(*) as left from slotbase.handler_queue where handler = 'AnalyticsHandler' and alone`
        return row.left === 0
      })
      await failing.after?.()
    },
  }
}

/** UpgradePromptHandler takes longer than a batch may, in those who shall die of it. */
export const slowHandler = (world: World): Provocation => {
  const { db } = world.database
  let warning: object | undefined
  return {
    before: async (chosen) => {
      warning = await warningOfAnotherClub(world)
      await db.unsafe(`
        create table if not exists public.slow_users (name text primary key);
        create or replace function public.take_long() returns trigger language plpgsql as $$
        begin
          if exists (select from public.slow_users where name = session_user) then perform pg_sleep(${slowSeconds}); end if;
          return null;
        end $$;
        create or replace trigger take_long before insert on slotbase.upgrade_prompts
          for each statement execute function public.take_long()`)
      await db`insert into public.slow_users select unnest(${chosen.map(({ name }) => name)}::text[]) on conflict do nothing`
    },
    again: () => db`
      select slotbase.record_event('subscription.limit_warning', ${(warning as { facilityId: string }).facilityId}, ${db.json(warning as never)})
      from generate_series(1, 20)`,
    after: () => db`delete from public.slow_users`,
  }
}
/** A batch commits after five seconds, and gives the rest back. */
const slowSeconds = 5.1

/** A club beside the customers', on its trial, and a warning that it comes near to a limit. */
async function warningOfAnotherClub({ customers }: World): Promise<object> {
  const { body: facility } = await customers.ask("/v1/facilities", {
    name: "Warned Club",
    timezone: "Europe/Berlin",
    currency: "EUR",
    sportTypes: ["tennis"],
    openingHours: alwaysOpen,
  })
  const { body: subscription, status } = await customers.ask(`/v1/facilities/${facility.id}/subscription`, {
    planId: "club",
    billingCycle: "monthly",
    trial: true,
  })
  if (status !== 201) throw new NotInflicted(`no subscription: ${JSON.stringify(subscription)}`)
  const sample = definitionOf("subscription.limit_warning")?.sample
  return { ...sample, facilityId: facility.id, subscriptionId: subscription.id }
}

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
    try {
      await session.unsafe("begin")
      await session`select pg_advisory_xact_lock(hashtext('slotbase'), hashtext('dispatch'))`
      world.customers.setPace(Number.POSITIVE_INFINITY)
      const booked = world.customers.booked()
      await come("a burst of bookings", () => world.customers.booked() > booked + burst)
      world.receivers.setMood("hang")
    } finally {
      await session.unsafe("commit")
      await session.end()
    }
    await come("a request that hangs", () => world.receivers.waiting() > 0)
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
    await come("a request that hangs for each", () => world.receivers.waiting() >= world.crew.of("actors").length)
    await bystanderDies(world, chosen)
  },
  after: async () => world.receivers.setMood("answer"),
})

/** The same with runs in its hands: their mails are under way. */
export const deathInTheMiddle = (world: World): Provocation => {
  const slow = slowMail(world)
  return {
    before: async (chosen) => {
      const bystander = bystanderOf(world, chosen)
      await come("a run in the hands of one", async () => {
        const [row] = await world.database.db<[{ runs: number }]>`
          select count(*) as runs from slotbase.handler_claims c join slotbase.processes p on p.id = c.owner
          where p.pid = ${bystander.pid()} and c.handler = 'NotificationHandler'`
        return row.runs > 0
      })
      await bystanderDies(world, chosen)
    },
    after: async () => void (await slow.after?.()),
  }
}

function bystanderOf({ crew }: World, chosen: readonly Victim[]): Victim {
  const bystander = crew.of("actors").findLast((victim) => !chosen.includes(victim))
  if (bystander === undefined)
    throw new NotInflicted("everybody is to come to the point, and nobody is left to die before")
  return bystander
}

async function bystanderDies(world: World, chosen: readonly Victim[]): Promise<void> {
  const bystander = bystanderOf(world, chosen)
  await untilDead([bystander], () => bystander.signal("SIGKILL"))
}

/** The moody receiver refuses while the steady one answers, and both have much to do. */
export const refusingReceiver = (world: World): Provocation => ({
  before: async () => {
    world.receivers.setMood("refuse")
    world.customers.setPace(Number.POSITIVE_INFINITY)
  },
  after: async () => {
    world.customers.setPace(world.pace)
    world.receivers.setMood("answer")
  },
})

/**
 * Each of the chosen has a claim of deliveries that was committed and whose answer it never got: rows stand under its name that
 * it does not know, until it asks for such the next time.
 */
export const lostClaims = (world: World): Provocation => ({
  before: async (chosen) => {
    world.receivers.setMood("refuse")
    const unknowing = new Map(chosen.map((victim) => [victim, victim.deaths()]))
    for (const victim of chosen)
      await come("a claim whose answer is lost", async () => {
        const { count } = await world.database.db`
          update slotbase.delivery_queue q
          set lease = nextval('slotbase.lease_seq'), owner = p.id, started_at = slotbase.now()
          from slotbase.processes p
          where p.pid = ${victim.pid()} and p.alive_until > clock_timestamp()
            and q.ctid = (select ctid from slotbase.delivery_queue where lease is null limit 1 for update skip locked)`
        return count === 1
      })
    world.receivers.setMood("answer")
    await within(doubtWithinMs, () => chosen.some((victim) => victim.deaths() > (unknowing.get(victim) ?? 0)))
  },
  after: async () => world.receivers.setMood("answer"),
})
/** A process asks every thirty seconds what it holds without knowing it. */
const doubtWithinMs = 35_000

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
