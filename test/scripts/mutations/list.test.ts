// The list of mutations stays true while the program changes: each names a text that stands once, and tests that exist.

import { expect, test } from "bun:test"
import { join } from "node:path"
import { mutations } from "#scripts/mutations/list.ts"
import { mutated } from "#scripts/mutations/mutation.ts"

const project = join(import.meta.dir, "../../..")
const a = { name: "a", file: "a.ts", find: "x = 1", replace: "x = $&", tests: [] }

test("there are at least thirty, each with a name of its own", () => {
  expect(mutations.length).toBeGreaterThanOrEqual(30)
  expect(new Set(mutations.map(({ name }) => name)).size).toBe(mutations.length)
})

test("each changes one text that stands exactly once in its file, and names tests that exist", async () => {
  for (const mutation of mutations) {
    const text = await Bun.file(join(project, mutation.file)).text()
    expect(mutated(text, mutation), mutation.name).not.toBe(text)
    expect(mutation.tests.length, mutation.name).toBeGreaterThan(0)
    for (const path of mutation.tests) expect(await Bun.file(join(project, path)).exists(), path).toBe(true)
  }
})

test("a text that is missing, or stands twice, is refused by the name of the mutation", () => {
  expect(mutated("let x = 1\n", a)).toBe("let x = $&\n")
  expect(() => mutated("let y = 1\n", a)).toThrow("a: the text to find stands 0 times in a.ts, and must once:\n  x = 1")
  expect(() => mutated("x = 1, x = 1", a)).toThrow("stands 2 times")
})
