/** No file and no room reaches itself by its imports, types included. */

import { type Law, type Source, typescript, type Violation } from "./law.ts"
import { roomOf } from "./layout.ts"
import { importsOf } from "./reading/imports.ts"

type Graph = ReadonlyMap<string, readonly string[]>

export const noCirclesLaw: Law = {
  name: "no circle of imports",
  reads: [typescript],
  check: (sources) => {
    const files = filesOf(sources)
    const circles = [...circlesOf(files), ...circlesOf(roomsOf(files))]
    return circles.map(([first = "", ...others]): Violation => ({ file: first, says: `→ ${others.join(" → ")}` }))
  },
  broken: [
    {
      tree: {
        "src/base/a.ts": 'import { b } from "./b.ts"',
        "src/base/b.ts": 'import type { C } from "./c.ts"',
        "src/base/c.ts": 'type A = import("#base/a.ts").A',
      },
      says: ["src/base/a.ts → src/base/b.ts → src/base/c.ts → src/base/a.ts"],
    },
    { tree: { "src/base/a.ts": 'export * from "./a.ts"' }, says: ["src/base/a.ts → src/base/a.ts"] },
    {
      tree: {
        "actors/runs/a.ts": 'import { b } from "#actors/handlers/b.ts"',
        "actors/handlers/b.ts": "",
        "actors/handlers/c.ts": 'import { d } from "#actors/runs/d.ts"',
        "actors/runs/d.ts": "",
      },
      says: ["actors/runs → actors/handlers → actors/runs"],
    },
  ],
  kept: [
    {
      tree: {
        "src/base/a.ts": 'import { b } from "./b.ts"\nimport { c } from "./c.ts"',
        "src/base/b.ts": 'import { c } from "./c.ts"',
        "src/base/c.ts": '// import { a } from "./a.ts"',
      },
    },
  ],
}

function filesOf(sources: readonly Source[]): Graph {
  const known = new Set(sources.map(({ path }) => path))
  return new Map(
    sources.map((source) => [
      source.path,
      importsOf(source).flatMap(({ path }) => (path !== undefined && known.has(path) ? [path] : [])),
    ]),
  )
}

function roomsOf(files: Graph): Graph {
  const rooms = new Map<string, string[]>()
  for (const [path, imports] of files) {
    const own = roomOf(path)?.name ?? path
    const others = imports.map((each) => roomOf(each)?.name ?? each).filter((each) => each !== own)
    rooms.set(own, [...(rooms.get(own) ?? []), ...others])
  }
  return rooms
}

/**
 * One circle for each import that leads back to the start of the search. The list is empty exactly when there is no
 * circle.
 */
function circlesOf(graph: Graph): string[][] {
  const circles: string[][] = []
  const done = new Set<string>()
  const way: string[] = []
  const visit = (node: string) => {
    const met = way.indexOf(node)
    if (met >= 0) circles.push([...way.slice(met), node])
    if (met >= 0 || done.has(node)) return
    way.push(node)
    for (const next of new Set(graph.get(node))) visit(next)
    way.pop()
    done.add(node)
  }
  for (const node of graph.keys()) visit(node)
  return circles
}
