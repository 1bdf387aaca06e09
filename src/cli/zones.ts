/**
 * slotbase zones: names the edition of the zone data and what differs from it. Lists the bookings that a change of law
 * has moved by the clock. Then an operator decides for each facility what stays: the wall time or the instant.
 */
import type { Config } from "#base/config.ts"
import { connect, type Db } from "#base/database/db.ts"
import { reachDatabase } from "#base/database/open.ts"
import { isId } from "#base/ids.ts"
import { isZone, zoneDataVersion } from "#base/zones/zone-data.ts"
import { operatorContext } from "#events/operator.ts"
import { transact } from "#events/outbox.ts"
import { comparedYears, compareZones, differenceText, zonesInUse } from "#operations/zones/compare.ts"
import { type Keep, settleZone } from "#operations/zones/settle.ts"
import { type Unsettled, unsettledBookings } from "#operations/zones/standing.ts"
import type { Command } from "./command.ts"
import { requireMigrated } from "./require-migrated.ts"

const use = "./scripts/slotbase zones [keep-wall-time <facility id> | keep-instant <facility id>]"
const yearMs = 365 * 24 * 3_600_000
const shownPerFacility = 5
/** A facility is decided in one transaction, which changes thousands of bookings one by one. */
const patience = { queryDeadlineMs: 60_000, transactionDeadlineMs: 600_000 }

export const zones: Command = {
  name: "zones",
  words: ["decision", "facility"],
  description: "compare zone data, and decide what stays of bookings whose zone changed its clocks",
  run: async (config, [decision, facilityId]) => {
    const keep = decision === undefined ? undefined : keeps[decision]
    if (decision !== undefined && (keep === undefined || facilityId === undefined || !isId(facilityId))) {
      console.error(use)
      return 2
    }
    const database = await reachDatabase(config)
    const db = connect(database.url, { max: 2, applicationName: "slotbase zones", ...patience })
    try {
      await requireMigrated(database.url)
      return keep === undefined ? await list(db) : await decide(db, config, (facilityId ?? "").toLowerCase(), keep)
    } finally {
      await db.end()
      await database.stop()
    }
  },
}

const keeps: Readonly<Record<string, Keep>> = { "keep-wall-time": "wall-time", "keep-instant": "instant" }

async function list(db: Db): Promise<number> {
  const now = Date.now()
  const inUse = await zonesInUse(db)
  console.log(
    `Local time comes from the zone data ${zoneDataVersion}. Zones of facilities: ${inUse.join(", ") || "none"}`,
  )
  const unknown = inUse.filter((zone) => !isZone(zone))
  if (unknown.length > 0) {
    console.error(`This version does not know ${unknown.join(", ")}: start a newer version, or give them another zone.`)
    return 1
  }
  const differences = await compareZones(db, inUse, { start: now, end: now + comparedYears * yearMs })
  for (const difference of differences) console.log(`  ${differenceText(difference)}`)
  const open = new Map<string, Unsettled[]>()
  for await (const each of unsettledBookings(db)) {
    const found = open.get(each.facilityId) ?? []
    found.push(each)
    open.set(each.facilityId, found)
  }
  for (const [facilityId, bookings] of open) print(facilityId, bookings)
  if (open.size === 0) console.log("Every booking to come is at its agreed local time.")
  return open.size === 0 ? 0 : 1
}

function print(facilityId: string, bookings: readonly Unsettled[]): void {
  const [first] = bookings
  console.log(`
Facility ${facilityId} (${first?.timezone}): ${bookings.length} bookings are no longer at their agreed local time`)
  for (const { bookingId, agreedStart, presentStart } of bookings.slice(0, shownPerFacility))
    console.log(`  ${bookingId}  agreed ${agreedStart}, now ${presentStart}`)
  if (bookings.length > shownPerFacility) console.log(`  and ${bookings.length - shownPerFacility} more`)
  console.log(`Decide what stays, and tell the members:
  ./scripts/slotbase zones keep-wall-time ${facilityId}   the agreed time by the clock; the bookings move
  ./scripts/slotbase zones keep-instant ${facilityId}     the moment; the time by the clock is another one`)
}

async function decide(db: Db, config: Config, facilityId: string, keep: Keep): Promise<number> {
  const context = operatorContext(config.environment, "slotbase zones")
  const { result } = await transact(db, context, (tx) => settleZone(tx, facilityId, keep))
  const kept = keep === "instant" ? "keep their instant" : "keep their local time"
  console.log(result === 0 ? "Nothing was to be decided." : `${result} bookings ${kept}. Their members get a mail.`)
  return 0
}
