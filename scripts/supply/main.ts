// `./scripts/dependencies`: the list of the dependencies, and what is wrong with them.

import { join } from "node:path"
import { directOf, faultsOf, programOf } from "./faults.ts"
import { noticesFile, noticesOf } from "./notices.ts"
import { type Project, readProject } from "./project.ts"

const root = join(import.meta.dir, "../..")
const project = await readProject(root)
if (process.argv.includes("--record")) await Bun.write(join(root, noticesFile), noticesOf(project))

print("Direct dependencies", directRows(project))
print("Further packages of the program", furtherRows(project, true))
print("Further packages of tests and tools", furtherRows(project, false))

const faults = faultsOf(project)
if (
  (await Bun.file(join(root, noticesFile))
    .text()
    .catch(() => "")) !== noticesOf(project)
)
  faults.push(`${noticesFile} is not current: run ./scripts/dependencies --record.`)
for (const fault of faults) console.log(fault)
console.log(`${project.locked.length} packages, ${faults.length} faults`)
process.exit(faults.length === 0 ? 0 : 1)

function directRows({ table, installed, manifest }: Project): string[][] {
  return directOf({ manifest }).map(({ name, version, isOfProgram }) => [
    name,
    version,
    installed.get(name)?.licence ?? "?",
    isOfProgram ? "program" : "tools",
    table.get(name)?.purpose ?? "?",
  ])
}

function furtherRows(project: Project, isOfProgram: boolean): string[][] {
  const direct = new Set(directOf(project).map(({ name }) => name))
  const program = new Set(programOf(project).map(({ key }) => key))
  return project.locked
    .filter(({ key }) => !direct.has(key) && program.has(key) === isOfProgram)
    .map(({ key, version, isOfPlatform }) => [
      key,
      version,
      project.installed.get(key)?.licence ?? (isOfPlatform ? "of another platform" : "?"),
    ])
}

function print(title: string, rows: readonly (readonly string[])[]): void {
  const widths = rows[0]?.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0))) ?? []
  console.log(title)
  for (const row of rows)
    console.log(
      `  ${row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join("  ")
        .trimEnd()}`,
    )
  console.log("")
}
