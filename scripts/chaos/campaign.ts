// The campaign: one fault after the other on one living system. After each, the customers pause, everything is let settle,
// and all promises are checked; what was seen outside is compared with what is written down.

import { percentile } from "#scripts/statistics.ts"
import type { Broken } from "#test/harness/promises/broken-promises.ts"
import { check, type Outside } from "./check.ts"
import { type Fault, givesUpAfterMs } from "./fault.ts"
import { startSpectator } from "./spectator.ts"
import { startWorld, type World } from "./world.ts"

export interface Line {
  readonly fault: string
  readonly times: number
  /** Processes that died by SIGKILL. */
  readonly kills: number
  /** Milliseconds, of each round, the shortest first. */
  readonly recoveredMs: readonly number[]
  /** Of these; undefined when nothing had to recover. */
  readonly recoveredP50Ms: number | undefined
  readonly recoveredMaxMs: number | undefined
  readonly lost: number
  readonly doubled: number
  /** Duplicates outside that are visible as attempts which failed or whose outcome is unknown. */
  readonly duplicates: number
  readonly verdict: string
  readonly note: string
}

export interface Outcome {
  readonly lines: readonly Line[]
  readonly broken: readonly (Broken & { readonly fault: string })[]
  readonly troubles: readonly string[]
  readonly kills: number
  readonly bookings: number
  readonly repeated: number
  readonly gaveUp: readonly string[]
}

export interface CampaignOptions {
  readonly faults: readonly Fault[]
  /** So many processes should die in this fault, if it has a share. */
  readonly killsOf: (fault: Fault) => number
  readonly short: boolean
  readonly seed: number
  readonly progress: (line: string) => void
  readonly servers?: number
  readonly actors?: number
  readonly pace?: number
  /** Told how to end everything at once, for whoever is interrupted. */
  readonly started?: (stop: () => Promise<void>) => void
}

/** In the short form, which runs beside other work, so long is enough for every fault that has a limit. */
const shortWithinMs = 15_000
/** In the long form, in which most processes die at once; as systemd and Kubernetes also wait. */
const restartMs = 2_500

/** Never throws for what a fault has broken; for what keeps it from going on, it does. */
export async function runCampaign(options: CampaignOptions): Promise<Outcome> {
  const { faults, killsOf, short, seed, progress } = options
  const { servers = 2, actors = 3, pace = 15 } = options
  const world = await startWorld({ servers, actors, pace, seed, restartMs: short ? 0 : restartMs, progress })
  options.started?.(world.stop)
  const spectator = startSpectator(world)
  const lines: Line[] = []
  const broken: (Broken & { fault: string })[] = []
  const troubles: string[] = []
  let position = 0
  let gaveUp = 0
  let unchecked: Outside | undefined
  try {
    for (const fault of faults) {
      const kills = world.crew.kills()
      const said = world.customers.troubles.length
      world.customers.resume()
      const inflicted = await fault.inflict(world, { kills: killsOf(fault), short })
      await world.customers.pause()
      const wrong: string[] = [...(inflicted.troubles ?? [])]
      await world.crew.allReady()
      await world.settled().catch((error: Error) => wrong.push(error.message))
      const outside = await outsideOf(world, unchecked)
      unchecked = undefined
      const found = await check(world.database.db, outside, position).catch((error: Error) => {
        // What was found before and what comes after does not go with it; the next check looks at all of this again.
        wrong.push(`the promises could not be checked: ${error.message}`)
        unchecked = outside
        return { position, broken: [], lost: 0, doubled: 0, explained: 0 }
      })
      wrong.push(...(await spectator.check(position)), ...world.customers.troubles.slice(said))
      position = found.position
      const recovered = [...inflicted.recoveredMs].sort((a, b) => a - b)
      const slowest = recovered.at(-1)
      const late = lateness(fault, short, slowest)
      if (late !== undefined) wrong.push(late)
      if (!fault.mayGiveUp) wrong.push(...world.crew.gaveUp.slice(gaveUp).map((each) => `by itself ${each}`))
      gaveUp = world.crew.gaveUp.length
      broken.push(...found.broken.map((each) => ({ ...each, fault: fault.name })))
      troubles.push(...wrong.map((trouble) => `${fault.name}: ${trouble}`))
      const line: Line = {
        fault: fault.name,
        times: inflicted.times,
        kills: world.crew.kills() - kills,
        recoveredMs: recovered,
        recoveredP50Ms: recovered.length === 0 ? undefined : percentile(recovered, 0.5),
        recoveredMaxMs: slowest,
        lost: found.lost,
        doubled: found.doubled,
        duplicates: found.explained,
        verdict: found.broken.length + wrong.length === 0 ? "kept" : "BROKEN",
        note: inflicted.note ?? "",
      }
      lines.push(line)
      progress(
        `${line.fault}: ${line.kills} kills, recovered ${line.recoveredP50Ms ?? "–"}/${line.recoveredMaxMs ?? "–"} ms, ${line.verdict}${line.note && ` (${line.note})`}`,
      )
      for (const each of found.broken) progress(`  ${each.promise}: ${each.what}: ${JSON.stringify(each.rows[0])}`)
      for (const each of wrong) progress(`  ${each}`)
    }
    return {
      lines,
      broken,
      troubles,
      kills: world.crew.kills(),
      bookings: world.customers.booked(),
      repeated: world.customers.repeated(),
      gaveUp: world.crew.gaveUp,
    }
  } finally {
    spectator.stop()
    await world.stop()
  }
}

/** What is wrong with the slowest recovery; undefined: nothing. */
function lateness({ recoverWithinMs }: Fault, short: boolean, slowestMs = 0): string | undefined {
  if (slowestMs >= givesUpAfterMs) return `work had not gone on after ${givesUpAfterMs} ms`
  const limitMs = recoverWithinMs !== undefined && short ? Math.max(recoverWithinMs, shortWithinMs) : recoverWithinMs
  return limitMs !== undefined && slowestMs > limitMs
    ? `work went on after ${slowestMs} ms, not within ${limitMs} ms`
    : undefined
}

/** @param before what was seen and could not be checked. */
async function outsideOf({ customers, receivers, mail }: World, before?: Outside): Promise<Outside> {
  return {
    told: new Map([...(before?.told ?? []), ...customers.take()]),
    booked: customers.booked(),
    requests: [...(before?.requests ?? []), ...receivers.take()],
    mails: [...(before?.mails ?? []), ...mail.mails.splice(0).map(({ messageId }) => messageId ?? "none")],
  }
}
