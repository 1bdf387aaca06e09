/** The key of secrets at rest: given, or generated once in the data directory beside the embedded database. */
import { randomBytes } from "node:crypto"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { BadConfig, type Config } from "./config.ts"

const keyBytes = 32

export async function loadSecretKey({ secretKey, dataDir }: Config): Promise<Uint8Array> {
  if (secretKey) return secretKey
  const path = join(dataDir, "secret.key")
  try {
    await mkdir(dataDir, { recursive: true })
    // "wx": whoever comes first makes it, and nobody ever overwrites it.
    await writeFile(path, randomBytes(keyBytes).toString("base64"), { mode: 0o600, flag: "wx" })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== "EEXIST") throw notUsable(dataDir, code)
  }
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw notUsable(dataDir, error.code)
  })
  const key = Buffer.from(text.trim(), "base64")
  if (key.length !== keyBytes)
    throw new BadConfig(
      `${path} does not hold 32 bytes in base64: put the original key back, or what was encrypted with it is lost.`,
    )
  return key
}

const notUsable = (dataDir: string, code: string | undefined) =>
  new BadConfig(
    `The data directory ${dataDir} cannot be used (${code}); set SLOTBASE_DATA_DIR to a folder of your own that can be written.`,
  )
