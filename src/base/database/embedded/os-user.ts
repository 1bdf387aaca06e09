// PostgreSQL refuses to run as root. When SlotBase runs as root, the server runs as another user:
// - the owner of an existing cluster,
// - the user `postgres`,
// - or a user of that name, created now.
// An ordinary user's server runs as that user: `undefined` here.

import { stat } from "node:fs/promises"
import { EmbeddedUnavailable } from "./unavailable.ts"

export interface OsUser {
  name: string
  uid: number
  gid: number
}

/** Chooses the user that runs the server. Undefined means the current user. */
export async function chooseOsUser(cluster: string, log: (line: string) => void): Promise<OsUser | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const owner = await stat(cluster).catch(() => undefined)
  if (owner !== undefined && owner.uid !== 0)
    return { name: `with the id ${owner.uid}`, uid: owner.uid, gid: owner.gid }
  return (await lookUp("postgres")) ?? (await makeUser("postgres", log))
}

/** Whether the user may enter the folder. The operating system itself is asked: modes, ACLs and mounts all count. */
export async function mayEnter(user: OsUser, folder: string): Promise<boolean> {
  return (await run(["/bin/sh", "-c", 'cd "$1"', "sh", folder], user)).ok
}

/** Owner of a file or folder; undefined when it does not exist. */
export async function ownerOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.uid
}

/** Runs a program to its end as the given user, outside the current folder, which that user may be unable to enter. */
export async function run(command: string[], user: OsUser | undefined, env = quietEnv()) {
  try {
    const child = Bun.spawn(command, {
      ...identity(user),
      cwd: "/",
      env,
      detached: true,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    })
    const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
    return { ok: code === 0, stdout, stderr }
  } catch (error) {
    return { ok: false, stdout: "", stderr: String(error) }
  }
}

export function identity(user: OsUser | undefined): { uid?: number; gid?: number } {
  return user === undefined ? {} : { uid: user.uid, gid: user.gid }
}

/**
 * The server gets none of the caller's PG* variables and secrets. Its messages are English, because they are parsed.
 */
export function quietEnv(): Record<string, string> {
  return { PATH: process.env.PATH ?? "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" }
}

async function lookUp(name: string): Promise<OsUser | undefined> {
  const [uid, gid] = await Promise.all([run(["id", "-u", name], undefined), run(["id", "-g", name], undefined)])
  if (!uid.ok || !gid.ok) return undefined
  return { name, uid: Number(uid.stdout), gid: Number(gid.stdout) }
}

/** useradd on Debian, Fedora and Arch; adduser with these flags on Alpine and other BusyBox systems. */
async function makeUser(name: string, log: (line: string) => void): Promise<OsUser> {
  const ways = [
    ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/bin/sh", name],
    ["adduser", "-S", "-D", "-H", "-s", "/bin/sh", name],
  ]
  for (const way of ways) {
    await run(way, undefined, { ...quietEnv(), PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin:/usr/bin:/bin` })
    const made = await lookUp(name)
    if (made === undefined) continue
    log(`PostgreSQL does not run as root, so the user ${name} was made for it.`)
    return made
  }
  throw new EmbeddedUnavailable(
    "unsupported",
    `PostgreSQL does not run as root and the user ${name} cannot be made here. Start SlotBase as an ordinary user, or set DATABASE_URL to an existing server.`,
  )
}
