/**
 * Passwords: argon2id, and a bound on the hashes that run at once. A hash takes a core for tens of milliseconds.
 * Clients that could ask for hashes without a limit could occupy the machine. Hashes beyond the bound are refused, not
 * queued for ever.
 */
import { opaqueText } from "#base/schema/text-fields.ts"
import { TurnLimiter } from "#base/turn-limiter.ts"

/** NIST SP 800-63B, 3.1.1.2: at least 8, at least 64 allowed; the upper bound limits the work. */
export const Password = opaqueText(8, 128).annotate({ description: "8 to 128 characters", format: "password" })

/** The hash to keep. Throws TooMany when `client`, or all clients together, ask for more than can be done soon. */
export function hashPassword(password: string, client: string): Promise<string> {
  return hashing.run(client, () => Bun.password.hash(normal(password), argon2id))
}

/** Whether the password matches the hash. Without a hash the check takes the same time and fails. */
export async function isPassword(password: string, hash: string | null | undefined, client: string): Promise<boolean> {
  nobody ??= Bun.password.hash(crypto.randomUUID(), argon2id)
  const compared = hash ?? (await nobody)
  const same = await hashing.run(client, () => Bun.password.verify(normal(password), compared))
  return same && hash !== null && hash !== undefined
}

/** OWASP Password Storage Cheat Sheet: 19 MiB and two passes; 30 ms on the machine where this was measured. */
const argon2id = { algorithm: "argon2id", memoryCost: 19_456, timeCost: 2 } as const

/**
 * Two hashes at once need 38 MiB and leave the event loop and the database their share of two cores.
 * The 512 waiting hashes are about eight seconds of work.
 */
const hashing = new TurnLimiter({ running: 2, waiting: 512, ofOneClient: 384 })

let nobody: Promise<string> | undefined

/** The same letters typed on two keyboards are the same password. */
const normal = (password: string) => password.normalize("NFC")
