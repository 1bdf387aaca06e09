/**
 * slotbase figures rebuild: counts the daily figures anew from the log, and puts them in the place of those in use.
 * With --check it only says what differs. A facility is one transaction, so an interrupted command leaves each facility
 * as it was or rebuilt.
 */
import type { Config } from "#base/config.ts"
import { connect, type Db } from "#base/database/db.ts"
import { reachDatabase } from "#base/database/open.ts"
import { isId } from "#base/ids.ts"
import { facilitiesWithFigures, type Rebuilt, rebuildFigures } from "#domain/figures/rebuild.ts"
import { operatorContext } from "#events/operator.ts"
import { valuesOf, wordsOf } from "./arguments.ts"
import type { Command } from "./command.ts"
import { requireMigrated } from "./require-migrated.ts"

const taken = { name: "figures", words: ["action"], flags: ["--check"], options: ["--facility"] }
const use = "./scripts/slotbase figures rebuild [--facility ID] [--check]"
const shown = 20
/** The last step holds a facility's figures in one transaction. */
const patience = { queryDeadlineMs: 120_000, transactionDeadlineMs: 600_000 }

export const figures: Command = {
  ...taken,
  description: "figures rebuild: count the daily figures anew from the log; --check only compares",
  run: async (config, args) => {
    const [action] = wordsOf(taken, args)
    const { "--facility": facilityId } = valuesOf(taken, args)
    if (action !== "rebuild" || (facilityId !== undefined && !isId(facilityId))) {
      console.error(use)
      return 2
    }
    const database = await reachDatabase(config)
    const db = connect(database.url, { max: 2, applicationName: "slotbase figures", ...patience })
    try {
      await requireMigrated(database.url)
      return await rebuildAll(db, config, facilityId?.toLowerCase(), args.includes("--check"))
    } finally {
      await db.end()
      await database.stop()
    }
  },
}

async function rebuildAll(db: Db, config: Config, facilityId: string | undefined, check: boolean): Promise<number> {
  const all = await facilitiesWithFigures(db)
  const facilities = all.filter(({ id }) => facilityId === undefined || id === facilityId)
  if (facilities.length === 0) {
    console.error(facilityId === undefined ? "No facility has events." : `Facility ${facilityId} has no events.`)
    return facilityId === undefined ? 0 : 1
  }
  const context = operatorContext(config.environment, "slotbase figures rebuild")
  let unwell = 0
  for (const [nth, { id, name }] of facilities.entries()) {
    const onProgress = (events: number) => showProgress(`${nth + 1} of ${facilities.length}: ${name}, ${events} events`)
    const rebuilt = await rebuildFigures({ db, context }, id, { check, onProgress })
    showProgress("")
    if (rebuilt.refused !== undefined || (check && rebuilt.differences.length > 0)) unwell++
    report(id, name, rebuilt, check)
  }
  const done = check ? "agree with the log" : "are rebuilt"
  console.log(`${facilities.length - unwell} of ${facilities.length} facilities ${done}.`)
  return unwell === 0 ? 0 : 1
}

function report(id: string, name: string, { events, rows, differences, refused }: Rebuilt, check: boolean): void {
  if (refused !== undefined) {
    console.log(`${name} (${id}) stays as it is: ${refused}.`)
    return
  }
  const what = `${events} events give ${rows} rows`
  if (differences.length === 0) {
    console.log(`${name} (${id}): ${what}, the same as before.`)
    return
  }
  console.log(`${name} (${id}): ${what}. ${differences.length} figures ${check ? "differ" : "were replaced"}:`)
  for (const { day, resource_id, booking_type, measure, kept, counted } of differences.slice(0, shown))
    console.log(`  ${day} ${resource_id} ${booking_type || "-"} ${measure}: ${kept}, by the log ${counted}`)
  if (differences.length > shown) console.log(`  and ${differences.length - shown} more`)
}

/** One line that is written over, for people only. */
function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
}
