// The manual agrees with the program: its links and paths exist, and its lists are those of the program.

import { expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { variables } from "#base/config.ts"
import { rates, turns } from "#base/limits/table.ts"
import { liveLimits } from "#outbound/live/limits.ts"
import { floors } from "./laws/layout.ts"

const project = join(import.meta.dir, "../..")
const pages = ["README.md", ...new Bun.Glob("docs/*.md").scanSync({ cwd: project })]
const textOf = (page: string) => Bun.file(join(project, page)).text()

/** Rooms that the manual announces, and files of its examples. */
const toCome = [
  ...["src/web/console/", "src/operations/console/"],
  ...["src/hooks/no-mondays.ts", "actors/handlers/welcome-drink.ts"],
]

test.each(pages)("every link of %s leads to a page and to a heading of it", async (page) => {
  const links = [...(await textOf(page)).matchAll(/\]\(([^):]+)\)/g)].map(([, target = ""]) => target)
  for (const link of links) {
    const [file = "", heading] = link.split("#")
    const target = join(dirname(page), file)
    expect(existsSync(join(project, target)), link).toBe(true)
    if (heading !== undefined) expect(headingsOf(await textOf(target)), link).toContain(heading)
  }
})

test.each(pages)("every path in %s is there", async (page) => {
  const paths = [...(await textOf(page)).matchAll(/`((?:src|actors|test|scripts|sql|docs|patches)\/[\w./-]*)`/g)]
  const missing = paths.map(([, path = ""]) => path).filter((path) => !existsSync(join(project, path)))
  expect(missing.filter((path) => !toCome.includes(path))).toEqual([])
})

test("no path that the manual announces is there already", () => {
  expect(toCome.filter((path) => existsSync(join(project, path)))).toEqual([])
})

test("docs/extending.md lists the floors of the laws", async () => {
  const [, chain = ""] = (await textOf("docs/extending.md")).match(/```\n(base <[^`]*)```/) ?? []
  expect(chain.split("<").map((name) => name.trim())).toEqual([...new Set(floors.map(nameOfFloor))])
})

test("docs/operating.md describes every variable of the configuration", async () => {
  const described = [...(await textOf("docs/operating.md")).matchAll(/^\| (`[^|]+) \|/gm)]
    .flatMap(([, names = ""]) => names.split(", "))
    .map((name) => name.replaceAll("`", ""))
    .filter((name) => /^[A-Z0-9_]+$/.test(name))
  expect(described.sort()).toEqual([...variables].sort())
})

test("docs/limits.md has the numbers of the program", async () => {
  const rows = [...(await textOf("docs/limits.md")).matchAll(/^\| `([^`]+)` \| (.*) \|$/gm)]
  const numbers = rows.map(([, name, cells = ""]) => [name, ...[...cells.matchAll(/[\d,]+/g)].flatMap(numberIn)])
  const { socketsPerUser, strangers, strangersOfAddress, guests, guestsOfAddress } = liveLimits
  expect(numbers).toEqual([
    ...Object.values(rates).map(({ name, burst, everyMs }) => [name, burst, everyMs]),
    ...Object.entries(turns).map(([name, { running, runningOfOne, waiting, waitingOfOne }]) => [
      ...[name, running, runningOfOne, waiting, waitingOfOne],
    ]),
    ...Object.entries({ socketsPerUser, strangers, strangersOfAddress, guests, guestsOfAddress }),
  ])
})

test("every page of docs/ is named in the README", async () => {
  const readme = await textOf("README.md")
  expect(pages.filter((page) => page !== "README.md" && !readme.includes(`(${page})`))).toEqual([])
})

/** The name of a floor in the manual. All floors of the actors are one. */
function nameOfFloor(rooms: readonly string[]): string {
  const names = rooms.map((room) => room.replace(/^src\/(domain\/)?|\.ts$/g, ""))
  if (names.every((name) => name.startsWith("actors/"))) return "actors"
  return names.length === 1
    ? names.join()
    : `outbound/{${names.map((name) => name.replace("outbound/", "")).join(", ")}}`
}

const headingsOf = (text: string) =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, "")
      .replaceAll(" ", "-"),
  )

/** A number in a table, such as "1,000". A comma between words is none. */
const numberIn = ([text]: RegExpMatchArray) => (/\d/.test(text) ? [Number(text.replaceAll(",", ""))] : [])
