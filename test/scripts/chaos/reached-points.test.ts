// Every crash point is reached by the long form of the campaign, or is exempt by name.

import { expect, test } from "bun:test"
import { type CrashPoint, crashPoints } from "#base/crash-points.ts"
import { faults } from "#scripts/chaos/faults/index.ts"
import { exemptPoints, unreachedPoints } from "#scripts/chaos/faults/reached-points.ts"

const names = Object.keys(crashPoints) as CrashPoint[]
const killed = (killedThere: number | undefined, of: readonly string[]) => of.map((fault) => ({ fault, killedThere }))

test("every crash point has its fault in the long form, or its reason why not", () => {
  const inflicted = faults.map(({ name }) => name)
  expect(names.filter((name) => !inflicted.includes(name))).toEqual(Object.keys(exemptPoints) as CrashPoint[])
})

test("a long form in which a process died at every point leaves none", () => {
  expect(unreachedPoints(killed(1, names))).toEqual([])
})

test("a point whose fault killed nobody there is named, and so is one whose fault was not inflicted", () => {
  const [first = "key-claimed", second = "change-made", ...others] = names
  expect(unreachedPoints([...killed(0, [first]), ...killed(undefined, [second]), ...killed(2, others)])).toEqual([
    first,
    second,
  ])
  expect(unreachedPoints(killed(1, names.slice(1)))).toEqual([first])
})
