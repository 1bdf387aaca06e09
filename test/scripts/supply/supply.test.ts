// The dependencies of this project have no fault, and each kind of fault is found where it is planted.

import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import { faultsOf, programOf } from "#scripts/supply/faults.ts"
import { isAllowed, licenceOf } from "#scripts/supply/licences.ts"
import { noticesFile, noticesOf } from "#scripts/supply/notices.ts"
import { type LockedPackage, lockedPackages, type Project, readProject, tableOf } from "#scripts/supply/project.ts"

const root = join(import.meta.dir, "../../..")
const project = await readProject(root)

test("this project has no faulty dependency", () => {
  expect(faultsOf(project)).toEqual([])
  expect(project.locked.length).toBeGreaterThan(100)
})

test("the notices of this project are current; ./scripts/dependencies --record writes them", async () => {
  const notices = noticesOf(project)
  expect(await Bun.file(join(root, noticesFile)).text()).toBe(notices)
  for (const name of Object.keys(project.manifest.dependencies ?? {})) expect(notices).toContain(`\n${name} `)
  for (const right of ["Copyright 2020-2021 SmartBear Software Inc.", "DOMPurify"]) expect(notices).toContain(right)
  expect(notices).not.toContain("\ntypescript ")
})

const locked = (key: string, more: Partial<LockedPackage> = {}): LockedPackage => ({
  key,
  name: key,
  version: "1.0.0",
  integrity: "sha512-x",
  asks: [],
  isOfPlatform: false,
  ...more,
})
const installed = { version: "1.0.0", licence: "MIT", texts: [] }
const row = { licence: "MIT", purpose: "something" }

/** A project with a package of the program, which brings another, and a tool. */
const sound: Project = {
  manifest: { dependencies: { used: "1.0.0" }, devDependencies: { "@a/tool": "1.0.0", "@types/used": "1.0.0" } },
  locked: [locked("used", { asks: ["brought"] }), locked("brought"), locked("@a/tool"), locked("@types/used")],
  installed: new Map(["used", "brought", "@a/tool", "@types/used"].map((key) => [key, installed])),
  sources: [
    { path: "src/a.ts", text: 'import { use } from "used/part"\nuse()' },
    { path: "test/a.test.ts", text: 'import { tool } from "@a/tool"\nimport { join } from "node:path"\ntool(join())' },
  ],
  table: new Map(["used", "@a/tool", "@types/used"].map((name) => [name, row])),
}
const withInstalled = (key: string, licence: string | undefined, version = "1.0.0") =>
  new Map([...sound.installed, [key, { version, licence, texts: [] }]])
const withLocked = (key: string, more: Partial<LockedPackage>) =>
  sound.locked.map((each) => (each.key === key ? { ...each, ...more } : each))
const { dependencies, devDependencies } = sound.manifest

test("a sound project has no fault", () => {
  expect(faultsOf(sound)).toEqual([])
  expect(programOf(sound).map(({ key }) => key)).toEqual(["brought", "used"])
})

describe("found where it is planted:", () => {
  const planted: Record<string, [Partial<Project>, string[]]> = {
    "a dependency that is not used": [
      { sources: sound.sources.slice(1) },
      ["@types/used is not used.", "used is not used."],
    ],
    "a name in a comment is no use": [
      { sources: [{ path: "src/a.ts", text: "// used is used" }, ...sound.sources.slice(1)] },
      ["@types/used is not used.", "used is not used."],
    ],
    "a range": [
      { manifest: { ...sound.manifest, dependencies: { used: "^1.0.0" } } },
      ['used is not pinned: package.json has "^1.0.0".'],
    ],
    "an address in place of a version": [
      { manifest: { ...sound.manifest, dependencies: { used: "github:somebody/used" } } },
      ['used is not pinned: package.json has "github:somebody/used".'],
    ],
    "a dependency that is not locked": [
      { locked: sound.locked.filter(({ key }) => key !== "@a/tool") },
      ["@a/tool is not in bun.lock."],
    ],
    "another version in the lock": [
      { locked: withLocked("@a/tool", { version: "1.0.1" }) },
      ["@a/tool is 1.0.0 in package.json and 1.0.1 in bun.lock.", "@a/tool is 1.0.0 where it is installed, not 1.0.1."],
    ],
    "a package without a checksum": [
      { locked: withLocked("brought", { integrity: undefined }) },
      ["brought has no checksum in bun.lock."],
    ],
    "a package that is not installed": [
      { installed: new Map([...sound.installed].filter(([key]) => key !== "brought")) },
      ["brought is not installed: run ./scripts/start or ./scripts/test once."],
    ],
    "an import without a dependency": [
      {
        sources: [
          ...sound.sources,
          { path: "actors/b.ts", text: 'import b from "@b/c/d"\nb(await import("used"), require("e"))' },
        ],
      },
      [
        "@b/c is imported by actors/b.ts and is not in package.json.",
        "e is imported by actors/b.ts and is not in package.json.",
      ],
    ],
    "a dependency of the program that only tests use": [
      {
        manifest: {
          dependencies: { ...dependencies, "@a/tool": "1.0.0" },
          devDependencies: { "@types/used": "1.0.0" },
        },
      },
      ["@a/tool is used by tests and scripts alone: it belongs to devDependencies."],
    ],
    "a tool in the program": [
      { manifest: { dependencies: {}, devDependencies: { ...devDependencies, used: "1.0.0" } } },
      ["used is used by src/a.ts: it belongs to dependencies."],
    ],
    "a package without a licence": [{ installed: withInstalled("brought", undefined) }, ["brought names no licence."]],
    "a licence that is not allowed": [
      { installed: withInstalled("brought", "GPL-3.0-only") },
      ["brought has the licence GPL-3.0-only, which is not allowed."],
    ],
    "a dependency without a row": [
      {
        table: new Map([
          ["used", row],
          ["@types/used", row],
        ]),
      },
      ["@a/tool has no row in docs/dependencies.md that says what it is for."],
    ],
    "a row with another licence, and a row without a dependency": [
      { table: new Map([...sound.table, ["used", { ...row, licence: "ISC" }], ["gone", row]]) },
      [
        "gone has a row in docs/dependencies.md and is not in package.json.",
        "used has the licence MIT; docs/dependencies.md says ISC.",
      ],
    ],
  }
  for (const [name, [change, faults]] of Object.entries(planted))
    test(name, () => expect(faultsOf({ ...sound, ...change })).toEqual(faults.sort()))
})

test("a package of another platform need not be installed", () => {
  const other = locked("@x/darwin", { isOfPlatform: true })
  expect(faultsOf({ ...sound, locked: [...sound.locked, other] })).toEqual([])
})

test("expressions of licences are read with their choices", () => {
  for (const expression of ["MIT", "(MIT OR EUPL-1.1+)", "GPL-3.0 OR (ISC AND MIT)", "Apache-2.0 AND (MIT OR GPL-2.0)"])
    expect([expression, isAllowed(expression)]).toEqual([expression, true])
  for (const expression of ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT", "MIT)", "MIT ISC", "OR MIT", "MIT OR", "mit"])
    expect([expression, isAllowed(expression)]).toEqual([expression, false])
})

test("a licence is found in each form of package.json, and a text that names none is none", () => {
  expect(licenceOf({ license: "MIT" })).toBe("MIT")
  expect(licenceOf({ licenses: [{ type: "MIT" }, { type: "ISC" }] })).toBe("MIT OR ISC")
  expect(licenceOf({ license: { type: "ISC" } })).toBe("ISC")
  for (const none of [{}, { license: "" }, { license: "UNLICENSED" }, { license: "SEE LICENSE IN a.txt" }])
    expect(licenceOf(none)).toBeUndefined()
})

test("the lock file and the table are read as they are written", () => {
  const [a, b] = lockedPackages(`{ "packages": {
    "@a/b": ["@a/b@1.2.3", "", { "dependencies": { "c": "1" }, "peerDependencies": { "d": "1", "e": "1" }, "optionalPeers": ["e"] }, "sha512-x"],
    "@a/b/c": ["c@2.0.0", "", { "os": "linux" }],
  }, }`)
  expect(a).toEqual({
    key: "@a/b",
    name: "@a/b",
    version: "1.2.3",
    integrity: "sha512-x",
    asks: ["c", "d"],
    isOfPlatform: false,
  })
  expect(b).toEqual({ key: "@a/b/c", name: "c", version: "2.0.0", integrity: undefined, asks: [], isOfPlatform: true })
  expect([...tableOf("| package | licence | is for |\n| --- | --- | --- |\n| `a` | MIT | this |\n")]).toEqual([
    ["a", { licence: "MIT", purpose: "this" }],
  ])
})
