/**
 * `./scripts/test mutations` changes the program in one place after another (list.ts). Each time a test must fail.
 * The tests of the mutations run in a copy of the project: once as it is, then with each mutation alone.
 * The exit code is 1 when a mutation survived, and 2 when a test fails without any mutation.
 * `--only NAME` takes the mutations whose name contains NAME.
 */
import { join } from "node:path"
import { parseArgs } from "node:util"
import postgres from "postgres"
import { dropLeftovers } from "#test/harness/setup/leftovers.ts"
import { testServer } from "#test/harness/setup/server.ts"
import { copyOf } from "./copy.ts"
import { mutations } from "./list.ts"
import { runTests, type Verdict } from "./run-tests.ts"

const { values } = parseArgs({ options: { only: { type: "string", default: "" } } })
const chosen = mutations.filter(({ name }) => name.includes(values.only))
if (chosen.length === 0) throw new Error(`there is no mutation with ${values.only} in its name`)

const server = await testServer()
// Keeps the shared server from ending as unused between two runs.
const inUse = postgres(server.url, { max: 1, onnotice: () => {} })
await inUse`select 1`
const copy = await copyOf(join(import.meta.dir, "../.."))
const interrupted = new AbortController()
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => interrupted.abort())

const tests = [...new Set(chosen.flatMap((mutation) => mutation.tests))]
const sound = await timed("no mutation", tests, false)
if (interrupted.signal.aborted) await end(130)
if (sound.outcome !== "passed") {
  console.log(sound.outcome === "broken" ? sound.output : `failed without any mutation: ${sound.test}`)
  await end(2)
}
const survived: string[] = []
for (const [nth, mutation] of chosen.entries()) {
  const name = `${String(nth + 1).padStart(3)}/${chosen.length} ${mutation.name}`
  const verdict = await copy.having(mutation, () => timed(name, mutation.tests, true))
  if (interrupted.signal.aborted) await end(130)
  if (verdict.outcome === "broken") console.log(verdict.output.slice(-2_000))
  if (verdict.outcome !== "failed") survived.push(mutation.name)
}
console.log(`${chosen.length - survived.length} caught, ${survived.length} survived`)
for (const name of survived) console.log(`  ${name}`)
await end(survived.length === 0 ? 0 : 1)

async function timed(name: string, files: readonly string[], untilFirst: boolean): Promise<Verdict> {
  const began = performance.now()
  process.stdout.write(`${name.padEnd(48)} `)
  const verdict = await runTests(copy.folder, server.url, files, { untilFirst, signal: interrupted.signal })
  const seconds = ((performance.now() - began) / 1000).toFixed(1).padStart(5)
  console.log(`${seconds} s  ${said(verdict)}`)
  return verdict
}

function said(verdict: Verdict): string {
  if (verdict.outcome === "failed") return `caught by: ${verdict.test}`
  return verdict.outcome === "passed" ? "all tests pass" : "the tests do not run"
}

async function end(code: number): Promise<never> {
  await copy.remove()
  await dropLeftovers(server.url).catch(() => {})
  await inUse.end()
  if (server.keeper !== undefined) process.kill(server.keeper, "SIGTERM")
  process.exit(code)
}
