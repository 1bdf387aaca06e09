// Each way to import is found, types included. An import in a comment or a string is not.

import { expect, test } from "bun:test"
import { declaredExports, importsOf } from "./imports.ts"

const names = (text: string) => importsOf({ path: "src/http/a.ts", text }).map(({ name }) => name)

test("each form of an import is found", () => {
  const text = `
    import a from "a"
    import * as b from 'b'
    import { c, type D as E } from "c"
    import type {
      F, // "not this"
    } from "f"
    export { g } from "g"
    export * from "h"
    export type * as I from "i"
    import "j"
    const k = await import("k"), l = import(\`l\`)
    type M = import("m").M & typeof import( "n" )`
  expect(names(text).sort()).toEqual([..."abcfghijklmn"])
})

test("comments, strings and other words are no imports", () => {
  const text = `
    // import a from "a"
    /* export * from "b" */
    const c = 'import d from "d"' + \`import("e")\`
    Array.from("f"); important("g"); export const from = "h"`
  expect(names(text)).toEqual([])
})

test("a path is found from the subpath or from the importer, and a package has none", () => {
  const text = 'import "./b.ts"; import "../c.ts"; import "#base/d.ts"; import "#actors/e.ts"; import "f"'
  const paths = importsOf({ path: "src/http/a.ts", text }).map(({ path }) => path)
  expect(paths).toEqual(["src/http/b.ts", "src/c.ts", "src/base/d.ts", "actors/e.ts", undefined])
})

test("only a whole statement of types is for types only: the other form still imports the file", () => {
  const text =
    'import type { A } from "a"\nexport type { B } from "b"\nimport { type C } from "c"\nimport type, { d } from "d"'
  expect(importsOf({ path: "a.ts", text }).map(({ typeOnly }) => typeOnly)).toEqual([true, true, false, false])
})

test("this program's own parser finds no import more at run time", async () => {
  const parser = new Bun.Transpiler({ loader: "ts" })
  const missed: string[] = []
  const root = `${import.meta.dir}/../../../..`
  for await (const path of new Bun.Glob("{src,actors,scripts,test}/**/*.ts").scan({ cwd: root })) {
    const text = await Bun.file(`${root}/${path}`).text()
    const found = new Set(importsOf({ path, text }).map(({ name }) => name))
    for (const { path: name } of parser.scanImports(text)) if (!found.has(name)) missed.push(`${path}: ${name}`)
  }
  expect(missed).toEqual([])
})

test("each name that a file declares and exports is found once, and a re-export is not", () => {
  const text = `
    import { far } from "./far.ts"
    export const a = 1
    export async function* b() {}
    export abstract class C {}
    export type C = 1
    export declare const enum D {}
    export const { e, f: g, h = 1 } = x
    export const [i, j] = y
    const k = 1, l = 2
    export { k, l as m, far }
    export { n } from "./n.ts"
    export default function o() {}
    // export const p = 1`
  const found = declaredExports({ path: "a.ts", text })
  expect(found).toEqual(["a", "b", "C", "D", "e", "g", "h", "i", "j", "k", "m"])
})
