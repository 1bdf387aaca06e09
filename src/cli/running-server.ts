/** The server that a command talks to: its address by the configuration, its readiness, and its start for the demo. */
import { join } from "node:path"
import type { Config } from "#base/config.ts"

export const addressOf = ({ host, port }: Config) => `http://${host.includes(":") ? `[${host}]` : host}:${port}`

export const isReady = (config: Config) =>
  fetch(`${addressOf(config)}/readyz`).then(
    ({ status }) => status === 200,
    () => false,
  )

/** The running server, or one that runs only while the demo plays. */
export async function reachServer(config: Config): Promise<{ stop: () => Promise<unknown> }> {
  if (await isReady(config)) return { stop: async () => {} }
  console.log("No server answers yet: one is started for the demo.")
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "../main.ts")], {
    env: { ...process.env, SLOTBASE_ROLE: "all", SLOTBASE_DEMO: "off" },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "inherit",
  })
  let deadline = performance.now() + startWithinMs
  // The child may end because another server is starting; that server will do as well.
  child.exited.then(() => {
    deadline = Math.min(deadline, performance.now() + otherWithinMs)
  })
  while (!(await isReady(config))) {
    if (performance.now() > deadline) {
      child.kill()
      throw new NoServer()
    }
    await Bun.sleep(100)
  }
  return {
    stop: () => {
      child.kill("SIGTERM")
      return child.exited
    },
  }
}

const startWithinMs = 30_000
/** From the end of the demo's own server to the readiness of the server that was in its way. */
const otherWithinMs = 10_000

class NoServer extends Error {
  readonly _tag = "NoServer"
  override readonly message =
    "No server could be started for the demo. If SlotBase already runs, set PORT to its port, such as PORT=3001."
}
