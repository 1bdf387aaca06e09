// Provokes the crash points of runs: handlers that fail, runs that are abandoned again and again, handlers that are
// slow.

import { abandonedMessage } from "#actors/runs/claim.ts"
import { retryPolicyOf } from "#actors/runtime/retry.ts"
import { definitionOf } from "#events/catalogue.ts"
import { commitBurst } from "#scripts/chaos/faults/burst.ts"
import { openLetters, reprocess } from "#scripts/chaos/faults/dead-letters.ts"
import type { World } from "#scripts/chaos/world.ts"
import { alwaysOpen } from "#test/harness/club/hours.ts"
import { NotInflicted, type Provoke, waitFor } from "./provocation.ts"

/** The table of AnalyticsHandler refuses four of ten writes. */
export const failingHandler: Provoke = (world) => ({
  before: () =>
    world.database.db.unsafe(`
    create or replace function public.refuse_some() returns trigger language plpgsql as $$
    begin
      if random() < 0.4 then raise exception 'refused by the fault campaign' using errcode = '22023'; end if;
      return new;
    end $$;
    create or replace trigger refuse_some before insert or update on slotbase.daily_figures
      for each row execute function public.refuse_some()`),
  after: async () => {
    await world.database.db`drop trigger if exists refuse_some on slotbase.daily_figures`
    await reprocessAll(world)
  },
})

/** Puts every dead letter back to work, when no run waits for a retry any more. */
async function reprocessAll(world: World): Promise<void> {
  await waitFor("the end of all retries", async () => {
    const [left] = await world.database.db<[{ count: number }]>`
      select count(*) from slotbase.handler_queue where ready_at > (select slotbase.now())`
    return left.count === 0
  })
  await reprocess(world, await openLetters(world))
}

/**
 * Runs of AnalyticsHandler fail. Then their rows are changed, as if a process had crashed during each retry, with the
 * run in quarantine.
 */
export const lostRuns: Provoke = (world) => {
  const failing = failingHandler(world)
  const { maxRetries } = retryPolicyOf("AnalyticsHandler")
  return {
    ...failing,
    again: () => world.database.db`
      update slotbase.handler_queue q
      set alone = true, lost = ${maxRetries + 3}, attempts = ${maxRetries + 1}, ready_at = null,
          errors = q.errors || (
            select jsonb_agg(jsonb_build_object('eventId', q.event_id, 'eventType', 'booking.created', 'handlerName', q.handler,
              'error', jsonb_build_object('message', ${abandonedMessage}::text, 'code', 'unknown_outcome'), 'attemptCount', nth,
              'maxRetries', ${maxRetries}::integer,
              'status', case when nth > ${maxRetries} then 'dead_letter' else 'retrying' end) order by nth)
            from generate_series(q.attempts + 1, ${maxRetries + 1}) as nth)
      where handler = 'AnalyticsHandler' and ready_at is not null
        and not exists (select from slotbase.handler_claims c where c.handler = q.handler and q.position = any (c.positions))`,
    after: async () => {
      try {
        await waitFor("the end of all lost runs", async () => {
          const [row] = await world.database.db<[{ left: number }]>`
            select count(*) as left from slotbase.handler_queue where handler = 'AnalyticsHandler' and alone`
          return row.left === 0
        })
      } finally {
        // In any case, so that the handler does not go on failing in later faults.
        await failing.after?.()
      }
    },
  }
}

/** In the target processes, a batch of UpgradePromptHandler takes longer than a batch may. */
export const slowHandler: Provoke = (world) => {
  const { db } = world.database
  let warning: { readonly facilityId: string } | undefined
  return {
    before: async (targets) => {
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
      await db`insert into public.slow_users select unnest(${targets.map(({ name }) => name)}::text[]) on conflict do nothing`
    },
    again: async () => {
      if (warning === undefined) return
      await db`
        select slotbase.record_event('subscription.limit_warning', ${warning.facilityId}, ${db.json(warning)})
        from generate_series(1, 20)`
    },
    after: () => db`delete from public.slow_users`,
  }
}
/** A batch commits after five seconds, and gives the rest of its runs back. */
const slowSeconds = 5.1

/** The data of an event: another club, on its trial, is near to a limit of its plan. */
async function warningOfAnotherClub({ customers }: World) {
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

/** In the target processes runs take long to settle: a process that is asked to end has one of RefundHandler. */
export const slowSettling: Provoke = ({ database: { db } }) => ({
  before: async (targets) => {
    await db.unsafe(`
      create table if not exists public.slow_settlers (name text primary key);
      create or replace function public.settle_slowly() returns trigger language plpgsql as $$
      begin
        if exists (select from public.slow_settlers where name = session_user) then perform pg_sleep(0.3); end if;
        return null;
      end $$;
      create or replace trigger settle_slowly after insert on slotbase.handler_history
        for each statement execute function public.settle_slowly()`)
    await db`insert into public.slow_settlers select unnest(${targets.map(({ name }) => name)}::text[]) on conflict do nothing`
    await Bun.sleep(gatheredMs)
  },
  after: () => db`delete from public.slow_settlers`,
})
/** Cancelled bookings gather for this time. */
const gatheredMs = 1_000

/** The mail server is slow, so that processes have mails under way. */
export const slowMail: Provoke = ({ mail }) => {
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
/** Mails gather for this time. */
const heldMailMs = 500

/** More bookings of one club at once than a run of NotificationHandler tells people of by itself. */
export const manyMessages: Provoke = (world) => ({ again: () => commitBurst(world) })
