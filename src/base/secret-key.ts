/**
 * The key of secrets at rest: given, or generated once in the data directory beside the embedded database.
 * Writes: secret_key_check.
 */
import { randomBytes } from "node:crypto"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { BadConfig, type Config } from "./config.ts"
import type { Db } from "./database/db.ts"
import type { SecretBox } from "./secrets.ts"

const keyBytes = 32

export async function loadSecretKey({ secretKey, dataDir }: Config): Promise<Uint8Array> {
  if (secretKey) return secretKey
  const path = join(dataDir, "secret.key")
  try {
    await mkdir(dataDir, { recursive: true })
    // "wx": the first process makes the file, and no process ever overwrites it.
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
      `${path} does not hold 32 bytes in base64: put the original key back, or everything that was encrypted with it is lost.`,
    )
  return key
}

/**
 * Refuses a key that cannot open the secrets of this database.
 * Otherwise every signature and every header of its webhooks would fail, one delivery at a time.
 * The first start leaves a sealed value, and later starts try to open it.
 */
export async function checkSecretKey(db: Db, secrets: SecretBox): Promise<void> {
  await db`insert into slotbase.secret_key_check (sealed) values (${secrets.seal(checkText, checkText)}) on conflict do nothing`
  const [row] = await db<{ sealed: Buffer }[]>`select sealed from slotbase.secret_key_check`
  try {
    if (row && secrets.open(row.sealed, checkText) === checkText) return
  } catch {
    // Another key: the authentication tag does not fit.
  }
  throw new BadConfig(
    "SLOTBASE_SECRET_KEY is not the key with which the secrets of this database were encrypted: set it to the original one.",
  )
}

const checkText = "slotbase secret key check"

const notUsable = (dataDir: string, code: string | undefined) =>
  new BadConfig(
    `The data directory ${dataDir} cannot be used (${code}); set SLOTBASE_DATA_DIR to a folder of your own that can be written.`,
  )
