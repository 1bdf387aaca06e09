// The comparison of two versions does not depend on how long one of them took.

import { expect, test } from "bun:test"
import type { Captured } from "#actors/shadow/capture.ts"
import { compareRuns } from "#actors/shadow/compare.ts"

const start = Date.parse("2030-06-03T10:00:00.250Z")
const begun = (afterMs: number) => ({ atMs: start + afterMs, nowMs: start + afterMs })
const wrote = (row: Readonly<Record<string, unknown>>) =>
  ({
    outcome: "done",
    reason: "",
    rows: [{ table: "slotbase.days", row }],
    deleted: {},
    events: [],
  }) as unknown as Captured
const iso = (afterMs: number) => new Date(start + afterMs).toISOString()

test("an instant that stood there before both, and one that each made a while after it began, are the same", () => {
  const old = wrote({ made: iso(-400), changed: iso(10), ends: iso(900_010) })
  const fresh = wrote({ made: iso(-400), changed: iso(1_900), ends: iso(901_900) })
  expect(compareRuns(old, begun(0), fresh, begun(800))).toEqual({ verdict: "same", nothing: false, lines: [] })
})

test("an id from shortly before both is the same, however long the first one took", () => {
  const hex = (start - 900).toString(16).padStart(12, "0")
  const row = wrote({ id: `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000` })
  expect(compareRuns(row, begun(0), row, begun(800)).verdict).toBe("same")
})

test("an instant that people chose, and one much later, differ", () => {
  const old = wrote({ chosen: "2030-06-04T10:00:00Z", ends: iso(900_000) })
  const chosen = compareRuns(old, begun(0), wrote({ chosen: "2030-06-04T10:00:01Z", ends: iso(900_000) }), begun(0))
  expect(chosen.verdict).toBe("different")
  const later = wrote({ chosen: "2030-06-04T10:00:00Z", ends: iso(960_000) })
  expect(compareRuns(old, begun(0), later, begun(0)).verdict).toBe("different")
})
