// `bun run check` and `./scripts/test`: types, lint, then every test on a real PostgreSQL; the import laws are a test.
// It prints each failure and ends with `N passed, N failed`. A run that leaves a process or a database behind fails
// too.

import { mkdir, statfs } from "node:fs/promises"
import { availableParallelism, userInfo } from "node:os"
import { join } from "node:path"
import postgres from "postgres"
import { databasesOf } from "#test/harness/setup/leftovers.ts"
import { processesOf } from "#test/harness/setup/processes.ts"
import { testServer } from "#test/harness/setup/server.ts"

const project = join(import.meta.dir, "..")
const testTimeoutMs = 30_000
/** One more than the cores, because tests also wait. More than four would compete for the one PostgreSQL. */
const workers = Math.min(4, availableParallelism() + 1)
/** It measures processor time, which the other half of a core makes longer: it runs behind the others, by itself. */
const alone = "test/whole/event-loop.test.ts"

/** Bytes: several times what the tests use. */
const neededInMemory = 4 * 1024 ** 3

interface Tally {
  passed: number
  failed: number
  skipped: number
}

const files = process.argv.slice(2)
process.chdir(project)
const inMemory = await folderInMemory()
if (inMemory !== undefined) process.env.TMPDIR = inMemory

const tally: Tally = { passed: 0, failed: 0, skipped: 0 }
if (files.length === 0) {
  const types = step("types", [process.execPath, "--bun", "node_modules/typescript/bin/tsc", "--noEmit"])
  // The booking page needs the types of browsers, which contradict those of the server in places.
  const browserTypes = step("types of browser code", [
    process.execPath,
    "--bun",
    "node_modules/typescript/bin/tsc",
    "--noEmit",
    "-p",
    "src/web",
  ])
  const lint = step("lint", [
    process.execPath,
    "--bun",
    "node_modules/@biomejs/biome/bin/biome",
    "check",
    "--error-on-warnings",
  ])
  for (const ok of await Promise.all([types, browserTypes, lint])) if (!ok) tally.failed++
}
add(tally, await runTests(files))

const skipped = tally.skipped > 0 ? `, ${tally.skipped} skipped` : ""
console.log(`${tally.passed} passed, ${tally.failed} failed${skipped}`)
process.exit(tally.failed === 0 ? 0 : 1)

/**
 * A database has a thousand files. To make one takes up to a second on a disk, and 50 ms in memory. The databases stay
 * there for the next run. A TMPDIR that is given counts.
 */
async function folderInMemory(): Promise<string | undefined> {
  if (process.env.TMPDIR) return undefined
  const shared = "/dev/shm"
  const free = await statfs(shared).then(
    (found) => found.bavail * found.bsize,
    () => 0,
  )
  if (free < neededInMemory) return undefined
  const folder = join(shared, `slotbase-tests-${userInfo().uid}`)
  await mkdir(folder, { recursive: true, mode: 0o755 })
  return folder
}

async function step(name: string, command: string[]): Promise<boolean> {
  const child = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "pipe" })
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  console.log(`${name}: ${code === 0 ? "ok" : "failed"}`)
  if (code !== 0) console.log(`${stdout}${stderr}`)
  return code === 0
}

async function runTests(patterns: string[]): Promise<Tally> {
  const server = await testServer().catch((error: Error) => console.log(error.message))
  if (server === undefined) return { passed: 0, failed: 1, skipped: 0 }
  // Keeps the shared server in use, because some tests need no database, and an unused server ends.
  const inUse = postgres(server.url, { max: 1, onnotice: () => {} })
  await inUse`select 1`

  const run = crypto.randomUUID().slice(0, 6)
  const env = { SLOTBASE_TEST_DATABASE_URL: server.url, SLOTBASE_TEST_RUN: run }
  const isWhole = patterns.length === 0
  const result = await bunTest(isWhole ? [`--path-ignore-patterns=${alone}`] : patterns, env)
  if (isWhole) add(result, await bunTest([`./${alone}`], env))
  for (const left of await leftBehind(server.url, run)) {
    console.log(`left behind by a test: ${left}`)
    result.failed++
  }

  await inUse.end()
  if (server.keeper !== undefined) process.kill(server.keeper, "SIGTERM")
  return result
}

async function bunTest(patterns: string[], env: Record<string, string>): Promise<Tally> {
  await mkdir("node_modules/.cache", { recursive: true }).catch(() => {})
  const timings = "node_modules/.cache/test-timings.json"
  // A fresh clone does not know the slow files yet. Begun last, they would run alone at the end.
  if (!(await Bun.file(timings).exists())) await Bun.write(timings, Bun.file("test/slowest-first.json"))
  // A worker loads the program once for all of its files. With globals of its own for each file, a run took half as
  // long again.
  const command = [process.execPath, "test", `--parallel=${workers}`, "--no-isolate", `--timeout=${testTimeoutMs}`]
  const child = Bun.spawn([...command, `--timings=${timings}`, "--update-timings", ...patterns], {
    env: { ...process.env, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  })
  const interrupt = (signal: NodeJS.Signals) => child.kill(signal)
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, interrupt)
  const [, report, code] = await Promise.all([relay(child.stdout), relay(child.stderr), child.exited])
  const counted = countOf(report)
  if (code !== 0 && counted.failed === 0) counted.failed = 1
  return counted
}

/** Shows the output as it comes, and answers its end, which contains the summary. */
async function relay(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder()
  let end = ""
  for await (const chunk of stream) {
    process.stdout.write(chunk)
    end = (end + decoder.decode(chunk, { stream: true })).slice(-4_000)
  }
  return end
}

/** The counts in Bun's own summary. Its JUnit report is no help: a file that fails to load is missing from it. */
function countOf(report: string): Tally {
  const summary = Bun.stripANSI(report).split("\n").slice(-12)
  const count = (word: string) =>
    summary.reduce((sum, line) => sum + Number(new RegExp(`^ *(\\d+) ${word}$`).exec(line)?.[1] ?? 0), 0)
  return { passed: count("pass"), failed: count("fail"), skipped: count("skip") + count("todo") }
}

async function leftBehind(url: string, run: string): Promise<string[]> {
  const processes = await processesOf(run)
  for (const { pid } of processes) process.kill(pid, "SIGKILL")
  const databases = await databasesOf(url, run)
  return [
    ...processes.map(({ pid, command }) => `process ${pid}: ${command}`),
    ...databases.map((name) => `database ${name} (did its file call drop()?)`),
  ]
}

function add(sum: Tally, more: Tally): void {
  sum.passed += more.passed
  sum.failed += more.failed
  sum.skipped += more.skipped
}
