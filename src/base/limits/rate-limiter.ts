/**
 * A rate per key: a bucket of `burst` tokens that gets one more every `everyMs` (the generic cell rate algorithm). A
 * key is one number, the time at which its bucket is full again. Every take counts at once, before the work begins.
 */
import { TooMany } from "#base/errors.ts"
import { keysOfRate, type Rate, type Standing } from "./table.ts"

export class RateLimiter {
  readonly rate: Rate
  readonly #fullAt = new Map<string, number>()
  readonly #keys: number

  constructor(rate: Rate, keys: number = keysOfRate) {
    this.rate = rate
    this.#keys = keys
  }

  /** Takes one if one is left. @param now monotonic, milliseconds. */
  take(key: string, now = performance.now()): Standing {
    const { rate } = this
    const { burst, everyMs } = rate
    const before = Math.max(this.#fullAt.get(key) ?? now, now)
    const after = before + everyMs
    const waitMs = after - burst * everyMs - now
    if (waitMs > tolerance) return { rate, left: 0, fullInMs: before - now, waitMs }
    this.#fullAt.set(key, after)
    if (this.#fullAt.size > this.#keys) this.#forgetSome(now)
    return {
      rate,
      left: Math.floor((burst * everyMs - (after - now)) / everyMs + tolerance),
      fullInMs: after - now,
      waitMs: 0,
    }
  }

  /** Takes one. Throws TooMany, with the time to wait, when none is left. */
  require(key: string, message?: string, now = performance.now()): Standing {
    const standing = this.take(key, now)
    if (standing.waitMs > 0) throw tooMany(standing, message)
    return standing
  }

  /** Gives one take back. */
  giveBack(key: string, now = performance.now()): void {
    const fullAt = this.#fullAt.get(key)
    if (fullAt === undefined) return
    if (fullAt - this.rate.everyMs <= now) this.#fullAt.delete(key)
    else this.#fullAt.set(key, fullAt - this.rate.everyMs)
  }

  /** Whether the key's bucket is full: nothing was taken, or all of it has come back. */
  isFull(key: string, now = performance.now()): boolean {
    return (this.#fullAt.get(key) ?? now) <= now
  }

  /** Fills the key's bucket. */
  forget(key: string): void {
    this.#fullAt.delete(key)
  }

  /**
   * Forgets full buckets, and then those with the least debt, until half of the room is free. A flood of new keys owes
   * little on each, so it forgets itself. A key that has used up its bucket stays.
   */
  #forgetSome(now: number): void {
    for (const [key, fullAt] of this.#fullAt) if (fullAt <= now) this.#fullAt.delete(key)
    const surplus = this.#fullAt.size - Math.floor(this.#keys / 2)
    if (surplus <= 0) return
    const byDebt = [...this.#fullAt].sort(([, a], [, b]) => a - b)
    for (const [key] of byDebt.slice(0, surplus)) this.#fullAt.delete(key)
  }
}

export const tooMany = (standing: Standing, message?: string): TooMany =>
  new TooMany(secondsUntil(standing.waitMs, 1), message, standing)

/** Whole seconds until a time in the future, not less than a number. */
export const secondsUntil = (ms: number, atLeast = 0): number => Math.max(atLeast, Math.ceil((ms - tolerance) / 1_000))

/** Sums of fractions are not exact, milliseconds. */
const tolerance = 1e-3
