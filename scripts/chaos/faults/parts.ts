// Faults of the parts of a process and of its disk: each part is well again by itself, and nothing is lost meanwhile.

import { type Fault, type Inflicted, partWithinMs, within } from "#scripts/chaos/fault.ts"
import { caughtUp } from "#scripts/chaos/recovery.ts"
import type { World } from "#scripts/chaos/world.ts"
import { times } from "./database.ts"

export const partFaults: readonly Fault[] = [
  {
    name: "parts-cut",
    sentence: "The connections of pg-boss, and those that hear of other processes, are terminated one after the other.",
    recoverWithinMs: partWithinMs,
    inflict: (world, { short }) =>
      times(world, short ? 1 : 5, async (troubles) => {
        for (const name of ["slotbase pg-boss", "% listen"]) {
          const cut = await world.database.db`
            select pg_terminate_backend(pid) from pg_stat_activity where application_name like ${name}`
          if (cut.length === 0) troubles.push(`no connection is named ${name}`)
        }
      }),
  },
  {
    name: "disk-full",
    sentence: "The disk below the bookings is full under load, and then has room again.",
    recoverWithinMs: partWithinMs,
    short: true,
    inflict: fillDisk,
  },
  {
    name: "read-only",
    sentence: "The database takes no writes for a while, as after a failover.",
    recoverWithinMs: partWithinMs,
    inflict: (world, { short }) =>
      times(world, short ? 1 : 3, async (troubles) => {
        await setReadOnly(world, true)
        troubles.push(...(await allSay(world, "The database is read-only.")))
        await setReadOnly(world, false)
      }),
  },
]

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
      troubles.push(...(await allReadyAgain(world)))
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

/** The customers book all the time, so each server meets the trouble soon. */
async function allSay(world: World, reason: string): Promise<readonly string[]> {
  const told = await within(partWithinMs, async () => (await reasonsOf(world)).every((text) => text.includes(reason)))
  return told ? [] : [`not every server said "${reason}": ${(await reasonsOf(world)).join(" | ")}`]
}

async function allReadyAgain(world: World): Promise<readonly string[]> {
  const ready = await within(partWithinMs, async () => (await reasonsOf(world)).every((text) => text === "ready"))
  return ready ? [] : [`not every server was ready again: ${(await reasonsOf(world)).join(" | ")}`]
}

const reasonsOf = ({ processes }: World): Promise<readonly string[]> =>
  Promise.all(
    processes.of("server").map(async ({ address }) => {
      const answer = await fetch(`${address}/readyz`, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined)
      if (answer === undefined) return "no answer"
      return answer.status === 200 ? "ready" : ((await answer.json()) as { detail: string }).detail
    }),
  )
