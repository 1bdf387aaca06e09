// The benchmarks. Each part prints a table and can write its figures as JSON; all are on this machine's own PostgreSQL,
// started for the run with its durability on, and talk to the loopback only.

import { parseArgs } from "node:util"
import { fanout } from "./fanout.ts"
import { growth } from "./growth.ts"
import { isolation } from "./isolation.ts"
import { latency } from "./latency.ts"
import { stopAll } from "./measure.ts"
import { pipeline } from "./pipeline.ts"
import { request } from "./request.ts"
import { scale } from "./scale.ts"

/** One line of a part's table. Times are milliseconds. */
export interface Figure {
  readonly name: string
  readonly eventsPerSecond?: number
  readonly p50Ms?: number
  readonly p99Ms?: number
  readonly [more: string]: number | string | undefined
}

export interface Part {
  readonly name: string
  readonly description: string
  readonly run: (options: { short: boolean; progress: (line: string) => void }) => Promise<readonly Figure[]>
}

const parts: readonly Part[] = [request, pipeline, latency, isolation, fanout, growth, scale]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { short: { type: "boolean", default: false }, json: { type: "string" } },
})
const wanted = parts.filter((part) => positionals.length === 0 || positionals.includes(part.name))
const unknown = positionals.filter((name) => !parts.some((part) => part.name === name))
if (unknown.length > 0) {
  console.error(`There is no part "${unknown[0]}". The parts are: ${parts.map((part) => part.name).join(", ")}.`)
  process.exit(2)
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void stopAll().finally(() => process.exit(130)))
}

const figures: Record<string, readonly Figure[]> = {}
for (const part of wanted) {
  console.log(`\n${part.name}: ${part.description}`)
  figures[part.name] = await part.run({ short: values.short, progress: (line) => process.stderr.write(`  ${line}\n`) })
  console.table(figures[part.name])
}
if (values.json !== undefined) await Bun.write(values.json, `${JSON.stringify(figures, null, 2)}\n`)
process.exit(0)
