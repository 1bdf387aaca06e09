/** Runs test files in a copy of the project, and judges the result. */
import { processesOf } from "#test/harness/setup/processes.ts"

export type Verdict =
  | { readonly outcome: "passed" }
  | { readonly outcome: "failed"; readonly test: string }
  /** No test has failed: the files do not load, or a hook fails. */
  | { readonly outcome: "broken"; readonly output: string }

const testTimeoutMs = 30_000
/** Tests that take longer have hung. A plain run of the tests would show that failure too. */
const hungMs = 300_000

export async function runTests(
  folder: string,
  databaseUrl: string,
  tests: readonly string[],
  { untilFirst, signal }: { readonly untilFirst: boolean; readonly signal: AbortSignal },
): Promise<Verdict> {
  const run = crypto.randomUUID().slice(0, 6)
  const options = [`--timeout=${testTimeoutMs}`, ...(untilFirst ? ["--bail=1"] : [])]
  const child = Bun.spawn([process.execPath, "test", ...options, ...tests.map((test) => `./${test}`)], {
    cwd: folder,
    env: { ...process.env, SLOTBASE_TEST_DATABASE_URL: databaseUrl, SLOTBASE_TEST_RUN: run, NO_COLOR: "1" },
    signal,
    killSignal: "SIGKILL",
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  })
  let hung = false
  const timer = setTimeout(() => {
    hung = true
    child.kill("SIGKILL")
  }, hungMs)
  const printed = Promise.all([child.stdout.text(), child.stderr.text()])
  const code = await child.exited
  clearTimeout(timer)
  // A failed test leaves processes that keep the output open.
  for (const { pid } of await processesOf(run)) process.kill(pid, "SIGKILL")
  const output = (await printed).join("")
  if (hung) return { outcome: "failed", test: `no end after ${hungMs / 1000} s` }
  if (code === 0) return { outcome: "passed" }
  const [, test] = /^\(fail\) (?!\(unnamed\))(.*?)(?: \[[\d.]+ms\])?$/m.exec(output) ?? []
  return test === undefined ? { outcome: "broken", output } : { outcome: "failed", test }
}
