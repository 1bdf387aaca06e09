/**
 * A room imports only from floors below. So `http`, `domain` and `outbound` know no actor; only the entry file does. A
 * new file needs a room first, in `layout.ts`.
 */

import { type Law, typescript, type Violation } from "./law.ts"
import { roomOf } from "./layout.ts"
import { importsOf } from "./reading/imports.ts"

export const floorsLaw: Law = {
  name: "a room imports only from floors below",
  reads: [typescript],
  check: (sources) =>
    sources.flatMap((source) => {
      const file = source.path
      const own = roomOf(file)
      if (own === undefined) return [{ file, says: "stands in no room" }]
      return importsOf(source).flatMap(({ path }): Violation[] => {
        if (path === undefined || path === "package.json") return []
        const other = roomOf(path)
        if (other === undefined) return [{ file, says: `imports ${path}, which stands in no room` }]
        if (other.name === own.name || other.floor < own.floor) return []
        const place = other.floor === own.floor ? "beside" : "above"
        return [{ file, says: `imports ${path}: ${other.name} stands ${place} ${own.name}` }]
      })
    }),
  broken: [
    {
      tree: { "src/base/a.ts": 'import { b } from "#events/b.ts"' },
      says: ["src/base/a.ts imports src/events/b.ts: src/events stands above src/base"],
    },
    {
      tree: { "src/outbound/feed/a.ts": 'export type { B } from "#outbound/live/b.ts"' },
      says: [
        "src/outbound/feed/a.ts imports src/outbound/live/b.ts: src/outbound/live stands beside src/outbound/feed",
      ],
    },
    {
      tree: { "src/domain/club/a.ts": 'type A = import("#actors/runtime/actor.ts").Actor' },
      says: ["src/domain/club/a.ts imports actors/runtime/actor.ts: actors/runtime stands above src/domain/club"],
    },
    {
      tree: { "actors/runtime/a.ts": 'import "#actors/handlers/index.ts"' },
      says: ["actors/runtime/a.ts imports actors/handlers/index.ts: actors/handlers stands above actors/runtime"],
    },
    {
      tree: { "scripts/a.ts": 'import { b } from "#test/whole/b.ts"' },
      says: ["scripts/a.ts imports test/whole/b.ts: test stands above scripts"],
    },
    { tree: { "src/helpers.ts": "" }, says: ["src/helpers.ts stands in no room"] },
    { tree: { "src/domain/prices/a.ts": "" }, says: ["src/domain/prices/a.ts stands in no room"] },
    {
      tree: { "test/a.test.ts": 'import b from "./../docs/b.json"' },
      says: ["test/a.test.ts imports docs/b.json, which stands in no room"],
    },
  ],
  kept: [
    {
      tree: {
        "src/main.ts": 'import { startActors } from "#actors/index.ts"',
        "actors/index.ts": 'import { openServer } from "#api/server.ts"',
        "actors/handlers/refund.ts": 'import type { Handler } from "./handler.ts"',
        "src/domain/booking/routes/holds.ts": 'import { book } from "#domain/booking/book.ts"',
        "src/base/version.ts": 'import manifest from "../../package.json"',
        "scripts/check.ts": 'import { testServer } from "#test/harness/setup/server.ts"',
        "src/base/comments.ts":
          '// import { b } from "#events/b.ts"\nexport const text = `import { b } from "#events/b.ts"`',
      },
    },
  ],
}

const isBrowser = (path: string) => path.startsWith("src/web/")
/** Makes the first HTML of the booking page with the page's own functions. */
const server = /^src\/pages\//
const forBrowsers = /^src\/(web|api|outbound\/live)\//

export const browserLaw: Law = {
  name: "browser code takes types from src/api and src/outbound/live, and only src/pages and tests import it",
  reads: [typescript],
  check: (sources) =>
    sources.flatMap((source) => {
      const file = source.path
      const imports = importsOf(source).flatMap(({ path, typeOnly }) =>
        path === undefined ? [] : [{ path, typeOnly }],
      )
      const own = isBrowser(file)
      return imports.flatMap(({ path, typeOnly }): Violation[] => {
        const theirs = isBrowser(path)
        if (own && !forBrowsers.test(path)) return [{ file, says: `imports ${path}` }]
        if (own && !theirs && !typeOnly) return [{ file, says: `imports more than types from ${path}` }]
        if (theirs && !own && !file.startsWith("test/") && !server.test(file))
          return [{ file, says: `imports ${path}` }]
        return []
      })
    }),
  broken: [
    {
      tree: { "src/web/console/a.ts": 'import type { Clock } from "#base/clock.ts"' },
      says: ["src/web/console/a.ts imports src/base/clock.ts"],
    },
    {
      tree: { "src/web/console/a.ts": 'import { type Frame } from "#outbound/live/frames.ts"' },
      says: ["src/web/console/a.ts imports more than types from src/outbound/live/frames.ts"],
    },
    {
      tree: { "src/cli/a.ts": 'import { page } from "#web/console/page.ts"' },
      says: ["src/cli/a.ts imports src/web/console/page.ts"],
    },
  ],
  kept: [
    {
      tree: {
        "src/web/console/a.ts": 'import type { Frame } from "#outbound/live/frames.ts"\nimport { b } from "./b.ts"',
        "test/web/a.test.ts": 'import { b } from "#web/console/b.ts"',
      },
    },
  ],
}
