// The list of floors and the folders that exist are the same.

import { expect, test } from "bun:test"
import { join } from "node:path"
import { floors, layoutErrors, roomOf, roomsToCome } from "./layout.ts"

const project = join(import.meta.dir, "../../..")

test("every room of the layout has files, and no street or room is missing from it", () => {
  const paths = [...new Bun.Glob("{src,actors,scripts,test}/**/*.{ts,tsx}").scanSync({ cwd: project })]
  expect(paths.length).toBeGreaterThan(0)
  expect(layoutErrors(paths)).toEqual([])
  const folders = new Set(paths.map((path) => path.split("/").slice(0, -1).join("/")))
  const streets = ["src", "src/domain", "src/outbound"]
  expect([...folders].filter((each) => !streets.includes(each) && roomOf(each) === undefined)).toEqual(["actors"])
})

test("a room without files and a room that has come get different messages", () => {
  const errors = layoutErrors(["src/a/b.ts", "src/d.ts"], ["src/a", "src/b", "src/c", "src/d.ts"], ["src/a", "src/c"])
  expect(errors).toEqual([
    "src/a has come: take it off the list of rooms to come",
    "src/b has no file: take it out of the floors",
  ])
})

test("a room has one floor, and the rooms to come have theirs", () => {
  expect(new Set(floors.flat()).size).toBe(floors.flat().length)
  expect(roomsToCome.filter((name) => !floors.flat().includes(name))).toEqual([])
})

test("a file belongs to the room with the longest name that fits", () => {
  expect(roomOf("actors/handlers/handler.ts")?.name).toBe("actors/handlers/handler.ts")
  expect(roomOf("actors/handlers/refund.ts")?.name).toBe("actors/handlers")
  expect(roomOf("test/harness/setup/server.ts")?.name).toBe("test/harness")
  expect(roomOf("test/whole/laws.test.ts")?.name).toBe("test")
  expect(roomOf("src/baseline/a.ts")).toBeUndefined()
})
