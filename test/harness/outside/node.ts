// A Node with a WebSocket of its own, for tests of what runs outside of Bun.

import { join } from "node:path"

/** Installed where the machine has no Node. */
const pinned = "22.23.3"

/** The command that runs Node: the machine's own, or one that is installed into the folder. */
export async function nodeCommand(folder: string): Promise<readonly string[]> {
  const own = Bun.which("node")
  if (own !== null) {
    const version = await said([own, "--version"])
    const [major = 0, minor = 0] = version.slice(1).split(".").map(Number)
    if (major >= 22) return [own]
    if (major === 21 || (major === 20 && minor >= 10)) return [own, "--experimental-websocket"]
  }
  const name = `node-${process.platform}-${process.arch}`
  await Bun.write(join(folder, "package.json"), "{}")
  await said([process.execPath, "add", `${name}@${pinned}`], folder)
  return [join(folder, "node_modules", name, "bin/node")]
}

/** What a program prints. A program that fails throws with its errors. */
export async function said(command: readonly string[], cwd?: string): Promise<string> {
  const program = Bun.spawn([...command], { ...(cwd && { cwd }), stdout: "pipe", stderr: "pipe" })
  const [out, errors, code] = await Promise.all([
    new Response(program.stdout).text(),
    new Response(program.stderr).text(),
    program.exited,
  ])
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}: ${errors}${out}`)
  return out.trim()
}
