// The crash points: each is named once, is reached where its sentence says, and ends the process only when armed.

import { afterEach, expect, test } from "bun:test"
import { join } from "node:path"
import { arm, type CrashPoint, crashPoints, reached } from "#base/crash-points.ts"

const project = join(import.meta.dir, "../..")
const names = Object.keys(crashPoints)

afterEach(() => arm([]))

/** Every `reached("…")` in the program, with its file. */
async function calls(): Promise<{ name: string; file: string }[]> {
  const found: { name: string; file: string }[] = []
  for await (const file of new Bun.Glob("{src,actors}/**/*.ts").scan({ cwd: project })) {
    const text = await Bun.file(join(project, file)).text()
    for (const [, name = ""] of text.matchAll(/\breached\("([^"]+)"/g)) found.push({ name, file })
  }
  return found
}

test("every named point is reached somewhere in the program", async () => {
  const called = new Set((await calls()).map(({ name }) => name))
  expect(names.filter((name) => !called.has(name))).toEqual([])
})

test("no point in the program is without a name", async () => {
  expect((await calls()).filter(({ name }) => !names.includes(name))).toEqual([])
})

test("nothing in the program arms a point: no setting and no request can crash it", async () => {
  const arming: string[] = []
  for await (const file of new Bun.Glob("{src,actors}/**/*.ts").scan({ cwd: project })) {
    const text = await Bun.file(join(project, file)).text()
    if (file !== "src/base/crash-points.ts" && /\barm\b[^\n]*crash-points/.test(text)) arming.push(file)
  }
  expect(arming).toEqual([])
})

test("a point that is not armed does nothing", () => {
  for (const name of names) reached(name as CrashPoint)
  arm([{ point: "after-commit", nth: 1, event: "one" }])
  reached("after-commit", "another")
  reached("before-commit", "one")
})

test("an armed point ends the process by SIGKILL when it is reached for the n-th time, before any later statement", async () => {
  const program = `
    import { arm, reached } from "./src/base/crash-points.ts"
    arm([{ point: "after-commit", nth: 3 }])
    for (let n = 1; n <= 5; n++) { reached("after-commit"); require("node:fs").writeSync(1, n + " ") }`
  const child = Bun.spawn([process.execPath, "-e", program], { cwd: project, stdout: "pipe", stderr: "inherit" })
  const said = await child.stdout.text()
  await child.exited
  expect(said).toBe("1 2 ")
  expect(child.signalCode).toBe("SIGKILL")
})
