// examples/receiver.py as its page starts it: a receiver of webhooks with Python's standard library alone.

import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { eventually } from "#test/harness/setup/eventually.ts"

export interface PythonReceiver {
  readonly url: string
  readonly port: number
  /** What it has said about each request. */
  readonly lines: () => string[]
  /** Ends the process, and keeps what it has received. */
  readonly end: () => Promise<void>
  /** The same with the folder of what it has received. */
  readonly remove: () => Promise<void>
  readonly folder: string
}

/** @param given port and folder of one that has ended, to go on where it was. */
export async function startPythonReceiver(given: {
  readonly secrets: readonly string[]
  readonly port?: number
  readonly folder?: string
}): Promise<PythonReceiver> {
  const folder = given.folder ?? (await mkdtemp(join(tmpdir(), "slotbase-receiver-")))
  const file = join(import.meta.dir, "../../../examples/receiver.py")
  const child = Bun.spawn(["python3", "-B", file, String(given.port ?? 0), join(folder, "received.sqlite3")], {
    env: { ...process.env, SLOTBASE_SECRETS: given.secrets.join(" ") },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  })
  let output = ""
  const reading = (async () => {
    for await (const part of child.stdout) output += new TextDecoder().decode(part)
  })()
  const lines = () => output.split("\n").filter((line) => line !== "")
  const port = await eventually(() => {
    const [, found] = /^listening on (\d+)$/.exec(lines()[0] ?? "") ?? []
    if (found === undefined) throw new Error(`it said ${JSON.stringify(output)}`)
    return Number(found)
  })
  const end = async () => {
    child.kill()
    await Promise.all([child.exited, reading])
  }
  const remove = async () => {
    await end()
    await rm(folder, { recursive: true, force: true })
  }
  return { url: `http://127.0.0.1:${port}/slotbase`, port, folder, lines: () => lines().slice(1), end, remove }
}
