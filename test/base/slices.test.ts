// A long computation lets others in, and answers in the order of its items.

import { expect, spyOn, test } from "bun:test"
import { inSlices } from "#base/slices.ts"

test("others run between the slices of a long computation, and the results keep their order", async () => {
  let turns = 0
  let computing = true
  const others = (async () => {
    for (; computing; turns++) await new Promise<void>((resume) => setImmediate(resume))
  })()
  const items = Array.from({ length: 10 }, (_, i) => i)
  const results = await inSlices(items, (item) => {
    // Ten milliseconds of work: more than a slice.
    for (const until = performance.now() + 10; performance.now() < until; ) {}
    return item * 2
  })
  computing = false
  await others
  expect(results).toEqual(items.map((item) => item * 2))
  expect(turns).toBeGreaterThanOrEqual(9)
})

test("a short computation is not interrupted", async () => {
  let interrupted = false
  setImmediate(() => {
    interrupted = true
  })
  // A pause of the collector counts as computing.
  const now = spyOn(performance, "now").mockReturnValue(performance.now())
  try {
    expect(await inSlices([1, 2, 3], (item) => item + 1)).toEqual([2, 3, 4])
    expect(interrupted).toBe(false)
  } finally {
    now.mockRestore()
  }
})

test("a computation that fails fails with its own error", async () => {
  const fail = () => {
    throw new Error("no")
  }
  await expect(inSlices([1], fail)).rejects.toThrow("no")
})
