// The whole program as an operator runs it: a process of its own on a test database, driven over HTTP and by signals.

import { createServer } from "node:net"
import { join } from "node:path"
import { eventually } from "./eventually.ts"

export const rootKey = "root-key-of-the-tests-0123456789"
const secretKey = Buffer.alloc(32, 7).toString("base64")
const readyWithinMs = 60_000

export interface System {
  readonly address: string
  readonly pid: number
  /** The whole output so far. */
  readonly output: () => string
  readonly signal: (signal: NodeJS.Signals) => void
  /** Sends the signal; returns the exit code, or the signal's name, once the process has ended. */
  readonly end: (signal?: NodeJS.Signals) => Promise<number | string>
  readonly exited: Promise<number>
}

export interface SystemOptions {
  readonly url: string
  readonly role?: "all" | "server" | "actors"
  readonly env?: Record<string, string>
  /** Left out: a free one. */
  readonly port?: number
  /** Another checkout of the program. Left out: this one. */
  readonly folder?: string
  /** Nobody reads the output: its pipe is closed at once. */
  readonly closedLog?: true
}

/** Starts the program and resolves when /readyz says so. */
export async function startSystem({ env = {}, port: given, ...options }: SystemOptions): Promise<System> {
  const port = given ?? (await freePort())
  const system = spawnSystem({ ...options, env: { PORT: String(port), ...env } })
  const address = `http://127.0.0.1:${port}`
  let ended: number | undefined
  void system.exited.then((code) => {
    ended = code
  })
  const isReady = async () => {
    if (ended !== undefined) throw new Error(`the program ended with ${ended}:\n${system.output()}`)
    const ready = await fetch(`${address}/readyz`)
    if (ready.status !== 200) throw new Error(`not ready: ${await ready.text()}\n${system.output()}`)
  }
  try {
    await eventually(isReady, { withinMs: readyWithinMs })
  } catch (error) {
    await system.end("SIGKILL")
    throw error
  }
  return { ...system, address }
}

/** Starts the program without waiting for readiness. */
export function spawnSystem({
  url,
  role = "all",
  env = {},
  closedLog,
  folder,
}: SystemOptions): Omit<System, "address"> {
  const child = Bun.spawn([process.execPath, "src/main.ts"], {
    cwd: folder ?? join(import.meta.dir, "../../.."),
    env: {
      ...process.env,
      DATABASE_URL: url,
      SLOTBASE_ROLE: role,
      SLOTBASE_ROOT_KEY: rootKey,
      SLOTBASE_SECRET_KEY: secretKey,
      SLOTBASE_EGRESS_ALLOW: "127.0.0.0/8",
      // Tests and benchmarks ask from one address, faster than any caller.
      SLOTBASE_REQUESTS_PER_SECOND: "1000000",
      ...env,
    },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  })
  let output = ""
  for (const stream of [child.stdout, child.stderr]) {
    if (closedLog) {
      void stream.cancel()
      continue
    }
    void (async () => {
      const decoder = new TextDecoder()
      for await (const chunk of stream) output += decoder.decode(chunk, { stream: true })
    })()
  }
  return {
    pid: child.pid,
    output: () => output,
    signal: (signal) => child.kill(signal),
    exited: child.exited,
    end: async (signal = "SIGTERM") => {
      child.kill(signal)
      await child.exited
      return child.signalCode ?? child.exitCode ?? 0
    },
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once("error", reject)
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}
