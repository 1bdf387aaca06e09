// The plans of the statements as the program itself sends them: its process is started with auto_explain, which writes every
// plan, those inside functions included, into the server's log; the log is read back by SQL.

import type { Bench } from "#scripts/benchmarks/measure.ts"

/** The server must have been started with these for its log to be readable. */
export const logSettings = {
  logging_collector: "on",
  log_directory: "log",
  log_filename: "bench.log",
  log_rotation_size: "0",
  log_rotation_age: "0",
}

export interface Plan {
  /** The statement, its white space folded. */
  readonly statement: string
  /** The execution that touched the most pages, as explain (analyze, buffers) shows it. */
  readonly text: string
  readonly calls: number
  /** Touched by all calls together, what runs inside a function included. */
  readonly pages: number
}

/** A connection string whose sessions explain everything they run. */
export function explaining(url: string): string {
  const parameters = {
    session_preload_libraries: "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_buffers": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_nested_statements": "on",
    "auto_explain.log_parameter_max_length": "0",
  }
  return `${url}?${new URLSearchParams(parameters)}`
}

/** How long the log is now: plans are read from there on. */
export async function markLog({ sql }: Bench): Promise<number> {
  const [row] = await sql<[{ size: number }]>`select size from pg_stat_file('log/bench.log')`
  return row.size
}

/** The plans since the mark, the most expensive statement first. */
export async function readPlans({ sql }: Bench, mark: number): Promise<readonly Plan[]> {
  const [row] = await sql<[{ log: string }]>`
    select pg_read_file('log/bench.log', ${mark}::bigint, 1000000000) as log`
  const found = new Map<string, { text: string; calls: number; pages: number }>()
  for (const entry of row.log.split(/^(?=\d{4}-\d\d-\d\d .*\bLOG: )/m)) {
    const body = /LOG: {2}duration: .* plan:\n\tQuery Text: ([\s\S]*)/.exec(entry)?.[1]
    if (body === undefined) continue
    const at = body.search(/^\t[A-Z][A-Za-z ]+.*\(cost=/m)
    if (at < 0) continue
    const statement = body.slice(0, at).replace(/\s+/g, " ").trim()
    const text = (body.slice(at).split(contextLine)[0] ?? "").replace(/^\t/gm, "").trimEnd()
    const known = found.get(statement) ?? { text, calls: 0, pages: 0 }
    const worst = pagesOf(text) > pagesOf(known.text) ? text : known.text
    found.set(statement, { text: worst, calls: known.calls + 1, pages: known.pages + pagesOf(text) })
  }
  return [...found]
    .map(([statement, plan]) => ({ statement, ...plan }))
    .filter(({ statement }) => statement.includes("slotbase."))
    .sort((a, b) => b.pages - a.pages)
}

/** Where a plan that ran inside a function ends, and the function's name begins. */
const contextLine = /^\d{4}-\d\d-\d\d .*\bCONTEXT:/m

/** What must not be in a plan: a sequential scan of what grows, or a look for the head of the log that reads the table. */
export function faultsOf(plans: readonly Plan[]): readonly string[] {
  return plans.flatMap(({ statement, text }) => {
    const scanned = [...text.matchAll(/Seq Scan on (events_\d|event_positions|handler_batches|\w+_history)\w*/g)].map(
      ([found]) => found,
    )
    const looksForHead = /^(top := \()?select (coalesce\()?max\((p\.)?position\)/.test(statement)
    const readsTable = looksForHead && !text.includes("Index Only Scan Backward using event_positions_pkey")
    return [...new Set(scanned), ...(readsTable ? ["not index-only"] : [])].map((fault) => `${fault}: ${statement}`)
  })
}

/** The first line of buffers is that of the whole statement. */
function pagesOf(text: string): number {
  const line = /Buffers: shared(.*)/.exec(text)?.[1] ?? ""
  return [...line.matchAll(/(hit|read)=(\d+)/g)].reduce((sum, [, , count]) => sum + Number(count), 0)
}
