/** What runs by itself reports its state: nothing may die unseen. */

import { type Law, product } from "./law.ts"
import { importsOf } from "./reading/imports.ts"
import { codeOf } from "./reading/typescript.ts"

const runsByItself = /\b(setInterval|runFork)\b/
const reports = ["src/base/parts.ts", "src/base/health.ts"]

export const supervisedLaw: Law = {
  name: "what runs by itself reports to src/base/parts.ts or src/base/health.ts",
  reads: [product],
  check: (sources) =>
    sources.flatMap((source) => {
      const by = runsByItself.exec(codeOf(source.text))?.[0]
      if (by === undefined) return []
      const isReported = importsOf(source).some(({ path }) => path !== undefined && reports.includes(path))
      return isReported ? [] : [{ file: source.path, says: `runs by itself (${by}) and reports to nobody` }]
    }),
  exceptions: {
    "src/base/bounded/resident-memory.ts": "It watches one child, and ends with that child's task.",
    "actors/runtime/life-sign.ts":
      "A process without a life sign expires in the database, and the others take its work. Its actors report the database.",
    "src/web/booking/follow.ts": "It runs in browsers, and tells its reader when the server is away.",
    "src/web/booking/hold.tsx": "It runs in browsers: the countdown that a person sees.",
    "src/outbound/feed/tail.ts":
      "A question about the end of the log. A failed one is asked again; the database reports itself.",
    "src/outbound/live/live.ts":
      "A question whether sockets may still listen. A failed one is asked again; the database reports itself.",
  },
  broken: [
    {
      tree: {
        "src/base/a.ts": "setInterval(() => follow(), 1_000)",
        "actors/runtime/b.ts": 'import { Effect } from "effect"\nconst fiber = Effect.runFork(work)',
      },
      says: [
        "src/base/a.ts runs by itself (setInterval) and reports to nobody",
        "actors/runtime/b.ts runs by itself (runFork) and reports to nobody",
      ],
    },
  ],
  kept: [
    {
      tree: {
        "src/base/a.ts": 'import { parts } from "./parts.ts"\nsetInterval(() => parts.well("a"), 1_000)',
        "actors/runtime/b.ts": 'import { health } from "#base/health.ts"\nEffect.runFork(work)',
        "src/base/c.ts": '// setInterval(work, 1)\nconst text = "Effect.runFork(work)"\nsetTimeout(end, 1)',
      },
    },
  ],
}
