/** An exported name means one thing everywhere. A file has one path, and the path stays when an importer moves. */

import { type Exceptions, type Law, product, typescript, type Violation } from "./law.ts"
import { declaredExports, importsOf } from "./reading/imports.ts"

const inAndOut = "the same field in a request (request-fields) and in an event (fact-fields)"

/** Names that are the same on purpose. */
const allowed: Exceptions = {
  Currency: inAndOut,
  Email: inAndOut,
  Id: inAndOut,
  Instant: inAndOut,
  Money: inAndOut,
  Note: inAndOut,
  Timezone: inAndOut,
}

export const exportedOnceLaw: Law = {
  name: "a name is exported by one file",
  reads: [product],
  check: (sources) => {
    const files = new Map<string, string[]>()
    for (const source of sources)
      for (const name of declaredExports(source)) files.set(name, [...(files.get(name) ?? []), source.path])
    return [...files].flatMap(([name, [first = "", ...others]]): Violation[] =>
      others.length > 0 ? [{ file: first, says: `exports ${name}, as does ${others.join(", ")}`, about: name }] : [],
    )
  },
  exceptions: allowed,
  broken: [
    {
      tree: {
        "src/a.ts": "export const settle = 1\nexport type Plan = 1\nexport const { a, b: c } = d",
        "actors/b.ts":
          "export async function settle() {}\nexport abstract class Plan {}\nclass a {}\nexport { a, x as c }",
        "actors/c.ts": "export function* settle() {}",
      },
      says: [
        "src/a.ts exports settle, as does actors/b.ts, actors/c.ts",
        "src/a.ts exports Plan, as does actors/b.ts",
        "src/a.ts exports a, as does actors/b.ts",
        "src/a.ts exports c, as does actors/b.ts",
      ],
    },
    {
      tree: { "src/a.ts": "export const a = 1" },
      exceptions: { a: "a reason" },
      says: ["a is an exception that is not needed"],
    },
  ],
  kept: [
    {
      tree: {
        "src/a.ts": "export const Plan = 1\nexport type Plan = 1\nexport interface Other {}",
        "src/b.ts": '// export const Plan = 1\nconst text = "export const Plan = 1"\nexport { Plan } from "./a.ts"',
        "src/c.ts": 'import { Plan, type Other as Third } from "./a.ts"\nexport { Plan, type Third as Other }',
        "src/d.ts": "const Plan = 1\nexport default Plan",
      },
    },
    { tree: { "src/a.ts": "export enum A {}", "src/b.ts": "export let A = 1" }, exceptions: { A: "a reason" } },
  ],
}

export const subpathsLaw: Law = {
  name: "another folder is imported by its subpath",
  reads: [typescript],
  check: (sources) =>
    sources.flatMap((source) =>
      importsOf(source)
        .filter(({ name, path }) => /(^|\/)\.\.\//.test(name) && path !== "package.json")
        .map(({ name }) => ({ file: source.path, says: `imports ${name}` })),
    ),
  broken: [
    {
      tree: {
        "src/http/a.ts": 'import { b } from "../base/b.ts"',
        "src/http/b.ts": 'const c = await import("./../base/c.ts")\nexport type { D } from "#base/../events/d.ts"',
      },
      says: [
        "src/http/a.ts imports ../base/b.ts",
        "src/http/b.ts imports #base/../events/d.ts",
        "src/http/b.ts imports ./../base/c.ts",
      ],
    },
  ],
  kept: [
    {
      tree: {
        "src/base/version.ts": 'import manifest from "../../package.json" with { type: "json" }',
        "src/http/a.ts": 'import { b } from "./routes/b.ts"\nimport { c } from "#base/c.ts"\n// import "../d.ts"',
      },
    },
  ],
}
