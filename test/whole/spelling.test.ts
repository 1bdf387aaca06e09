// One spelling rule for ids: every route does the same when all ids of a request come in upper case. That holds for its
// address, its query and its body. The rows of the matrix of rights are asked by those who may, and all still may.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { callsOf, type Verdict, verdictOf } from "./authorization/engine.ts"
import { matrix } from "./authorization/matrix.ts"
import { makeWorld, type World } from "./authorization/scene.ts"

let world: World
let shouting: World

beforeAll(async () => {
  world = await makeWorld()
  const { api } = world
  const call: typeof api.call = (method, path, options) =>
    api.call(method, inUpperCase(path) as string, { ...options, body: inUpperCase(options?.body) } as typeof options)
  shouting = { ...world, api: { ...api, call } }
})
afterAll(() => world.api.database.drop())

for (const row of matrix) {
  const calls = callsOf(row).filter(({ expected }) => expected === "may")
  if (calls.length === 0 || !/\/:/.test(row[0])) continue
  test(row[0], async () => {
    const things = new Map<string, Promise<string>>()
    const found: [string, Verdict][] = []
    for (const call of calls) {
      const { found: verdict } = await verdictOf(shouting, row, call, things)
      if (verdict !== "may") found.push([`${call.caller}, ${call.about}`, verdict])
    }
    expect(found).toEqual([])
  })
}

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g
const whole = new RegExp(`^${uuid.source}$`)

/** The ids of an address, or the values of a body that are ids, in upper case. */
function inUpperCase(value: unknown): unknown {
  if (typeof value === "string")
    return value.startsWith("/")
      ? value.replace(uuid, (id) => id.toUpperCase())
      : whole.test(value)
        ? value.toUpperCase()
        : value
  if (Array.isArray(value)) return value.map(inUpperCase)
  if (typeof value !== "object" || value === null || value instanceof FormData) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, inUpperCase(inner)]))
}
