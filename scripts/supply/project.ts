// The dependencies as package.json, bun.lock, the installed packages, the sources and docs/dependencies.md tell them.

import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { licenceIn, licenceOf, licenceOnPage } from "./licences.ts"

export interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

export interface LockedPackage {
  /** Where it stands, such as "mailparser/nodemailer" for one that only mailparser sees. */
  readonly key: string
  readonly name: string
  readonly version: string
  readonly integrity: string | undefined
  /** The names that it asks for. */
  readonly asks: readonly string[]
  /** Whether it is installed on some machines only. */
  readonly isOfPlatform: boolean
}

export interface InstalledPackage {
  readonly version: string
  readonly licence: string | undefined
  /** The texts of its licence and its notices. */
  readonly texts: readonly string[]
}

export interface Project {
  readonly manifest: Manifest
  readonly locked: readonly LockedPackage[]
  /** By the key in the lock file. */
  readonly installed: ReadonlyMap<string, InstalledPackage>
  readonly sources: readonly { readonly path: string; readonly text: string }[]
  /** The rows of docs/dependencies.md: what each direct dependency is for. */
  readonly table: ReadonlyMap<string, { readonly licence: string; readonly purpose: string }>
}

export async function readProject(root: string): Promise<Project> {
  const manifest = (await Bun.file(join(root, "package.json")).json()) as Manifest
  const locked = lockedPackages(await Bun.file(join(root, "bun.lock")).text())
  const installed = new Map<string, InstalledPackage>()
  for (const { key } of locked) {
    const found = await installedAt(join(root, folderOf(key)))
    if (found) installed.set(key, found)
  }
  return {
    manifest,
    locked,
    installed,
    sources: await sourcesOf(root),
    table: tableOf(await Bun.file(join(root, "docs/dependencies.md")).text()),
  }
}

/** The lock file is JSON with commas before closing brackets. */
export function lockedPackages(text: string): LockedPackage[] {
  const { packages } = Bun.JSONC.parse(text) as { packages: Record<string, [string, string, LockedMeta?, string?]> }
  const all = Object.entries(packages).map(([key, [ident, , meta = {}, integrity]]) => {
    const at = ident.lastIndexOf("@")
    return {
      key,
      name: ident.slice(0, at),
      version: ident.slice(at + 1),
      integrity,
      asks: Object.keys({ ...meta.dependencies, ...meta.optionalDependencies, ...meta.peerDependencies }).filter(
        (name) => !meta.optionalPeers?.includes(name),
      ),
      isOfPlatform: meta.os !== undefined || meta.cpu !== undefined,
    }
  })
  return withWhatPlatformsAsk(all)
}

/** What only packages of a platform ask for is of that platform too. */
function withWhatPlatformsAsk(all: readonly LockedPackage[]): LockedPackage[] {
  const asked = (name: string) => all.filter(({ asks }) => asks.includes(name))
  const marked = all.map((each) => {
    const by = asked(each.name)
    return { ...each, isOfPlatform: each.isOfPlatform || (by.length > 0 && by.every((asker) => asker.isOfPlatform)) }
  })
  return marked.every(({ isOfPlatform }, nth) => isOfPlatform === all[nth]?.isOfPlatform)
    ? marked
    : withWhatPlatformsAsk(marked)
}

interface LockedMeta {
  readonly dependencies?: object
  readonly optionalDependencies?: object
  readonly peerDependencies?: object
  readonly optionalPeers?: readonly string[]
  readonly os?: unknown
  readonly cpu?: unknown
}

/** The rows of Markdown tables of three columns that begin with a name in code. */
export function tableOf(markdown: string): Project["table"] {
  const rows = markdown.matchAll(/^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$/gm)
  return new Map(
    [...rows].map(([, name = "", licence = "", purpose = ""]) => [
      name,
      { licence: licence.trim(), purpose: purpose.trim() },
    ]),
  )
}

/** "a/@b/c" is node_modules/a/node_modules/@b/c. */
const folderOf = (key: string) =>
  join(...(key.match(/@[^/]+\/[^/]+|[^/]+/g) ?? []).flatMap((name) => ["node_modules", name]))

/** A page's bundle holds libraries of its own, whose notices stand beside it. */
const noticeFile =
  /^(?:(?:un)?licen[cs]es?|copying|notices?)(?:[-.](?!.*[jt]s(?:on)?$).*)?$|^swagger-ui-bundle\.js\.LICENSE\.txt$/i

async function installedAt(folder: string): Promise<InstalledPackage | undefined> {
  const file = Bun.file(join(folder, "package.json"))
  if (!(await file.exists())) return undefined
  const found = (await file.json()) as { name: string; version: string; license?: unknown; licenses?: unknown }
  const names = (await readdir(folder)).filter((name) => noticeFile.test(name)).sort()
  const texts = await Promise.all(names.map((name) => Bun.file(join(folder, name)).text()))
  return { version: found.version, licence: licenceOf(found) ?? licenceIn(texts) ?? licenceOnPage[found.name], texts }
}

async function sourcesOf(root: string): Promise<Project["sources"]> {
  const paths: string[] = []
  for (const pattern of ["{src,actors,scripts,test}/**/*.{ts,tsx}", "scripts/*", "{tsconfig,biome}.json"])
    for await (const path of new Bun.Glob(pattern).scan({ cwd: root })) paths.push(path)
  return Promise.all(paths.sort().map(async (path) => ({ path, text: await Bun.file(join(root, path)).text() })))
}
