// What happens to the servers of live clients while these watch: sockets are cut, database connections are ended,
// processes are killed and frozen. And the load beside it.

import type { Db } from "#base/database/db.ts"
import type { Club } from "#test/harness/club/club.ts"
import type { Balancer } from "#test/harness/outside/balancer.ts"
import type { System } from "#test/harness/setup/system.ts"
import { dispatchAll } from "./pipeline.ts"

export interface FaultOptions {
  readonly db: Db
  readonly balancer: Balancer
  /** Undefined: it is being started. */
  readonly servers: (System | undefined)[]
  readonly restart: (nth: number) => Promise<System>
  /** How long the campaign lasts, between two faults, and how long a process is frozen. */
  readonly times: Readonly<Record<"campaignMs" | "apartMs" | "frozenMs", number>>
  /** Undefined: one fault of each kind after the other. */
  readonly random: (() => number) | undefined
}

/** Answers how often each fault happened. */
export async function playFaults({ db, balancer, servers, restart, times, random }: FaultOptions) {
  const alive = () => servers.flatMap((server, nth) => (server === undefined ? [] : [{ server, nth }]))
  const any = <T>(all: readonly T[]): T | undefined => all[Math.floor(Math.random() * all.length)]
  const faults: Readonly<Record<string, () => Promise<unknown> | unknown>> = {
    cut: () => balancer.cut(0.3, Math.random),
    endConnections: () => db`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name like 'slotbase server%' and random() < 0.5`,
    kill: async () => {
      const victim = any(alive())
      if (victim === undefined || alive().length < 2) return
      servers[victim.nth] = undefined
      await victim.server.end("SIGKILL")
      // On a busy machine a start may take too long, and is tried again.
      const again = (): unknown =>
        restart(victim.nth).then((server) => {
          servers[victim.nth] = server
        }, again)
      again()
    },
    freeze: async () => {
      const victim = any(alive())
      victim?.server.signal("SIGSTOP")
      await Bun.sleep(times.frozenMs)
      victim?.server.signal("SIGCONT")
    },
  }
  const names = Object.keys(faults)
  const happened: Record<string, number> = {}
  const until = performance.now() + times.campaignMs
  for (let n = 0; performance.now() < until; n++) {
    const name = names[random ? Math.floor(random() * names.length) : n % names.length] ?? ""
    await Bun.sleep(times.apartMs)
    await faults[name]?.()
    happened[name] = (happened[name] ?? 0) + 1
  }
  return happened
}

/** Bookings and cancellations of a day, one after the other, each dispatched at once. */
export function startLoad(club: Club, db: Db, hours: { readonly first: number; readonly last: number }) {
  let running = true
  let changes = 0
  const taken = new Map<string, string>()
  const change = async () => {
    const court = Math.random() < 0.5 ? club.court : club.otherCourt
    const hour = hours.first + Math.floor(Math.random() * (hours.last - hours.first))
    const key = `${court} ${hour}`
    const id = taken.get(key)
    if (id === undefined) taken.set(key, (await club.book(court, hour)).id)
    else {
      await club.cancel(id)
      taken.delete(key)
    }
    await dispatchAll(db)
  }
  const working = (async () => {
    for (; running; changes++) {
      await change()
      await Bun.sleep(pauseMs)
    }
  })()
  return {
    /** Answers the number of changes. */
    stop: async (): Promise<number> => {
      running = false
      await working
      return changes
    },
  }
}

const pauseMs = 10
