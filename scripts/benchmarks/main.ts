// The benchmarks. Each part prints a table, and can write its figures as JSON. All parts run on this machine's own
// PostgreSQL, started for the run with its durability on, and use only the loopback. A part that fails is named at the
// end, and does not stop the others.

import { parseArgs } from "node:util"
import { calendars } from "./calendars.ts"
import { connections } from "./connections.ts"
import { egress } from "./egress.ts"
import { fanout } from "./fanout.ts"
import { asRow, type Figure } from "./figure.ts"
import { growth } from "./growth.ts"
import { isolation } from "./isolation.ts"
import { jobs } from "./jobs.ts"
import { latency } from "./latency.ts"
import { memory } from "./memory.ts"
import { messages } from "./messages.ts"
import { firstPaint } from "./page.ts"
import type { Part } from "./part.ts"
import { pipeline } from "./pipeline.ts"
import { profile } from "./profile.ts"
import { reports } from "./reports.ts"
import { request } from "./request.ts"
import { endAll, endRun, isOver } from "./running.ts"
import { scale } from "./scale.ts"
import { several } from "./several.ts"
import { steady } from "./steady.ts"
import { strangers } from "./strangers.ts"
import { targetsOf } from "./targets.ts"
import { waiting } from "./waiting.ts"

const parts: readonly Part[] = [
  request,
  pipeline,
  steady,
  latency,
  isolation,
  messages,
  jobs,
  reports,
  fanout,
  connections,
  growth,
  scale,
  strangers,
  egress,
  waiting,
  calendars,
]
const use = "./scripts/bench [part…] [--short] [--json FILE]"
/** Parts that run only by name. */
const onRequest: readonly Part[] = [profile, memory, several, firstPaint]
const known = [...parts, ...onRequest]

const { values, positionals } = asked()
if (values.help) {
  console.log(`${use}\nThe parts are: ${known.map(({ name }) => name).join(", ")}.`)
  process.exit(0)
}
const unknown = positionals.find((name) => !known.some((part) => part.name === name))
if (unknown !== undefined) {
  console.error(`There is no part "${unknown}". The parts are: ${known.map((part) => part.name).join(", ")}.`)
  process.exit(2)
}
const wanted = positionals.length === 0 ? parts : known.filter((part) => positionals.includes(part.name))

const quit = (code: number) => void endRun().finally(() => process.exit(code))
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => quit(130))
for (const accident of ["uncaughtException", "unhandledRejection"] as const) {
  process.on(accident, (error) => {
    if (isOver()) return // work under way fails because the run was ended
    console.error(error)
    quit(1)
  })
}

const figures: Record<string, readonly Figure[]> = {}
const failed: string[] = []
for (const part of wanted) {
  console.log(`\n${part.name}: ${part.description}`)
  try {
    const progress = (line: string) => process.stderr.write(`  ${line}\n`)
    const rows = (await part.run({ short: values.short, progress })).map(asRow)
    figures[part.name] = rows
    console.table(rows)
  } catch (error) {
    if (isOver()) await new Promise(() => {}) // the process is about to end
    failed.push(part.name)
    console.error(`${part.name} failed: ${(error as Error).stack ?? error}`)
    await endAll()
  }
  // Written after each part, because later parts may fail and take long.
  if (values.json !== undefined) await Bun.write(values.json, `${JSON.stringify(figures, null, 2)}\n`)
}
if (figures.steady !== undefined) {
  console.log("\nThe targets of the way from commit to effect, in this run:")
  console.table(targetsOf(figures))
}
if (failed.length > 0) console.error(`\nNot measured: ${failed.join(", ")}.`)
process.exit(failed.length > 0 ? 1 : 0)

function asked() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        short: { type: "boolean", default: false },
        json: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    })
  } catch (error) {
    console.error(`${(error as Error).message}\n${use}`)
    process.exit(2)
  }
}
