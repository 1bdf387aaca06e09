// Makes the database cluster (initdb) and writes its settings. The settings are in a file of their own, which
// postgresql.conf includes. Every start writes the file again; `alter system` still wins, as a DBA expects.

import { appendFile, chown, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type OsUser, run } from "./os-user.ts"
import { EmbeddedUnavailable } from "./unavailable.ts"

const defaults: Record<string, string> = {
  listen_addresses: "127.0.0.1",
  // No Unix socket: its path is limited to about 100 bytes, which a deep checkout exceeds.
  unix_socket_directories: "",
  max_connections: "100",
  shared_buffers: "128MB",
  effective_cache_size: "1GB",
  max_wal_size: "2GB",
  random_page_cost: "1.1",
  password_encryption: "scram-sha-256",
  timezone: "UTC",
  log_timezone: "UTC",
  log_checkpoints: "off",
  // Frozen or vanished clients must not keep locks: notice them within half a minute.
  tcp_keepalives_idle: "10",
  tcp_keepalives_interval: "5",
  tcp_keepalives_count: "4",
  // After a crash every file is made durable first. One call for the whole file system took 1 s where a call for each
  // file took 7 s. Only Linux has it.
  ...(process.platform === "linux" && { recovery_init_sync_method: "syncfs" }),
}

export async function createCluster(options: {
  cluster: string
  binaries: string
  osUser: OsUser | undefined
  password: string
  /** False skips initdb's fsync of every file, for a database that may be lost. */
  durable: boolean
}): Promise<void> {
  const secret = await mkdtemp(join(tmpdir(), "slotbase-initdb-"))
  const passwordFile = join(secret, "password")
  await writeFile(passwordFile, `${options.password}\n`, { mode: 0o600 })
  if (options.osUser !== undefined) {
    await chown(passwordFile, options.osUser.uid, options.osUser.gid)
    await chown(secret, options.osUser.uid, options.osUser.gid)
  }
  const made = await run(
    [
      join(options.binaries, "bin", "initdb"),
      `--pgdata=${options.cluster}`,
      "--username=slotbase",
      `--pwfile=${passwordFile}`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      "--no-locale",
      // PostgreSQL's own locale sorts the same on every operating system and needs none to be installed.
      "--locale-provider=builtin",
      "--builtin-locale=C.UTF-8",
      "--no-instructions",
      ...(options.durable ? [] : ["--no-sync"]),
    ],
    options.osUser,
  )
  await rm(secret, { recursive: true, force: true })
  if (!made.ok) {
    const reason = made.stderr.trim().split("\n").at(-1) ?? ""
    throw new EmbeddedUnavailable("failed", `The embedded database could not be made in ${options.cluster}: ${reason}`)
  }
  await appendFile(join(options.cluster, "postgresql.conf"), "\ninclude_if_exists 'slotbase.conf'\n")
}

export async function writeSettings(cluster: string, settings: Record<string, string>): Promise<void> {
  const lines = Object.entries({ ...defaults, ...settings }).map(([name, value]) => `${name} = '${value}'`)
  const text = ["# Written by SlotBase at every start; change a setting with `alter system`.", ...lines, ""].join("\n")
  const file = join(cluster, "slotbase.conf")
  if ((await readFile(file, "utf8").catch(() => "")) === text) return
  // Written beside and renamed: on a full disk the settings in force must not become an empty file.
  await writeFile(`${file}.new`, text, { mode: 0o644 })
  await rename(`${file}.new`, file)
}
