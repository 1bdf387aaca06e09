// The samples of a CPU profile, summed by file.

import { expect, test } from "bun:test"
import { byFile, noFile } from "#scripts/benchmarks/profile/cpu-profile.ts"

const node = (id: number, url: string, children: readonly number[] = []) => ({ id, callFrame: { url }, children })
const profile = {
  nodes: [
    node(1, "", [2, 5]),
    node(2, "file:///home/slotbase/actors/dispatcher.ts", [3, 4]),
    node(3, "node:crypto"),
    node(4, "file:///home/slotbase/node_modules/.bun/postgres@3/node_modules/postgres/src/index.js"),
    node(5, ""),
  ],
  startTime: 1_000_000,
  samples: [2, 2, 3, 4, 5, 5],
  timeDeltas: [1_000, 1_000, 500, 3_000, 200, 90_000],
}

test("code of the runtime counts for the file that called it, and a package counts as one file", () => {
  expect(byFile(profile, "/home/slotbase", 0)).toEqual([
    [noFile, 10_200],
    ["the package postgres", 3_000],
    ["actors/dispatcher.ts", 2_500],
  ])
})

test("samples from before the work began do not count", () => {
  expect(byFile(profile, "/home/slotbase", 1_002)).toContainEqual(["actors/dispatcher.ts", 1_500])
})
