// `./scripts/gallery [FOLDER] [--only WORD]… [--check]`: pictures of every state of the booking page, on a phone and on
// a desk, by day and by night. An index.html in the folder shows them side by side.

import { mkdir } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { parseArgs } from "node:util"
import { endRun, isOver } from "#scripts/benchmarks/running.ts"
import { type Taken, writeAlbum } from "./album.ts"
import { photograph } from "./camera.ts"
import { openScene, type Scene } from "./scene.ts"
import type { State } from "./state.ts"
import { states } from "./states/index.ts"

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: "string", multiple: true, default: [] }, check: { type: "boolean", default: false } },
})
const folder = resolve(positionals[0] ?? join(tmpdir(), "slotbase-gallery"))
const wanted = states.filter(({ name }) => values.only.length === 0 || values.only.some((word) => name.includes(word)))
if (wanted.length === 0) {
  console.error(
    `No state is called ${values.only.join(" or ")}. The states are: ${states.map(({ name }) => name).join(", ")}.`,
  )
  process.exit(2)
}

/** Between two states the clock of the database goes on by this much. */
const betweenSeconds = 20

const quit = (code: number) => void endRun().finally(() => process.exit(code))
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => quit(130))

try {
  await mkdir(folder, { recursive: true })
  const scene = await openScene()
  const taken: Taken[] = []
  const failed: string[] = []
  for (const [nth, state] of wanted.entries()) {
    const place = `${String(nth + 1).padStart(3)} of ${wanted.length}  ${state.name.padEnd(28)}`
    try {
      const faults = await takeState(scene, state, nth)
      taken.push({ name: state.name, title: state.title, faults })
      console.log([`${place}  ${state.title}`, ...faults.map((fault) => `        ${fault}`)].join("\n"))
    } catch (error) {
      if (isOver()) throw error
      failed.push(state.name)
      console.log(`${place}  not taken: ${error}`)
    }
  }
  await writeAlbum(folder, taken)
  console.log(`\n${join(folder, "index.html")} shows them side by side.`)
  if (failed.length > 0) console.error(`Not taken: ${failed.join(", ")}.`)
  quit(failed.length > 0 ? 1 : 0)
} catch (error) {
  if (!isOver()) console.error(error)
  quit(1)
}

async function takeState(scene: Scene, { name, isWhole, arrange }: State, nth: number): Promise<readonly string[]> {
  const opened = scene.browser.contexts().length
  try {
    await scene.startServer()
    await scene.clockAt(nth * betweenSeconds)
    return await photograph(await arrange(scene), { folder, name, isWhole: isWhole === true, withAxe: values.check })
  } catch (error) {
    // What was there instead.
    const page = scene.browser.contexts().at(-1)?.pages().at(-1)
    await page?.screenshot({ path: join(folder, `${name}-failed.png`) }).catch(() => {})
    throw error
  } finally {
    for (const context of scene.browser.contexts().slice(opened)) await context.close()
  }
}
