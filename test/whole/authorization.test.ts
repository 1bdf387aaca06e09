// The rights to every route. Each row of the matrix (test/whole/authorization/matrix.ts) is tried by every caller. The
// callers act on somebody else's thing, their own, their child's, and across facilities. The test fails for a route
// without a row, and for a refusal that has written anything.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { createServer } from "#api/server.ts"
import { callers } from "./authorization/callers.ts"
import { callsOf, type Verdict, verdictOf } from "./authorization/engine.ts"
import { matrix } from "./authorization/matrix.ts"
import { makeWorld, type World } from "./authorization/scene.ts"

let world: World

beforeAll(async () => {
  world = await makeWorld()
})
afterAll(() => world.api.database.drop())

test("every route has one row, and every row a route", () => {
  const routes = createServer(world.api.app)
    .routes.filter(({ method, path }) => method !== "WS" && path.startsWith("/v1/"))
    .map(({ method, path }) => `${method} ${path}`)
  expect(matrix.map(([route]) => route).sort()).toEqual([...new Set(routes)].sort())
})

for (const row of matrix) {
  test(row[0], async () => {
    const things = new Map<string, Promise<string>>()
    const [found, expected]: [Record<string, Verdict>, Record<string, Verdict>] = [{}, {}]
    // Refused calls come first, while the things are unchanged.
    for (const call of callsOf(row).toSorted((a, b) => Number(a.expected === "may") - Number(b.expected === "may"))) {
      const name = `${callers[call.caller]}, ${call.about}`
      expected[name] = call.expected
      found[name] = await verdictOf(world, row, call, things)
    }
    expect(found).toEqual(expected)
  })
}
