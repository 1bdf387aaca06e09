// The live client as a page loads it: small, and in one piece.

import { expect, test } from "bun:test"

test("the live client has less than 6 KB, minified and compressed, and takes nothing from elsewhere", async () => {
  const built = await Bun.build({
    entrypoints: [Bun.resolveSync("slotbase/live", import.meta.dir)],
    minify: true,
    target: "browser",
  })
  const [file, ...more] = built.outputs
  const text = (await file?.text()) ?? ""
  expect(more).toEqual([])
  expect(text).not.toMatch(/\b(import|require)\b\s*[("'{*]/)
  expect(Bun.gzipSync(new TextEncoder().encode(text)).length).toBeLessThan(6 * 1024)
})
