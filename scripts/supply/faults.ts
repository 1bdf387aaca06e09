// What is wrong with the dependencies, as one sentence each. A dependency is pinned, declared, used, and in its place.
// It has a licence that is allowed, and a row in docs/dependencies.md.

import { isAllowed } from "./licences.ts"
import type { LockedPackage, Project } from "./project.ts"

/** Used without an import. An entry that is not needed is a fault too. */
const usedOtherwise: Readonly<Record<string, string>> = {
  "bun-types": "tsconfig.json names it by another name",
  typescript: "scripts/check.ts runs it",
  "@biomejs/biome": "scripts/check.ts runs it",
}

export function faultsOf(project: Project): string[] {
  return [...pinFaults(project), ...useFaults(project), ...licenceFaults(project), ...tableFaults(project)].sort()
}

/** The direct dependencies with their place. */
export const directOf = ({ manifest: { dependencies = {}, devDependencies = {} } }: Pick<Project, "manifest">) => [
  ...Object.entries(dependencies).map(([name, version]) => ({ name, version, isOfProgram: true })),
  ...Object.entries(devDependencies).map(([name, version]) => ({ name, version, isOfProgram: false })),
]

/** The packages that the program needs at run time, by their keys. */
export function programOf({ manifest, locked }: Pick<Project, "manifest" | "locked">): LockedPackage[] {
  const byKey = new Map(locked.map((each) => [each.key, each]))
  const found = new Map<string, LockedPackage>()
  const take = (names: readonly string[], from: string): void => {
    for (const name of names) {
      const each = resolve(byKey, name, from)
      // A package asks for the compiler beside it. The program runs without.
      if (each === undefined || found.has(each.key) || manifest.devDependencies?.[each.key] !== undefined) continue
      found.set(each.key, each)
      take(each.asks, each.key)
    }
  }
  take(Object.keys(manifest.dependencies ?? {}), "")
  return [...found.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
}

/** The nearest package of that name, looked for outward from the one that asks. */
function resolve(byKey: ReadonlyMap<string, LockedPackage>, name: string, from: string): LockedPackage | undefined {
  for (let place = from; place !== ""; place = place.replace(/(^|\/)(@[^/]+\/)?[^/]+$/, "")) {
    const near = byKey.get(`${place}/${name}`)
    if (near) return near
  }
  return byKey.get(name)
}

const exact = /^\d+\.\d+\.\d+(?:-[\w.]+)?$/

function pinFaults(project: Project): string[] {
  const locked = new Map(project.locked.map((each) => [each.key, each]))
  return [
    ...directOf(project).flatMap(({ name, version }) => {
      if (!exact.test(version)) return [`${name} is not pinned: package.json has "${version}".`]
      const lock = locked.get(name)
      if (!lock) return [`${name} is not in bun.lock.`]
      return lock.version === version ? [] : [`${name} is ${version} in package.json and ${lock.version} in bun.lock.`]
    }),
    ...project.locked.flatMap(({ key, version, integrity }) => [
      ...(integrity?.startsWith("sha512-") ? [] : [`${key} has no checksum in bun.lock.`]),
      ...installedFault(project, key, version),
    ]),
  ]
}

function installedFault({ installed }: Project, key: string, version: string): string[] {
  const found = installed.get(key)
  return found && found.version !== version ? [`${key} is ${found.version} where it is installed, not ${version}.`] : []
}

const ofProgram = /^(?:src|actors)\//

function useFaults(project: Project): string[] {
  const direct = directOf(project)
  const used = (name: string) => project.sources.filter(({ text }) => mentions(text, name)).map(({ path }) => path)
  const places = new Map(direct.map(({ name }) => [name, used(name)]))
  return [
    ...direct.flatMap(({ name, isOfProgram }) => {
      const typed = /^@types\/(.+)$/.exec(name)?.[1]
      const found = typed === undefined ? (places.get(name) ?? []) : (places.get(typed) ?? [])
      if (Object.hasOwn(usedOtherwise, name))
        return found.some((path) => path.endsWith(".ts") && imports(project, path, name))
          ? [`${name} needs no exception: it is imported.`]
          : []
      if (found.length === 0) return [`${name} is not used.`]
      if (isOfProgram && !found.some((path) => ofProgram.test(path)))
        return [`${name} is used by tests and scripts alone: it belongs to devDependencies.`]
      const taken = found.find((path) => ofProgram.test(path) && typed === undefined)
      return !isOfProgram && taken ? [`${name} is used by ${taken}: it belongs to dependencies.`] : []
    }),
    ...project.sources.flatMap(({ path, text }) =>
      importedFrom(path, text)
        // The project imports what it exports as others do, by its own name.
        .filter((name) => !places.has(name) && name !== "slotbase")
        .map((name) => `${name} is imported by ${path} and is not in package.json.`),
    ),
  ]
}

const escaped = (name: string) => name.replace(/[/.]/g, "\\$&")
const mentions = (text: string, name: string) =>
  new RegExp(`${alsoWords.has(name) ? "(?:from |import\\()" : ""}["'\`](?:node_modules/)?${escaped(name)}["'\`/]`).test(
    text,
  )

/** Names of packages that are also words of the program, here a webhook's format: only an import counts. */
const alsoWords: ReadonlySet<string> = new Set(["cloudevents"])
const imports = ({ sources }: Project, path: string, name: string) =>
  sources.some((each) => each.path === path && importedFrom(path, each.text).includes(name))

/** The packages that a file loads. The types of packages are the compiler's to check. */
function importedFrom(path: string, text: string): string[] {
  if (!/\.tsx?$/.test(path)) return []
  const names = transpilers[path.endsWith("x") ? "tsx" : "ts"]
    .scanImports(text)
    .map((each) => /^(?:@[^/]+\/)?[^/]+/.exec(each.path)?.[0] ?? "")
  return [...new Set(names)].filter((name) => !/^(?:|bun|bun:.*|node:.*|#.*|\..*)$/.test(name))
}
const transpilers = { ts: new Bun.Transpiler({ loader: "ts" }), tsx: new Bun.Transpiler({ loader: "tsx" }) }

function licenceFaults({ locked, installed }: Project): string[] {
  return locked.flatMap(({ key, isOfPlatform }) => {
    const found = installed.get(key)
    if (!found) return isOfPlatform ? [] : [`${key} is not installed: run ./scripts/start or ./scripts/test once.`]
    if (found.licence === undefined) return [`${key} names no licence.`]
    return isAllowed(found.licence) ? [] : [`${key} has the licence ${found.licence}, which is not allowed.`]
  })
}

function tableFaults(project: Project): string[] {
  const direct = new Set(directOf(project).map(({ name }) => name))
  return [
    ...[...direct].flatMap((name) => {
      const row = project.table.get(name)
      if (!row) return [`${name} has no row in docs/dependencies.md that says what it is for.`]
      const { licence } = project.installed.get(name) ?? {}
      if (licence === undefined || licence === row.licence) return []
      return [`${name} has the licence ${licence}; docs/dependencies.md says ${row.licence}.`]
    }),
    ...[...project.table.keys()]
      .filter((name) => !direct.has(name))
      .map((name) => `${name} has a row in docs/dependencies.md and is not in package.json.`),
  ]
}
