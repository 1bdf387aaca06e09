// Faults of the parts of a process and of its disk: each part is well again by itself, and nothing is lost meanwhile.

import { type Fault, type Inflicted, within } from "#scripts/chaos/fault.ts"
import { allReadyAgain, allSay } from "#scripts/chaos/readiness.ts"
import { caughtUp } from "#scripts/chaos/recovery.ts"
import type { World } from "#scripts/chaos/world.ts"
import { times } from "./database.ts"

export const partFaults: readonly Fault[] = [
  {
    name: "parts-cut",
    sentence: "The connections of pg-boss, and those that hear of other processes, are terminated one after the other.",
    inflict: (world, { short }) =>
      times(world, short ? 1 : 5, async (troubles) => {
        for (const name of ["slotbase pg-boss", "% listen"]) {
          const cut = await world.database.db`
            select pg_terminate_backend(pid) from pg_stat_activity where application_name like ${name}`
          if (cut.length === 0) troubles.push(`no connection is named ${name}`)
        }
        troubles.push(...(await allReadyAgain(world, performance.now())))
      }),
  },
  {
    name: "listener-closed",
    sentence: "The HTTP listeners of all servers are closed under load, with all their connections.",
    short: true,
    inflict: (world, { short }) =>
      times(world, short ? 1 : 5, async (troubles) => {
        for (const target of world.processes.of("server")) target.closeListener()
        const closed = await within(closedWithinMs, () => oneIsClosed(world))
        if (!closed) troubles.push("no listener was closed")
        troubles.push(...(await allReadyAgain(world, performance.now())))
      }),
  },
  {
    name: "disk-full",
    sentence: "The disk below the bookings is full under load, and then has room again.",
    short: true,
    inflict: fillDisk,
  },
  {
    name: "read-only",
    sentence: "The database takes no writes for a while, as after a failover.",
    inflict: (world, { short }) =>
      times(world, short ? 1 : 3, async (troubles) => {
        await setReadOnly(world, true)
        troubles.push(...(await allSay(world, "The database is read-only.")))
        await setReadOnly(world, false)
        troubles.push(...(await allReadyAgain(world, performance.now())))
      }),
  },
]

/** Each server looks once a second and opens its listener again; one of them must be seen closed before. */
const closedWithinMs = 900

async function oneIsClosed({ processes }: World): Promise<boolean> {
  const ask = ({ address }: { address: string }) =>
    fetch(`${address}/healthz`).then(
      () => false,
      () => true,
    )
  return (await Promise.all(processes.of("server").map(ask))).some(Boolean)
}

async function fillDisk(world: World, { short }: { short: boolean }): Promise<Inflicted> {
  const place = await world.database.onSmallVolume("slotbase.bookings")
  if (place === undefined) return { times: 0, recoveredMs: [], leftOut: "this user may not mount a small volume" }
  const recoveredMs: number[] = []
  const troubles: string[] = []
  try {
    for (let round = 0; round < (short ? 1 : 3); round++) {
      await world.processes.allReady()
      place.fill()
      troubles.push(...(await allSay(world, "The disk of the database is full.")))
      await place.makeRoom()
      const since = performance.now()
      troubles.push(...(await allReadyAgain(world, since)))
      recoveredMs.push(await caughtUp(world, since))
    }
  } finally {
    await place.makeRoom()
    await place.leave()
  }
  return { times: recoveredMs.length, recoveredMs, troubles }
}

async function setReadOnly({ database: { db } }: World, on: boolean): Promise<void> {
  await db.unsafe(`alter system set default_transaction_read_only = ${on ? "on" : "off"}`)
  await db`select pg_reload_conf()`
}
