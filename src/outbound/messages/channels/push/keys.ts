/**
 * The key pair of push messages: the configured one, or one that is generated at its first use and kept encrypted. All
 * processes of a database have the same. Writes: push_keys.
 */
import { BadConfig, type Config } from "#base/config.ts"
import type { Db } from "#base/database/db.ts"
import type { SecretBox } from "#base/secrets.ts"
import { newVapidKey, type VapidKey, vapidKeyOf } from "./vapid.ts"

export interface PushTools {
  readonly config: Pick<Config, "push" | "egressAllow">
  readonly db: Db
  readonly secrets: SecretBox
}

/** The configured pair; undefined: none is configured. Throws BadConfig. */
export function configuredPushKey({ push: { privateKey } }: Pick<Config, "push">): VapidKey | undefined {
  if (privateKey === undefined) return undefined
  const key = vapidKeyOf(privateKey)
  if (key) return key
  throw new BadConfig("SLOTBASE_PUSH_PRIVATE_KEY is no private key of P-256. Leave it out, and one is generated.")
}

export async function loadPushKey({ config, db, secrets }: PushTools): Promise<VapidKey> {
  const configured = configuredPushKey(config)
  if (configured) return configured
  const kept = await findKey(db, secrets)
  if (kept) return kept
  const made = newVapidKey()
  // Of processes that start at once the first decides.
  await db`
    insert into slotbase.push_keys (public_key, sealed)
    values (${made.publicKey}, ${secrets.seal(made.privateKey, purpose)}) on conflict do nothing`
  return (await findKey(db, secrets)) ?? made
}

async function findKey(db: Db, secrets: SecretBox): Promise<VapidKey | undefined> {
  const [row] = await db<{ publicKey: string; sealed: Buffer }[]>`
    select public_key as "publicKey", sealed from slotbase.push_keys`
  return row && { publicKey: row.publicKey, privateKey: secrets.open(row.sealed, purpose) }
}

const purpose = "push key"
