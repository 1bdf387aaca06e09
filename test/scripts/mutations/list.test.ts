// The list of mutations is valid while the program changes: texts to find, and tests that must fail.

import { expect, test } from "bun:test"
import { join } from "node:path"
import { mutations } from "#scripts/mutations/list.ts"
import { type Mutation, mutated } from "#scripts/mutations/mutation.ts"

const project = join(import.meta.dir, "../../..")
const a = { name: "a", file: "a.ts", find: "x = 1", replace: "x = $&", tests: [] }

test("the list has at least thirty mutations, each with its own name", () => {
  expect(mutations.length).toBeGreaterThanOrEqual(30)
  expect(new Set(mutations.map(({ name }) => name)).size).toBe(mutations.length)
})

test("each mutation changes its file", async () => {
  expect((await Promise.all(mutations.map(faultsOfText))).flat()).toEqual([])
})

test("each mutation names test files that exist", async () => {
  expect((await Promise.all(mutations.map(faultsOfTests))).flat()).toEqual([])
})

test("a mutation fails by its name when its text is missing or stands twice", () => {
  expect(mutated("let x = 1\n", a)).toBe("let x = $&\n")
  expect(() => mutated("let y = 1\n", a)).toThrow("a: the text to find stands 0 times in a.ts, and must once:\n  x = 1")
  expect(() => mutated("x = 1, x = 1", a)).toThrow("stands 2 times")
})

async function faultsOfText(mutation: Mutation): Promise<readonly string[]> {
  const { name, file } = mutation
  if (!(await exists(file))) return [`${name}: there is no ${file}`]
  const text = await Bun.file(join(project, file)).text()
  try {
    return mutated(text, mutation) === text ? [`${name}: changes nothing`] : []
  } catch (error) {
    return [(error as Error).message]
  }
}

async function faultsOfTests({ name, tests }: Mutation): Promise<readonly string[]> {
  if (tests.length === 0) return [`${name}: has no test`]
  const there = await Promise.all(tests.map(exists))
  return tests.filter((_, nth) => !there[nth]).map((path) => `${name}: there is no ${path}`)
}

const exists = (path: string) => Bun.file(join(project, path)).exists()
