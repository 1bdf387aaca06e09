// Each law runs over the project, over the small trees that it brings, and over nothing. `laws/index.ts` says how to
// add one.

import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import { laws } from "./laws/index.ts"
import { type Source, treeOf, violations } from "./laws/law.ts"

const project = join(import.meta.dir, "../..")
const sources = await read("{src,actors,scripts,test}/**/*.{ts,tsx}", "sql/*.sql", "README.md", "docs/*.{md,json}")

for (const law of laws) {
  describe(law.name, () => {
    test("holds in this project", () => {
      expect(violations(law, sources, law.exceptions)).toEqual([])
    })

    test("reads files of each of its kinds", () => {
      for (const pattern of law.reads) expect(sources.filter(({ path }) => pattern.test(path))).not.toEqual([])
    })

    test("fails when it reads nothing", () => {
      expect(violations(law, [])).toEqual([`nothing was read (${law.name})`])
      expect(violations(law, [{ path: "elsewhere/a.txt", text: "" }])).toEqual([`nothing was read (${law.name})`])
    })

    test("catches each tree that breaks it", () => {
      expect(law.broken).not.toEqual([])
      for (const example of law.broken)
        expect(violations(law, treeOf(example), example.exceptions)).toEqual(
          example.says.map((message) => `${message} (${law.name})`),
        )
    })

    test("passes each tree that keeps it", () => {
      expect(law.kept).not.toEqual([])
      for (const example of law.kept) expect(violations(law, treeOf(example), example.exceptions)).toEqual([])
    })
  })
}

test("every law of the folder is in the list", async () => {
  const listed = new Set<unknown>(laws)
  const missing: string[] = []
  for await (const path of new Bun.Glob("*.ts").scan({ cwd: join(import.meta.dir, "laws"), absolute: true }))
    if (!path.endsWith(".test.ts"))
      for (const [name, value] of Object.entries(await import(path)))
        if (name.endsWith("Law") && !listed.has(value)) missing.push(name)
  expect(missing).toEqual([])
})

async function read(...patterns: string[]): Promise<Source[]> {
  const paths: string[] = []
  for (const pattern of patterns)
    for await (const path of new Bun.Glob(pattern).scan({ cwd: project })) paths.push(path)
  return Promise.all(paths.sort().map(async (path) => ({ path, text: await Bun.file(join(project, path)).text() })))
}
