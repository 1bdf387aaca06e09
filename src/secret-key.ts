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
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
  }
  const key = Buffer.from((await readFile(path, "utf8")).trim(), "base64")
  if (key.length !== keyBytes)
    throw new BadConfig(
      `${path} does not hold 32 bytes in base64: put the original key back, or what was encrypted with it is lost.`,
    )
  return key
}
