/**
 * The laws of every file: a file is short, and opens by saying what it is. Tests wait for events, and never for a time.
 */

import { type Law, typescript } from "./law.ts"
import { openingOf } from "./reading/comments.ts"
import { importsOf } from "./reading/imports.ts"
import { codeOf } from "./reading/typescript.ts"

const longest = 400

export const fileLengthLaw: Law = {
  name: `no file has more than ${longest} lines`,
  reads: [typescript],
  check: (sources) =>
    sources
      .map(({ path, text }) => ({ file: path, lines: text.split("\n").length }))
      .filter(({ lines }) => lines > longest)
      .map(({ file, lines }) => ({ file, says: `has ${lines} lines` })),
  broken: [{ tree: { "src/a.ts": "\n".repeat(longest) }, says: [`src/a.ts has ${longest + 1} lines`] }],
  kept: [{ tree: { "src/a.ts": "\n".repeat(longest - 1) } }],
}

export const openingLaw: Law = {
  name: "every file opens by saying what it is",
  reads: [typescript],
  check: (sources) =>
    sources
      .filter(({ text }) => !/\w\W+\w.*[.!?:)]/.test(openingOf(text)))
      .map(({ path }) => ({ file: path, says: "does not open with a sentence" })),
  broken: [
    {
      tree: { "src/a.ts": "import b from 'b'\n// Too late.", "src/b.ts": "/** */\n// Too late.", "src/c.ts": "" },
      says: [
        "src/a.ts does not open with a sentence",
        "src/b.ts does not open with a sentence",
        "src/c.ts does not open with a sentence",
      ],
    },
  ],
  kept: [
    {
      tree: {
        "src/a.ts": "// Adds up.\n",
        "src/b.ts": "/**\n * Adds\n * up.\n */",
        "src/c.ts": "#!/bin/bun\n// Adds up.",
      },
    },
  ],
}

const sleeps = /\b(Bun\.sleep|Bun\.sleepSync|setTimeout|setInterval|Atomics\.wait)\b/

export const noSleepingLaw: Law = {
  name: "tests never sleep: only test/harness waits",
  reads: [/^test\/.*\.tsx?$/],
  check: (sources) =>
    sources
      .filter(({ path }) => !path.startsWith("test/harness/"))
      .flatMap((source) => {
        const called = sleeps.exec(codeOf(source.text))?.[0]
        const imported = importsOf(source).find(({ name }) => /^(node:)?timers(\/|$)/.test(name))?.name
        const by = called ?? imported
        return by === undefined ? [] : [{ file: source.path, says: `sleeps by ${by}` }]
      }),
  broken: [
    {
      tree: {
        "test/a.test.ts": "await Bun.sleep(1)",
        "test/b.test.ts": "await new Promise((end) => setTimeout(end, 1))",
        "test/c.test.ts": 'import { setTimeout as wait } from "node:timers/promises"\nawait wait(1)',
        "test/d.test.ts": 'const { scheduler } = await import("timers/promises")',
      },
      says: [
        "test/a.test.ts sleeps by Bun.sleep",
        "test/b.test.ts sleeps by setTimeout",
        "test/c.test.ts sleeps by setTimeout",
        "test/d.test.ts sleeps by timers/promises",
      ],
    },
  ],
  kept: [
    {
      tree: {
        "test/harness/wait.ts": "await Bun.sleep(1)",
        "test/a.test.ts": '// Bun.sleep(1)\nconst text = "setTimeout(end, 1)"',
      },
    },
  ],
}
