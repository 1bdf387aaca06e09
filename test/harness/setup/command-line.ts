// The command line as a person uses it: a process of its own on a test database.

import { join } from "node:path"

export async function slotbase(url: string, ...args: string[]): Promise<{ code: number; output: string }> {
  return slotbaseWith({ DATABASE_URL: url }, ...args)
}

/** The same with further variables; the output is both streams, the errors last. */
export const slotbaseWith = (env: Record<string, string>, ...args: string[]) => run(env, "ignore", args)

/** The same with a text on its standard input. */
export const slotbaseInput = (url: string, input: string, ...args: string[]) =>
  run({ DATABASE_URL: url }, new Blob([input]), args)

async function run(
  env: Record<string, string>,
  stdin: "ignore" | Blob,
  args: readonly string[],
): Promise<{ code: number; output: string }> {
  const child = Bun.spawn([process.execPath, "src/cli/main.ts", ...args], {
    cwd: join(import.meta.dir, "../../.."),
    env: { ...process.env, SLOTBASE_SECRET_KEY: Buffer.alloc(32, 7).toString("base64"), ...env },
    stdin,
    stdout: "pipe",
    stderr: "pipe",
  })
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  return { code, output: stdout + stderr }
}
