/**
 * The variables of a message: what the samples of its events have. A facility's own words may name these, whatever
 * branch of a condition they stand in. Pure.
 */

/** The names with a value of a sample, such as `data.bookerName`. The entries of a list have the list's name. */
export function variablesOf(views: readonly object[]): ReadonlyMap<string, unknown> {
  const found = new Map<string, unknown>()
  for (const view of views) collect(view, "", found)
  return found
}

function collect(value: unknown, name: string, found: Map<string, unknown>): void {
  if (name !== "" && (found.get(name) ?? null) === null) found.set(name, value ?? null)
  if (Array.isArray(value)) for (const each of value.slice(0, 3)) collectFields(each, name, found)
  else collectFields(value, name, found)
}

function collectFields(value: unknown, name: string, found: Map<string, unknown>): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return
  for (const [key, of] of Object.entries(value))
    if (of !== undefined) collect(of, name === "" ? key : `${name}.${key}`, found)
}

/** Whether words may name a variable, by the segments of its name. A segment that is computed is no string. */
export function isKnownVariable(segments: readonly unknown[], known: ReadonlySet<string>): boolean {
  const [last, before] = [segments.at(-1), segments.slice(0, -1)]
  if (before.length > 0 && last === "size") return isKnownVariable(before, known)
  if (!segments.every((each) => typeof each === "string" || typeof each === "number")) return false
  return known.has(segments.filter((each) => typeof each === "string" && !isPlace(each)).join("."))
}

/** The first or the last entry of a list. */
const isPlace = (segment: string) => segment === "first" || segment === "last"
