// The scripts of a newcomer say how they are used, and refuse what they would ignore.

import { expect, test } from "bun:test"
import { join } from "node:path"

const project = join(import.meta.dir, "../..")

async function script(...command: readonly string[]) {
  const child = Bun.spawn([...command], { cwd: project, stdin: "ignore", stdout: "pipe", stderr: "pipe" })
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  return { code, output: stdout + stderr }
}

test("start refuses an argument, because it would listen elsewhere than asked for, and names the variable", async () => {
  const says = `start takes no arguments. Set variables before it, such as PORT=3001 ./scripts/start.
docs/operating.md lists the variables, and ./scripts/slotbase the commands.
`
  expect(await script("./scripts/start", "--port", "3001")).toEqual({ code: 2, output: says })
  expect(await script("./scripts/start", "--help")).toEqual({ code: 0, output: says })
})

test("bench names its parts when it is asked for help, and an option that it does not take", async () => {
  const use = "./scripts/bench [part…] [--short] [--json FILE]\n"
  const help = await script(process.execPath, "scripts/benchmarks/main.ts", "--help")
  expect(help).toEqual({
    code: 0,
    output: expect.stringMatching(/^\.\/scripts\/bench .*\nThe parts are: .*jobs.*\.\n$/),
  })
  const refused = await script(process.execPath, "scripts/benchmarks/main.ts", "--fast")
  expect(refused).toEqual({ code: 2, output: expect.stringContaining("'--fast'") })
  expect(refused.output).toEndWith(use)
}, 60_000)
