/**
 * The life sign of this process. A lease is held by a process, not for a time: while the process is alive, nobody else
 * takes its work. Two seconds after its last life sign a process counts as expired, and the others take over its work.
 * A process that was only stopped finds, when it continues, that its fencing tokens are void.
 * Writes: processes.
 */
import { hostname } from "node:os"
import type { Db } from "#base/database/db.ts"
import { Quarantine } from "./quarantine.ts"

/** How often a process renews its life sign, and how long one is believed: work is taken over within 5 seconds. */
const beatMs = 500
const believedMs = 2_000

/** This process, as its actors know it. */
export interface ActorProcess {
  /** The owner of this process's leases (processes.id). */
  readonly owner: () => number
  readonly quarantine: Quarantine
}

export interface LifeSign extends ActorProcess {
  /** Ends the life sign at once, so that other processes need not wait. */
  readonly stop: () => Promise<void>
}

export async function startLifeSign(db: Db, role: string, version: string): Promise<LifeSign> {
  let id = await register(db, role, version)
  let beating: Promise<void> | undefined
  const beatOnce = async () => {
    try {
      if (!(await beat(db, id))) id = await register(db, role, version)
    } catch {
      // The database is away; the actors report it. Other processes take the work over, and the tokens are void here.
    } finally {
      beating = undefined
    }
  }
  const timer = setInterval(() => {
    beating ??= beatOnce()
  }, beatMs)
  return {
    owner: () => id,
    quarantine: new Quarantine(),
    stop: async () => {
      clearInterval(timer)
      // A beat that is under way would renew the life sign.
      await beating
      await db`update slotbase.processes set alive_until = clock_timestamp() where id = ${id}`
    },
  }
}

async function register(db: Db, role: string, version: string): Promise<number> {
  const [row] = await db<{ id: number }[]>`
    insert into slotbase.processes (host, pid, role, version, alive_until)
    values (${hostname()}, ${process.pid}, ${role}, ${version}, clock_timestamp() + ${believedMs}::integer * interval '1 ms')
    returning id`
  if (!row) throw new Error("the process could not be registered")
  return row.id
}

/** A process that had expired joins anew: the others have shared its places of the webhooks meanwhile. */
async function beat(db: Db, id: number): Promise<boolean> {
  const { count } = await db`
    update slotbase.processes
    set alive_until = clock_timestamp() + ${believedMs}::integer * interval '1 ms',
        joined_at = case when alive_until > clock_timestamp() then joined_at else clock_timestamp() end,
        joined_lease = case when alive_until > clock_timestamp() then joined_lease else nextval('slotbase.lease_seq') end
    where id = ${id}`
  return count === 1
}

/** The process sends no more webhooks: the others share its places, before it has ended. */
export async function leaveDelivering(db: Db, owner: number): Promise<void> {
  await db`update slotbase.processes set delivers = false where id = ${owner}`
}

/** Removes processes that expired more than a day ago and hold nothing; answers how many. */
export async function forgetDeadProcesses(db: Db): Promise<number> {
  const { count } = await db`
    delete from slotbase.processes p
    where p.alive_until < clock_timestamp() - interval '1 day'
      and not exists (select from slotbase.handler_claims c where c.owner = p.id)
      and not exists (select from slotbase.delivery_queue q where q.owner = p.id)
      and not exists (select from slotbase.message_queue m where m.owner = p.id and m.lease is not null)
      and not exists (select from slotbase.calendar_syncs s where s.owner = p.id)`
  return count
}
