// The laws of the layout: which part may import which, one source of events, and the length of files. A failure names
// the file and the law it breaks.

import { expect, test } from "bun:test"
import { dirname, join, relative } from "node:path"

const project = join(import.meta.dir, "../..")
const longestFile = 400

interface Source {
  path: string
  text: string
  /** Module names as written; relative ones as paths from the project's root. */
  imports: string[]
}

const sources = await read(["src", "actors", "scripts", "test"])
const src = sources.filter((file) => file.path.startsWith("src/"))

test("src never imports actors, except in the entry file", () => {
  const guilty = src.filter(
    (file) => file.path !== "src/main.ts" && file.imports.some((name) => name.startsWith("actors/")),
  )
  expect(paths(guilty)).toEqual([])
})

test("only src/http, src/api, routes and src/outbound/live import Elysia", () => {
  const mayImport =
    /^(src\/(http|api)\/|src\/outbound\/live\/|.*\/(routes(\/|\.ts$)|upload\.ts$)|src\/main\.ts$|test\/)/
  const guilty = sources.filter(
    (file) => !mayImport.test(file.path) && file.imports.some(isPackage("elysia", "@elysiajs")),
  )
  expect(paths(guilty)).toEqual([])
})

test("only actors import pg-boss", () => {
  const guilty = src.filter((file) => file.imports.some(isPackage("pg-boss")))
  expect(paths(guilty)).toEqual([])
})

test("src takes schemas and their answers from Effect, and nothing that runs", () => {
  const pure = /^(Schema\w*|JsonSchema|Result|Option)$/
  const guilty = src.flatMap((file) =>
    effectNames(file.text)
      .filter((name) => !pure.test(name))
      .map((name) => `${file.path} imports ${name}`),
  )
  expect(guilty).toEqual([])
})

test("events are inserted in one file only", () => {
  const inserting = sources.filter(
    (file) =>
      !file.path.startsWith("test/") &&
      !file.path.startsWith("scripts/") &&
      /insert into slotbase\.events\b/i.test(file.text),
  )
  expect(paths(inserting).length, `these insert events: ${paths(inserting).join(", ")}`).toBeLessThanOrEqual(1)
})

test("no file is longer than 400 lines", () => {
  const tooLong = sources
    .map((file) => ({ path: file.path, lines: file.text.split("\n").length }))
    .filter((file) => file.lines > longestFile)
  expect(tooLong).toEqual([])
})

test("tests never sleep: only the harness waits", () => {
  const sleeping = /\bBun\.sleep(Sync)?\(|\bsetTimeout\(|\bsetInterval\(|from "node:timers/
  const guilty = sources.filter(
    (file) =>
      file.path.startsWith("test/") &&
      !/^test\/(harness\/|whole\/laws\.test\.ts$)/.test(file.path) &&
      sleeping.test(file.text),
  )
  expect(paths(guilty)).toEqual([])
})

test("every file opens by saying what it is", () => {
  const silent = sources.filter((file) => !/^(#!.*\n)?(\/\/|\/\*)/.test(file.text))
  expect(paths(silent)).toEqual([])
})

async function read(folders: string[]): Promise<Source[]> {
  const found: Source[] = []
  for (const folder of folders) {
    const files = new Bun.Glob(`${folder}/**/*.{ts,tsx}`).scan({ cwd: project })
    for await (const path of files) {
      const text = await Bun.file(join(project, path)).text()
      found.push({ path, text, imports: importsOf(path, text) })
    }
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** By pattern and not by a parser, which leaves `import type` out: a type is a dependency too. */
function importsOf(path: string, text: string): string[] {
  const named = /(?:\bfrom|\bimport)\s*\(?\s*["']([^"'\n]+)["']/g
  return [...text.matchAll(named)].map(([, name = ""]) =>
    name.startsWith(".") ? relative(project, join(project, dirname(path), name)) : name,
  )
}

function isPackage(...packages: string[]) {
  return (name: string) => packages.some((each) => name === each || name.startsWith(`${each}/`))
}

/** What a file takes from Effect: the names out of `effect`, the modules of `effect/…` and `@effect/…`. */
function effectNames(text: string): string[] {
  const named = [...text.matchAll(/import\s+(?:type\s+)?([^"'()]*?)\s+from\s+["'](@?effect(?:\/[^"'\n]+)?)["']/g)]
  return named.flatMap(([, clause = "", module = ""]) => {
    if (module !== "effect") return [module.replace("effect/", "")]
    const braces = /\{([^}]*)\}/.exec(clause)?.[1]
    if (braces === undefined) return [clause]
    const names = braces.split(",").map((name) =>
      name
        .trim()
        .replace(/^type\s+/, "")
        .replace(/\s+as\s.*$/, ""),
    )
    return names.filter((name) => name !== "")
  })
}

function paths(files: Source[]): string[] {
  return files.map((file) => file.path)
}
