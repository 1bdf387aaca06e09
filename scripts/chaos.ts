// ./scripts/test chaos [--short] [--seed N] [--only NAME…] [--kills N] [--json FILE]
// The fault campaign: a living system on a PostgreSQL of its own, and everything that may happen to it, one fault after the
// other. Prints a table; ends with 1 when a promise was broken, with the seed and the rows.

import { parseArgs } from "node:util"
import { runCampaign } from "./chaos/campaign.ts"
import { faults } from "./chaos/faults/index.ts"

/** Processes that die in the long form besides the hundreds of vacuum-held-back; and in each fault of the short one. */
const longKills = 780
const shortKills = 2

const { values } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    seed: { type: "string" },
    only: { type: "string", multiple: true, default: [] },
    kills: { type: "string" },
    json: { type: "string" },
  },
})
const unknown = values.only.filter((name) => !faults.some((fault) => fault.name === name))
if (unknown.length > 0) {
  console.error(
    `There is no fault "${unknown[0]}". The faults are:\n${faults.map((fault) => `  ${fault.name}: ${fault.sentence}`).join("\n")}`,
  )
  process.exit(2)
}
const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000))
const chosen = faults.filter(({ name, short }) =>
  values.only.length > 0 ? values.only.includes(name) : !values.short || short,
)
const shares = chosen.reduce((sum, { share = 0 }) => sum + share, 0)
const kills = Number(values.kills ?? longKills)

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

console.table(outcome.lines)
console.log(
  `${outcome.kills} processes killed, ${outcome.bookings} bookings answered (${outcome.repeated} requests repeated), in ${elapsed()}`,
)
for (const each of outcome.gaveUp) console.log(`ended by itself: ${each}`)
for (const { fault, promise, what, count, rows } of outcome.broken) {
  console.log(`\nBROKEN ${promise} after ${fault}: ${what} (${count})`)
  for (const row of rows) console.log(`  ${JSON.stringify(row)}`)
}
for (const trouble of outcome.troubles) console.log(`\nBROKEN ${trouble}`)
if (values.json !== undefined) await Bun.write(values.json, `${JSON.stringify({ seed, ...outcome }, null, 2)}\n`)
const failed = outcome.broken.length + outcome.troubles.length > 0
if (failed) console.log(`\nThe same faults in the same order: ./scripts/test chaos --seed ${seed}`)
process.exit(failed ? 1 : 0)
