/**
 * The places of the large libraries, so that each can be replaced in one place. Tests are free, and so are scripts but
 * for Elysia: a benchmark runs pg-boss as a competitor.
 */

import { type Law, product } from "./law.ts"
import { importsOf, isPackage, namesIn } from "./reading/imports.ts"

const addresses = /^src\/(http|api|outbound\/live)\/|\/routes(\/|\.ts$)/
const runtime = /^actors\/(runtime\/|index\.ts$)/
const pure = /^(Schema\w*|JsonSchema|Result|Option)$/

export const elysiaLaw: Law = stays("Elysia stays in src/http, src/api, routes and src/outbound/live", addresses, [
  "elysia",
  "@elysiajs",
])

export const pgBossLaw: Law = stays("pg-boss stays in actors/runtime and actors/index.ts", runtime, ["pg-boss"])

export const effectLaw: Law = {
  name: "Effects run in actors/runtime and actors/index.ts; the rest takes schemas and their answers from Effect",
  reads: [product],
  check: (sources) =>
    sources
      .filter(({ path }) => !runtime.test(path))
      .flatMap((source) =>
        importsOf(source)
          .flatMap(({ name, clause }) => takenFromEffect(name, clause))
          .filter((name) => !pure.test(name))
          .map((name) => ({ file: source.path, says: `takes ${name} from Effect` })),
      ),
  broken: [
    {
      tree: {
        "src/base/a.ts": 'import { Effect, type Option } from "effect"',
        "src/base/b.ts": 'import * as Fiber from "effect/Fiber"',
        "src/base/c.ts": 'import * as everything from "effect"',
        "actors/runs/d.ts": 'import type { HttpClient } from "@effect/platform"',
        "actors/runs/e.ts": 'const { Effect } = await import("effect")',
      },
      says: [
        "src/base/a.ts takes Effect from Effect",
        "src/base/b.ts takes Fiber from Effect",
        "src/base/c.ts takes * from Effect",
        "actors/runs/d.ts takes @effect/platform from Effect",
        "actors/runs/e.ts takes everything from Effect",
      ],
    },
  ],
  kept: [
    {
      tree: {
        "src/base/a.ts":
          'import * as Schema from "effect/Schema"\nimport { Result, SchemaIssue as Issue } from "effect"',
        "actors/runtime/actor.ts": 'import { Effect } from "effect"',
        "actors/index.ts": 'import { Effect, Fiber } from "effect"',
      },
    },
  ],
}

function stays(name: string, place: RegExp, packages: readonly string[]): Law {
  const [first = ""] = packages
  const where = place === runtime ? "actors/runtime/a.ts" : "src/domain/booking/routes/a.ts"
  return {
    name,
    reads: place === addresses ? [product, /^scripts\/.*\.tsx?$/] : [product],
    check: (sources) =>
      sources
        .filter(({ path }) => !place.test(path))
        .flatMap((source) =>
          importsOf(source)
            .filter((each) => isPackage(each.name, ...packages))
            .map((each) => ({ file: source.path, says: `imports ${each.name}` })),
        ),
    broken: packages.map((each) => ({
      tree: { "src/domain/booking/book.ts": `import type { Any } from "${each}/any"` },
      says: [`src/domain/booking/book.ts imports ${each}/any`],
    })),
    kept: [{ tree: { [where]: `import { any } from "${first}"`, "src/base/a.ts": `// import "${first}"` } }],
  }
}

/** The names taken from `effect`; for `effect/…` and `@effect/…` the module. */
function takenFromEffect(name: string, clause: string): string[] {
  if (isPackage(name, "@effect")) return [name]
  if (!isPackage(name, "effect")) return []
  if (name !== "effect") return [name.replace("effect/", "")]
  return clause === "" ? ["everything"] : namesIn(clause.replace(/^type\s/, "")).map(({ there }) => there)
}
