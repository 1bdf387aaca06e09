// The campaign: one fault after the other on one running system. After each fault the customers pause, all work is
// finished, and all promises are checked. Everything seen outside is compared with the tables.

import { percentile } from "#scripts/statistics.ts"
import type { Broken } from "#test/harness/promises/broken-promises.ts"
import { type Browsers, startBrowsers } from "./browsers.ts"
import { check, type Found, idOfMail, type Outside, withBroken } from "./check.ts"
import { type Fault, givesUpAfterMs } from "./fault.ts"
import { brokenLaws } from "./integrators/laws.ts"
import { startWorld, type World } from "./world.ts"

/** A line of the table. */
export interface FaultResult {
  readonly fault: string
  readonly times: number
  /** Processes that were killed by SIGKILL. */
  readonly kills: number
  /** Of these, the ones that died at the crash point of the fault; undefined for other faults. */
  readonly killedThere: number | undefined
  /** Milliseconds, of each round, ascending. */
  readonly recoveredMs: readonly number[]
  /** Median and maximum of these; undefined when nothing had to recover. */
  readonly recoveredP50Ms: number | undefined
  readonly recoveredMaxMs: number | undefined
  readonly lost: number
  readonly doubled: number
  /** Duplicates outside that are explained by attempts which failed or whose outcome is unknown. */
  readonly duplicates: number
  readonly verdict: string
  readonly note: string
}

export interface CampaignResult {
  readonly lines: readonly FaultResult[]
  readonly broken: readonly (Broken & { readonly fault: string })[]
  readonly troubles: readonly string[]
  readonly kills: number
  readonly bookings: number
  readonly repeated: number
  /** Of the integrators. */
  readonly acts: number
  readonly gaveUp: readonly string[]
}

export interface CampaignOptions {
  readonly faults: readonly Fault[]
  /** How many processes a fault should kill, if it has a share. */
  readonly killsOf: (fault: Fault) => number
  readonly short: boolean
  readonly seed: number
  readonly progress: (line: string) => void
  readonly servers?: number
  readonly actors?: number
  readonly pace?: number
  /** Only after the last fault, for a quick campaign; default: after each. */
  readonly checkOnce?: boolean
  /** Called with a function that ends everything at once, for an interrupt. */
  readonly started?: (stop: () => Promise<void>) => void
}

/** The short form runs beside other work, so it raises lower limits to this one. */
const shortWithinMs = 30_000
/** For the long form, in which most processes are killed at once. systemd and Kubernetes wait before a restart too. */
const restartMs = 2_500

/** Collects broken promises and troubles. Throws only when the campaign itself cannot go on. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const { faults, short, seed, progress } = options
  const { servers = 2, actors = 3, pace = 15 } = options
  const starts = { restartMs: short ? 0 : restartMs, manyStarts: !short }
  const world = await startWorld({ servers, actors, pace, seed, ...starts, progress })
  progress("everything has started")
  options.started?.(world.stop)
  const browsers = startBrowsers(world)
  const lines: FaultResult[] = []
  const broken: (Broken & { fault: string })[] = []
  const troubles: string[] = []
  const checks: Checks = { position: 0, upTo: 0, unchecked: undefined, earlier: new Set(), gaveUp: 0 }
  try {
    for (const fault of faults) {
      const { line, found, wrong } = await runFault(world, browsers, checks, fault, options)
      lines.push(line)
      broken.push(...found.broken.map((each) => ({ ...each, fault: fault.name })))
      troubles.push(...wrong.map((trouble) => `${fault.name}: ${trouble}`))
      report(line, found, wrong, progress)
    }
    return {
      lines,
      broken,
      troubles,
      kills: world.processes.kills(),
      bookings: world.customers.booked(),
      repeated: world.customers.repeated(),
      acts: world.integrators.acts(),
      gaveUp: world.processes.gaveUp,
    }
  } finally {
    browsers.stop()
    await world.stop()
  }
}

/** How far the checks have come. */
interface Checks {
  position: number
  /** All work of the events up to this position is done. */
  upTo: number
  /** Attempts and mails that had arrived at earlier checks: jobs record events and send them between two checks. */
  readonly earlier: Set<string>
  /** Requests, mails and answers that a failed check could not compare; the next check compares them. */
  unchecked: Outside | undefined
  /** How many of the processes that ended by themselves were reported. */
  gaveUp: number
}

type FaultFound = Omit<Found, "position">

/** Inflicts one fault, waits until all work is done, and checks everything. */
async function runFault(
  world: World,
  browsers: Browsers,
  checks: Checks,
  fault: Fault,
  { killsOf, short, faults, checkOnce = false }: CampaignOptions,
): Promise<{ line: FaultResult; found: FaultFound; wrong: readonly string[] }> {
  const { processes, customers, integrators } = world
  const before = { kills: processes.kills(), troubles: customers.troubles.length, acts: integrators.troubles.length }
  const checked = !checkOnce || fault === faults.at(-1)
  customers.resume()
  if (!fault.alone) integrators.resume()
  const inflicted = await fault.inflict(world, { kills: killsOf(fault), short })
  const wrong: string[] = [...(inflicted.troubles ?? [])]
  const found = checked ? await settleAndCheck(world, browsers, checks, wrong) : nothingFound
  wrong.push(...customers.troubles.slice(before.troubles), ...integrators.troubles.slice(before.acts))
  const recovered = [...inflicted.recoveredMs].sort((a, b) => a - b)
  const slowest = recovered.at(-1)
  const late = lateness(fault, short, slowest)
  if (late !== undefined) wrong.push(late)
  wrong.push(...processes.gaveUp.slice(checks.gaveUp).map((each) => `by itself ${each}`))
  checks.gaveUp = processes.gaveUp.length
  const line: FaultResult = {
    fault: fault.name,
    times: inflicted.times,
    kills: processes.kills() - before.kills,
    killedThere: inflicted.killedThere,
    recoveredMs: recovered,
    recoveredP50Ms: recovered.length === 0 ? undefined : percentile(recovered, 0.5),
    recoveredMaxMs: slowest,
    lost: found.lost,
    doubled: found.doubled,
    duplicates: found.explained,
    verdict: found.broken.length + wrong.length > 0 ? "BROKEN" : inflicted.leftOut === undefined ? "kept" : "left out",
    note: inflicted.leftOut ?? inflicted.note ?? "",
  }
  return { line, found, wrong }
}

const nothingFound: FaultFound = { broken: [], lost: 0, doubled: 0, explained: 0 }

/** Customers and integrators pause, all work ends, and everything is checked. @param wrong gets what went wrong. */
async function settleAndCheck(world: World, browsers: Browsers, checks: Checks, wrong: string[]): Promise<FaultFound> {
  const { processes, customers, integrators } = world
  const since = checks.position
  await integrators.pause()
  await customers.pause()
  await processes.allReady()
  await integrators.finish().catch((error: Error) => wrong.push(error.message))
  checks.upTo = await world.settled().catch((error: Error) => {
    wrong.push(error.message)
    return Number.MAX_SAFE_INTEGER
  })
  const found = await checkOutside(world, checks).catch((error: Error) => {
    wrong.push(`the promises could not be checked: ${error.message}`)
    return nothingFound
  })
  wrong.push(...(await browsers.check(since)), ...integrators.receiver.takeTroubles())
  return found
}

/** Checks everything since the last check that succeeded. Throws when the check itself fails. */
async function checkOutside(world: World, checks: Checks): Promise<FaultFound> {
  const { customers, receivers, integrators, mail, database, processes } = world
  const { unchecked } = checks
  checks.unchecked = {
    told: new Map([...(unchecked?.told ?? []), ...customers.take()]),
    booked: customers.booked(),
    requests: [...(unchecked?.requests ?? []), ...receivers.take(), ...integrators.receiver.take()],
    mails: [...(unchecked?.mails ?? []), ...mail.mails.splice(0).map(({ messageId }) => idOfMail(messageId ?? "none"))],
    earlier: checks.earlier,
  }
  const outside = checks.unchecked
  const found = await check(database.db, outside, checks.position, checks.upTo)
  checks.unchecked = undefined
  for (const id of [...outside.requests.map(({ attempt }) => attempt), ...outside.mails]) checks.earlier.add(id)
  checks.position = found.position
  const servers = processes.of("server").map(({ address }) => address)
  return withBroken(found, await brokenLaws(integrators, servers))
}

/** A sentence when the slowest recovery was too slow; undefined when it was in time. */
function lateness({ recoverWithinMs }: Fault, short: boolean, slowestMs = 0): string | undefined {
  if (slowestMs >= givesUpAfterMs) return `work had not gone on after ${givesUpAfterMs} ms`
  const limitMs = recoverWithinMs !== undefined && short ? Math.max(recoverWithinMs, shortWithinMs) : recoverWithinMs
  return limitMs !== undefined && slowestMs > limitMs
    ? `work went on after ${slowestMs} ms, not within ${limitMs} ms`
    : undefined
}

function report(line: FaultResult, found: FaultFound, wrong: readonly string[], progress: (line: string) => void) {
  const recovered = `recovered ${line.recoveredP50Ms ?? "–"}/${line.recoveredMaxMs ?? "–"} ms`
  const note = line.note && ` (${line.note})`
  progress(`${line.fault}: ${line.kills} kills, ${recovered}, ${line.verdict}${note}`)
  for (const each of found.broken) progress(`  ${each.promise}: ${each.what}: ${JSON.stringify(each.rows[0])}`)
  for (const each of wrong) progress(`  ${each}`)
}
