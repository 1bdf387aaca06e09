// Provokes the crash points of the takeover: another process, the bystander, dies with work under way.

import { untilDead } from "#scripts/chaos/faults/rounds.ts"
import type { SupervisedProcess } from "#scripts/chaos/supervised-process.ts"
import type { World } from "#scripts/chaos/world.ts"
import { slowMail } from "./handlers.ts"
import { NotInflicted, type Provoke, waitFor } from "./provocation.ts"

/** The bystander dies with requests under way, so that their outcome is unknown. */
export const deathDuringRequests: Provoke = (world) => ({
  before: async (targets) => {
    world.receivers.setBehaviour("hang")
    const actors = world.processes.of("actors").length
    await waitFor("a request that hangs for each", () => world.receivers.waiting() >= actors)
    await bystanderDies(world, targets)
  },
  after: async () => world.receivers.setBehaviour("answer"),
})

/** The bystander dies with runs under way: in that process the figures of a day take long. */
export const deathDuringRuns: Provoke = (world) => {
  const { db } = world.database
  return {
    before: async (targets) => {
      const bystander = bystanderOf(world, targets)
      await db.unsafe(`
        create table if not exists public.slow_bystanders (name text primary key);
        create or replace function public.take_a_second() returns trigger language plpgsql as $$
        begin
          if exists (select from public.slow_bystanders where name = session_user) then perform pg_sleep(1); end if;
          return null;
        end $$;
        create or replace trigger take_a_second before insert or update on slotbase.daily_facility_figures
          for each statement execute function public.take_a_second()`)
      await db`insert into public.slow_bystanders values (${bystander.name}) on conflict do nothing`
      await waitFor("a claimed run of the bystander", async () => {
        const [row] = await db<[{ runs: number }]>`
          select count(*) as runs from slotbase.handler_claims c join slotbase.processes p on p.id = c.owner
          where p.pid = ${bystander.pid()} and c.handler = 'AnalyticsHandler'`
        return row.runs > 0
      })
      await bystanderDies(world, targets)
    },
    after: () => db`delete from public.slow_bystanders`,
  }
}

/** The bystander dies with mails under way, so that their outcome is unknown. */
export const deathDuringMails: Provoke = (world) => {
  const slow = slowMail(world)
  return {
    before: async (targets) => {
      const bystander = bystanderOf(world, targets)
      await waitFor("a claimed message of the bystander", async () => {
        const [row] = await world.database.db<[{ messages: number }]>`
          select count(*) as messages from slotbase.message_queue q join slotbase.processes p on p.id = q.owner
          where p.pid = ${bystander.pid()}`
        return row.messages > 0
      })
      await bystanderDies(world, targets)
    },
    after: async () => void (await slow.after?.()),
  }
}

function bystanderOf({ processes }: World, targets: readonly SupervisedProcess[]): SupervisedProcess {
  const bystander = processes.of("actors").findLast((each) => !targets.includes(each))
  if (bystander === undefined) throw new NotInflicted("every actor process is a target, and none is left as bystander")
  return bystander
}

async function bystanderDies(world: World, targets: readonly SupervisedProcess[]): Promise<void> {
  const bystander = bystanderOf(world, targets)
  await untilDead([bystander], () => bystander.signal("SIGKILL"))
}
