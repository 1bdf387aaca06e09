/**
 * `./scripts/test receivers` runs the test vectors of webhook signatures in every language of docs/receivers.md. A
 * language that is not there is installed from Debian, when this is Debian and the user is root. `./scripts/test` runs
 * those that are there.
 */
import { isInstalled, languages, readVectors } from "./languages.ts"

const vectors = await readVectors()
const expected = vectors.map(({ form, error }) => form ?? error)
let passed = 0
let failed = 0
for (const language of languages) {
  if (!isInstalled(language)) install(language.debian)
  const answers = isInstalled(language) ? JSON.parse(await language.run()) : undefined
  const wrong = vectors.filter((_, nth) => answers?.[nth] !== expected[nth])
  if (answers === undefined) console.log(`${language.name}: ${language.program} is not installed`)
  else for (const { name } of wrong) console.log(`${language.name}: ${name}`)
  passed += vectors.length - wrong.length
  failed += wrong.length
}
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)

function install(name: string): void {
  if (Bun.which("apt-get") === null || process.getuid?.() !== 0) return
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" }
  Bun.spawnSync(["apt-get", "install", "-y", "--no-install-recommends", name], { env, stdout: "ignore" })
}
