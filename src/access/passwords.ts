/**
 * Passwords: argon2id, in turns. A hash takes a core for tens of milliseconds. Clients that could ask for hashes
 * without a limit could occupy the machine. So the addresses take turns, and one address never keeps another waiting.
 */
import { turns } from "#base/limits/table.ts"
import { TurnQueue } from "#base/limits/turn-queue.ts"
import { opaqueText } from "#base/schema/text-fields.ts"
import { type PasswordOwner, requireStrongPassword } from "./password-rules.ts"

/** NIST SP 800-63B, 3.1.1.2: at least 8, at least 64 allowed; the upper bound limits the work. */
export const Password = opaqueText(8, 128, {
  description: "8 to 128 characters, and not a common password",
  format: "password",
})

/**
 * The hash of a new password.
 * @param client the share of the client (client-address.ts)
 * @param path the place of the password in the request
 * @throws RuleBroken `weak_password`
 * @throws TooMany when the client, or all clients together, ask for more than can be done soon
 */
export async function hashPassword(
  password: string,
  client: string,
  owner: PasswordOwner,
  path?: string,
): Promise<string> {
  requireStrongPassword(password, owner, path)
  return hashing.run(client, () => Bun.password.hash(normal(password), argon2id()))
}

/** Whether the password matches the hash. Without a hash the check takes the same time and fails. */
export async function isPassword(password: string, hash: string | null | undefined, client: string): Promise<boolean> {
  nobody ??= Bun.password.hash(crypto.randomUUID(), argon2id())
  const compared = hash ?? (await nobody)
  const same = await hashing.run(client, () => Bun.password.verify(normal(password), compared))
  return same && hash !== null && hash !== undefined
}

/**
 * OWASP Password Storage Cheat Sheet: 19 MiB (in KiB) and two passes; 30 ms on the machine where this was measured.
 * Only the tests of other things lower it.
 */
export const passwordCost: PasswordCost = { memoryCost: 19_456, timeCost: 2 }

interface PasswordCost {
  readonly memoryCost: number
  readonly timeCost: number
}

let cost = passwordCost
const argon2id = () => ({ algorithm: "argon2id", ...cost }) as const

/** For hashes from now on, that of nobody included. */
export function setPasswordCost(given: PasswordCost): void {
  cost = given
  nobody = undefined
}

const hashing = new TurnQueue(turns.passwordHash)

let nobody: Promise<string> | undefined

/** The same letters typed on two keyboards are the same password. */
const normal = (password: string) => password.normalize("NFC")
