// Reads the plans of the statements that the program itself sends. Its sessions load auto_explain, which writes every
// plan into the server's log, those inside functions included. SQL reads the log back.

import type { Bench } from "#scripts/benchmarks/measure.ts"

/** Settings that the server needs at its start, so that its log can be read. */
export const logSettings = {
  logging_collector: "on",
  log_directory: "log",
  log_filename: "bench.log",
  log_rotation_size: "0",
  log_rotation_age: "0",
}

export interface Plan {
  /** The statement, with single spaces. */
  readonly statement: string
  /** The plan of the execution that touched the most pages, as explain (analyze, buffers) shows it. */
  readonly text: string
  readonly calls: number
  /** Pages touched by all calls together, statements inside functions included. */
  readonly pages: number
}

/** A connection string whose sessions log the plan of every statement. */
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

/** The present length of the log. Plans are read from there on. */
export async function markLog({ sql }: Bench): Promise<number> {
  const [row] = await sql<[{ size: number }]>`select size from pg_stat_file('log/bench.log')`
  return row.size
}

/** The plans since the mark; the statement that touched the most pages is first. */
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

/** After the plan of a statement inside a function comes a line with the function's name. */
const contextLine = /^\d{4}-\d\d-\d\d .*\bCONTEXT:/m

/**
 * Mistakes in plans: a sequential scan of a table that grows, or a search for the head of the log that reads the table.
 */
export function faultsOf(plans: readonly Plan[]): readonly string[] {
  return plans.flatMap(({ statement, text }) => {
    const scanned = [...text.matchAll(/Seq Scan on (events_\d|event_positions|handler_batches|\w+_history)\w*/g)].map(
      ([found]) => found,
    )
    const searchesForHead = /^(top := \()?select (coalesce\()?max\((p\.)?position\)/.test(statement)
    const readsTable = searchesForHead && !text.includes("Index Only Scan Backward using event_positions_pkey")
    return [...new Set(scanned), ...(readsTable ? ["not index-only"] : [])].map((fault) => `${fault}: ${statement}`)
  })
}

/** The first line of buffers is the sum of the whole statement. */
function pagesOf(text: string): number {
  const line = /Buffers: shared(.*)/.exec(text)?.[1] ?? ""
  return [...line.matchAll(/(hit|read)=(\d+)/g)].reduce((sum, [, , count]) => sum + Number(count), 0)
}
