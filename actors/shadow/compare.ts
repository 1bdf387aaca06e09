/**
 * Compares what two versions of a handler did with one event. Ids and instants that were made during the run differ
 * each time. Such an id counts as a new one, and such an instant by its distance from the beginning. Pure.
 */

import type { Captured } from "./capture.ts"

export const verdicts = [
  "same",
  "different",
  "only_old",
  "only_new",
  "failed_old",
  "failed_new",
  "failed_both",
] as const
export type ShadowVerdict = (typeof verdicts)[number]

/** When a version began: by the program's clock, for ids, and by the database's clock, for instants. */
export interface Begun {
  readonly atMs: number
  readonly nowMs: number
}

export interface Compared {
  readonly verdict: ShadowVerdict
  /** Neither wrote or recorded anything. */
  readonly nothing: boolean
  /** Lines that only the old version (-) or only the new one (+) has. */
  readonly lines: readonly string[]
}

export function compareRuns(old: Captured, oldBegun: Begun, fresh: Captured, freshBegun: Begun): Compared {
  const sinceMs = Math.min(oldBegun.atMs, oldBegun.nowMs)
  const [before, after] = [linesOf(old, { ...oldBegun, sinceMs }), linesOf(fresh, { ...freshBegun, sinceMs })]
  const lines = [
    ...without(before, after).map((line) => `- ${line}`),
    ...without(after, before).map((line) => `+ ${line}`),
  ]
  const nothing = !hasEffects(old) && !hasEffects(fresh)
  return { verdict: verdictOf(old, fresh, lines), nothing, lines }
}

function verdictOf(old: Captured, fresh: Captured, lines: readonly string[]): ShadowVerdict {
  if (old.outcome === "failed") return fresh.outcome === "failed" ? "failed_both" : "failed_old"
  if (fresh.outcome === "failed") return "failed_new"
  if (lines.length === 0) return "same"
  if (!hasEffects(fresh) && hasEffects(old)) return "only_old"
  return !hasEffects(old) && hasEffects(fresh) ? "only_new" : "different"
}

const hasEffects = ({ rows, events, deleted }: Captured) =>
  rows.length + events.length + Object.keys(deleted).length > 0

function linesOf({ outcome, reason, rows, events, deleted }: Captured, begun: Since): string[] {
  const told = (value: unknown) => JSON.stringify(settled(value, begun))
  return [
    `${outcome}${reason === "" ? "" : `: ${reason}`}`,
    ...rows.map(({ table, row }) => `${table} ${told(row)}`).toSorted(),
    ...Object.entries(deleted).map(([table, count]) => `${table}: ${count} deleted`),
    ...events.map(({ type, data }) => `event ${type} ${told(data)}`),
  ]
}

/** The lines of the first list that the second lacks, each as often as it lacks it. */
function without(lines: readonly string[], others: readonly string[]): string[] {
  const left = [...others]
  return lines.filter((line) => {
    const at = left.indexOf(line)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
}

function settled(value: unknown, begun: Since): unknown {
  if (typeof value === "string") return settledText(value, begun)
  if (Array.isArray(value)) return value.map((each) => settled(each, begun))
  if (typeof value !== "object" || value === null) return value
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, each]) => [key, settled(each, begun)]))
}

/** `sinceMs`: when the first version began. An instant before it stood there already, for both versions. */
type Since = Begun & { readonly sinceMs: number }

/** How exactly a distance counts: on a busy machine one version takes a second longer than the other. */
const stepSeconds = 10
/** The clocks of a program and its database may be this far apart. */
const slackMs = 1_000

function settledText(text: string, { nowMs, sinceMs }: Since): string {
  if (uuid7.test(text)) {
    const madeMs = Number.parseInt(text.replace("-", "").slice(0, 12), 16)
    return madeMs >= sinceMs - slackMs ? "(new id)" : text
  }
  // What people choose has no fractions of a second.
  if (!instant.test(text)) return text
  const ms = Date.parse(text)
  if (ms < sinceMs || ms % 1_000 === 0) return text
  const steps = Math.round((ms - nowMs) / (stepSeconds * 1_000))
  return `(now + ${steps * stepSeconds} s)`
}

const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const instant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/
