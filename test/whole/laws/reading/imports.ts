/** The imports of a TypeScript file, types included, and the names that it declares and exports. */

import { dirname, join } from "node:path"
import type { Source } from "#test/whole/laws/law.ts"
import { codeOf } from "./typescript.ts"

export interface Import {
  /** As written. */
  readonly name: string
  /** The path from the project's root of a file of the project; undefined for a package. */
  readonly path: string | undefined
  /** `import type` or `export type`: it does not exist at run time. */
  readonly typeOnly: boolean
  /** `import("…")`: loaded when the line runs. */
  readonly isDynamic: boolean
  /** The text between `import` and `from`; empty for an import without names. */
  readonly clause: string
}

const statement = /\b(?:import|export)\b((?:(?!\b(?:import|export)\b)[\w$\s{},*])*?)\bfrom\s*(["'])(_*)\2/dg
const bare = /\bimport()\s*(["'])(_*)\2/dg
const dynamic = /\bimport()\s*\(\s*(["'`])(_*)\2/dg

export function importsOf({ path, text }: Source): Import[] {
  const code = codeOf(text)
  return [statement, bare, dynamic].flatMap((pattern) =>
    [...code.matchAll(pattern)].map((match) => {
      const [from = 0, to = 0] = match.indices?.[3] ?? []
      const name = text.slice(from, to)
      const clause = match[1] ?? ""
      const typeOnly = /^\s*type\b(?!\s*,)/.test(clause)
      return { name, path: fileOf(name, path), typeOnly, isDynamic: pattern === dynamic, clause: clause.trim() }
    }),
  )
}

/** The subpaths are those of package.json: `#actors/…`, `#scripts/…`, `#test/…`, and `#…` for src. */
function fileOf(name: string, importer: string): string | undefined {
  if (name.startsWith(".")) return join(dirname(importer), name)
  if (/^#(actors|scripts|test)\//.test(name)) return name.slice(1)
  return name.startsWith("#") ? `src/${name.slice(1)}` : undefined
}

export function isPackage(name: string, ...packages: readonly string[]): boolean {
  return packages.some((each) => name === each || name.startsWith(`${each}/`))
}

const declaration =
  /\bexport\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:const\s+enum|function|const|let|class|interface|type|enum)\b\s*\*?\s*([\w$]+)/g
const unpacked = /\bexport\s+(?:const|let)\s*[{[]([^}\]]*)[}\]]/g
const listed = /\bexport\s+(?:type\s+)?\{([^}]*)\}(?!\s*from\b)/g

/** A re-export declares no name: it is another way to the same one. */
export function declaredExports(source: Source): string[] {
  const code = codeOf(source.text)
  const imported = new Set(importsOf(source).flatMap(({ clause }) => namesIn(clause).map(({ here }) => here)))
  const declared = [...code.matchAll(declaration)].map(([, name = ""]) => name)
  const inPattern = [...code.matchAll(unpacked)].flatMap(([, inner = ""]) => namesInPattern(inner))
  const inList = [...code.matchAll(listed)].flatMap(([, inner = ""]) => namesIn(inner))
  const names = [
    ...declared,
    ...inPattern,
    ...inList.filter((each) => !imported.has(each.there)).map(({ here }) => here),
  ]
  return [...new Set(names)]
}

/** `{ a, type b as c }`: the name in the other file and the one in this. */
export function namesIn(clause: string): { there: string; here: string }[] {
  return clause
    .replace(/[{}]/g, ",")
    .split(",")
    .map((name) => name.trim().replace(/^type\s+/, ""))
    .filter((name) => name !== "" && name !== "type")
    .map((name) => {
      const [there = "", here = there] = name.split(/\s+as\s+/)
      return { there, here }
    })
}

/** `{ a, b: c, d = 1 }`: the names that it gives, without their defaults. */
function namesInPattern(pattern: string): string[] {
  return pattern.split(",").flatMap((each) => each.replace(/=.*/s, "").match(/[\w$]+(?=\s*$)/g) ?? [])
}
