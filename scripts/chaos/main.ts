// ./scripts/test chaos [--short] [--seed N] [--only NAME…] [--kills N] [--json FILE] [--help]
//
// The fault campaign: one fault after the other on a running system with a PostgreSQL of its own. It prints a table.
// When a promise was broken, it prints the rows and the seed, and exits with 1.

import { runCampaign } from "./campaign.ts"
import { faults, kinds } from "./faults/index.ts"
import { unreachedPoints } from "./faults/reached-points.ts"
import { BadOption, listOf, type Options, parseOptions, usage } from "./options.ts"
import { summaryOf } from "./summary.ts"

/** Kills of the long form, shared among the faults; vacuum-held-back adds hundreds more. */
const longKills = 780
/** Kills of each fault in the short form. */
const shortKills = 2
/** The long form fails with fewer kills. */
const leastKills = 1_000

const values = options()
if (values.help) {
  console.log(`${usage}\n${listOf(faults)}`)
  process.exit(0)
}
const seed = values.seed ?? 1 + Math.floor(Math.random() * 1_000_000)
const chosen = faults.filter(({ name, short }) =>
  values.only.length > 0 ? values.only.includes(name) : !values.short || short,
)
const shares = chosen.reduce((sum, { share = 0 }) => sum + share, 0)
const kills = values.kills ?? longKills

const started = performance.now()
const elapsed = () => `${Math.round((performance.now() - started) / 1000)} s`
console.log(`seed ${seed}, ${chosen.length} faults`)
const outcome = await runCampaign({
  faults: chosen,
  killsOf: ({ share = 0 }) =>
    values.short && values.kills === undefined
      ? shortKills
      : Math.max(1, Math.ceil((kills * share) / Math.max(1, shares))),
  short: values.short,
  seed,
  actors: values.short ? 3 : 4,
  servers: values.short ? 2 : 3,
  started: (stop) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const)
      process.once(signal, () => stop().finally(() => process.exit(130)))
  },
  progress: (line) => console.log(`${elapsed().padStart(6)}  ${line}`),
})

console.table(outcome.lines.map(({ recoveredMs, ...line }) => line))
if (!values.short) console.log(`\n${summaryOf(kinds, outcome.lines)}\n`)
console.log(
  `${outcome.kills} processes killed, ${outcome.bookings} bookings answered (${outcome.repeated} requests repeated), ${outcome.acts} acts of integrators, in ${elapsed()}`,
)
for (const { fault, verdict, note } of outcome.lines)
  if (verdict === "left out") console.log(`left out: ${fault}: ${note}`)
for (const each of outcome.gaveUp) console.log(`ended by itself: ${each}`)
for (const { fault, promise, what, count, rows } of outcome.broken) {
  console.log(`\nBROKEN ${promise} after ${fault}: ${what} (${count})`)
  for (const row of rows) console.log(`  ${JSON.stringify(row)}`)
}
for (const trouble of outcome.troubles) console.log(`\nBROKEN ${trouble}`)
if (values.json !== undefined) await Bun.write(values.json, `${JSON.stringify({ seed, ...outcome }, null, 2)}\n`)
const tooFew = !values.short && values.only.length === 0 && values.kills === undefined && outcome.kills < leastKills
if (tooFew) console.log(`\nBROKEN only ${outcome.kills} processes were killed, not ${leastKills}`)
const unreached = values.short || values.only.length > 0 ? [] : unreachedPoints(outcome.lines)
for (const point of unreached) console.log(`\nBROKEN no process died at the crash point ${point}`)
const failed = tooFew || unreached.length > 0 || outcome.broken.length + outcome.troubles.length > 0
if (failed) console.log(`\nThe same faults in the same order: ./scripts/test chaos --seed ${seed}`)
process.exit(failed ? 1 : 0)

/** Ends the process when the arguments are invalid. */
function options(): Options {
  try {
    return parseOptions(process.argv.slice(2), faults)
  } catch (error) {
    if (!(error instanceof BadOption)) throw error
    console.error(error.message)
    process.exit(2)
  }
}
