// PgBouncer before a test database, as a process of its own. ./scripts/test pgbouncer installs it.

import { chown, mkdtemp, rm, writeFile } from "node:fs/promises"
import { connect } from "node:net"
import { tmpdir, userInfo } from "node:os"
import { join } from "node:path"
import { eventually } from "./eventually.ts"
import { freePort } from "./system.ts"

export interface PgBouncer {
  /** The connection string of the database, by way of PgBouncer. */
  readonly url: string
  readonly stop: () => Promise<void>
}

/** @param settings lines of its section [pgbouncer], such as "pool_mode = transaction". */
export async function startPgBouncer(databaseUrl: string, settings: readonly string[]): Promise<PgBouncer> {
  const address = new URL(databaseUrl)
  const [user, password] = [decodeURIComponent(address.username), decodeURIComponent(address.password)]
  const folder = await mkdtemp(join(tmpdir(), "slotbase-pgbouncer-"))
  const [port, name] = [await freePort(), address.pathname.slice(1)]
  const [list, file] = [join(folder, "users.txt"), join(folder, "pgbouncer.ini")]
  await writeFile(list, `"${user}" "${password}"\n`)
  await writeFile(
    file,
    [
      "[databases]",
      `${name} = host=${address.hostname} port=${address.port} dbname=${name} user=${user} password=${password}`,
      "[pgbouncer]",
      "listen_addr = 127.0.0.1",
      `listen_port = ${port}`,
      "unix_socket_dir =",
      "auth_type = plain",
      `auth_file = ${list}`,
      "log_connections = 0",
      "log_disconnections = 0",
      ...settings,
    ].join("\n"),
  )
  // It refuses to run as root.
  const isRoot = userInfo().uid === 0
  if (isRoot) for (const path of [folder, list, file]) await chown(path, 65_534, 65_534)
  const child = Bun.spawn(["pgbouncer", ...(isRoot ? ["-u", "nobody"] : []), file], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  })
  await eventually(() => accepts(port), { withinMs: 10_000 })
  address.host = `127.0.0.1:${port}`
  return {
    url: address.href,
    stop: async () => {
      child.kill("SIGTERM")
      await child.exited
      await rm(folder, { recursive: true })
    },
  }
}

function accepts(port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const socket = connect({ port, host: "127.0.0.1" })
  socket.once("connect", () => resolve())
  socket.once("error", reject)
  return promise.finally(() => socket.destroy())
}
