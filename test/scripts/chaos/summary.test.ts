// The table of a long campaign: one line for each kind of fault, with the rounds of all its faults.

import { expect, test } from "bun:test"
import type { FaultResult } from "#scripts/chaos/campaign.ts"
import { faults, kinds } from "#scripts/chaos/faults/index.ts"
import { summaryOf } from "#scripts/chaos/summary.ts"

const line = (fault: string, times: number, kills: number, duplicates: number, recoveredMs: number[]): FaultResult => ({
  fault,
  times,
  kills,
  duplicates,
  killedThere: undefined,
  recoveredMs,
  recoveredP50Ms: undefined,
  recoveredMaxMs: undefined,
  lost: 0,
  doubled: 0,
  verdict: "kept",
  note: "",
})

test("kills and duplicates are summed, the median is of all rounds, and a fault that was not inflicted has no line", () => {
  const table = summaryOf(
    [
      { what: "deaths", faults: [{ name: "one" }, { name: "two" }] },
      { what: "a flood", faults: [{ name: "three" }] },
      { what: "a poison", faults: [{ name: "four" }] },
    ],
    [line("one", 1, 2, 3, [1_000]), line("two", 2, 2, 0, [2_000, 4_140]), line("four", 1, 0, 0, [])],
  )
  expect(table.split("\n").slice(2)).toEqual([
    "| deaths | 1–2 each | 4 | 2.0 s | 4.1 s | 3 |",
    "| a poison | 1 | 0 |  |  | 0 |",
  ])
})

test("every fault belongs to exactly one kind", () => {
  const told = kinds.flatMap((kind) => kind.faults.map(({ name }) => name))
  expect(told.sort()).toEqual(faults.map(({ name }) => name).sort())
})
