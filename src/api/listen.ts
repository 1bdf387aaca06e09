/** Opens a server on the configured address, and closes it so that requests in flight end. */
import type { AnyElysia } from "elysia"
import { BadConfig, type Config } from "#base/config.ts"
import { watchListener } from "./listener-watch.ts"

export interface Listening {
  /** The server's address, such as http://127.0.0.1:3000. */
  readonly address: string
  /** Opens the listener again whenever it is closed. `onLost` is called when that fails. */
  readonly watch: (onLost: (reason: Error) => void) => void
  readonly stop: () => Promise<void>
}

type Address = Pick<Config, "host" | "port">

/** Throws BadConfig when the port is in use or the host is no address of this machine. */
export async function listen(server: AnyElysia, { host, port }: Address): Promise<Listening> {
  try {
    server.listen({ hostname: host, port })
  } catch (error) {
    throw unusable(error, { host, port })
  }
  const shown = host.includes(":") ? `[${host}]` : host
  const open = server.server?.port ?? port
  let unwatch = () => {}
  return {
    address: `http://${shown}:${open}`,
    watch: (onLost) => {
      // A server that was stopped has the port 0.
      const isOpen = () => (server.server?.port ?? 0) !== 0
      const reopen = () => void server.listen({ hostname: host, port: open })
      unwatch = watchListener({ host, port: open, isOpen, reopen, onLost })
    },
    stop: () => {
      unwatch()
      return closeGently(server)
    },
  }
}

/** Checked before the database is started, so that a second start fails at once with the right reason. */
export async function refuseBusyPort({ host, port }: Address): Promise<void> {
  if (port === 0) return
  try {
    await Bun.serve({ hostname: host, port, fetch: () => new Response() }).stop(true)
  } catch (error) {
    throw unusable(error, { host, port })
  }
}

/** Milliseconds for requests in flight; afterwards their connections are closed. */
const drainMs = 5_000

async function closeGently(server: AnyElysia): Promise<void> {
  const closed = server.server?.stop(false)
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(() => late.resolve(), drainMs)
  await Promise.race([closed, late.promise])
  clearTimeout(timer)
  await server.server?.stop(true)
}

function unusable(error: unknown, { host, port }: Address): unknown {
  const code = (error as { code?: string }).code
  if (code === "EADDRINUSE") {
    const next = port < 65_535 ? port + 1 : port - 1
    return new BadConfig(
      `Port ${port} on ${host} is in use: stop what listens there, or set PORT to another, such as PORT=${next}.`,
    )
  }
  if (code === "EACCES")
    return new BadConfig(`Port ${port} may not be opened by this user: set PORT to one above 1023.`)
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND")
    return new BadConfig(`HOST ${host} is not an address of this machine: set HOST to 127.0.0.1 or 0.0.0.0.`)
  return error
}
