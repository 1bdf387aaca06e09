/**
 * Passwords: argon2id, and a bound on how much of it runs at once. A hash takes a core for tens of milliseconds, so
 * whoever may ask for hashes without a limit may take the machine; what exceeds the bound is refused, not queued for ever.
 */
import * as Schema from "effect/Schema"
import { TooMany } from "./errors.ts"

/** NIST SP 800-63B, 3.1.1.2: at least 8, at least 64 allowed; the upper bound limits the work. */
export const Password = Schema.String.annotate({ description: "8 to 128 characters", format: "password" }).check(
  Schema.isMinLength(8),
  Schema.isMaxLength(128),
)

/** The hash to keep. Throws TooMany when `client`, or all together, ask for more than can be done soon. */
export function hashPassword(password: string, client: string): Promise<string> {
  return inTurn(client, () => Bun.password.hash(normal(password), argon2id))
}

/** Whether the password is the one of the hash. Without a hash it takes the same time, and is not. */
export async function isPassword(password: string, hash: string | null | undefined, client: string): Promise<boolean> {
  nobody ??= Bun.password.hash(crypto.randomUUID(), argon2id)
  const compared = hash ?? (await nobody)
  const same = await inTurn(client, () => Bun.password.verify(normal(password), compared))
  return same && hash !== null && hash !== undefined
}

/** OWASP Password Storage Cheat Sheet: 19 MiB and two passes; 30 ms on the machine where this was measured. */
const argon2id = { algorithm: "argon2id", memoryCost: 19_456, timeCost: 2 } as const

/** Two leave the event loop and the database their share of two cores, and need 38 MiB. */
const maxRunning = 2
/** About four seconds of work. */
const maxWaiting = 256
/** One client cannot take all places. */
const maxWaitingOfOne = 128

let running = 0
const waiting: (() => void)[] = []
const asked = new Map<string, number>()
let nobody: Promise<string> | undefined

async function inTurn<T>(client: string, work: () => Promise<T>): Promise<T> {
  const mine = asked.get(client) ?? 0
  if (waiting.length >= maxWaiting || mine >= maxWaitingOfOne)
    throw new TooMany(2, "Too many passwords are being checked.")
  asked.set(client, mine + 1)
  try {
    if (running >= maxRunning) await new Promise<void>((go) => waiting.push(go))
    else running++
    return await work()
  } finally {
    // The place passes on without being free in between.
    const next = waiting.shift()
    if (next) next()
    else running--
    const left = (asked.get(client) ?? 1) - 1
    if (left > 0) asked.set(client, left)
    else asked.delete(client)
  }
}

/** The same letters typed on two keyboards are the same password. */
const normal = (password: string) => password.normalize("NFC")
