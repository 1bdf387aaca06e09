// A receiver in Python whose first connection dies without a word after its first answer (half-open-receiver.py). Bun
// cannot attach a filter to a socket.

import { join } from "node:path"
import { eventually } from "#test/harness/setup/eventually.ts"

/** What the receiver says: a request that has arrived, or how a connection ended. */
export interface HeardByReceiver {
  readonly connection: number
  readonly port?: number
  readonly request?: string
  readonly ended?: string
}

export interface HalfOpenReceiver {
  readonly port: number
  readonly heard: () => readonly HeardByReceiver[]
  /** Segments of the first connection arrive again; resolves when it has ended. */
  readonly letThrough: () => Promise<void>
  readonly end: () => Promise<void>
}

/** @param tls the files of a certificate and of its key */
export async function startHalfOpenReceiver(
  mode: "half-open" | "silent",
  tls: readonly string[] = [],
): Promise<HalfOpenReceiver> {
  const child = Bun.spawn(["python3", "-B", join(import.meta.dir, "half-open-receiver.py"), mode, ...tls], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  })
  let output = ""
  const reading = (async () => {
    for await (const part of child.stdout) output += new TextDecoder().decode(part)
  })()
  const lines = () =>
    output
      .split("\n")
      .slice(0, -1)
      .map((line): unknown => JSON.parse(line))
  const first = () => lines()[0] as { readonly listening: number }
  const port = await eventually(() => first().listening)
  const heard = () => lines().slice(1) as HeardByReceiver[]
  return {
    port,
    heard,
    letThrough: async () => {
      child.stdin.write("\n")
      await child.stdin.flush()
      await eventually(() => {
        if (!heard().some(({ ended }) => ended !== undefined)) throw new Error("the connection has not ended")
      })
    },
    end: async () => {
      child.kill()
      await Promise.all([child.exited, reading])
    },
  }
}
