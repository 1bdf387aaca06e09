/**
 * An attempt limiter counts the failed attempts of a key inside a window of time.
 * A key is a client and the address that the client tries.
 * When the failures are used up, further attempts are refused until the window has passed. The counts live in this
 * process.
 */
import { TooMany } from "./errors.ts"

export interface AttemptLimits {
  readonly failures: number
  readonly withinMs: number
  /** The number of keys that are remembered. Beyond it the oldest key is forgotten. */
  readonly keys: number
}

export class AttemptLimiter {
  readonly #limits: AttemptLimits
  readonly #failed = new Map<string, { count: number; readonly until: number }>()

  constructor(limits: AttemptLimits) {
    this.#limits = limits
  }

  /** Throws TooMany when the key has no attempt left. @param now monotonic, milliseconds. */
  check(key: string, now = performance.now()): void {
    const found = this.#failed.get(key)
    if (found === undefined) return
    if (found.until <= now) this.#failed.delete(key)
    else if (found.count >= this.#limits.failures) {
      throw new TooMany(Math.ceil((found.until - now) / 1000), "Too many wrong tries; wait, then try again.")
    }
  }

  failed(key: string, now = performance.now()): void {
    const found = this.#failed.get(key)
    if (found) found.count++
    else this.#failed.set(key, { count: 1, until: now + this.#limits.withinMs })
    const [oldest] = this.#failed.size > this.#limits.keys ? this.#failed.keys() : []
    if (oldest !== undefined) this.#failed.delete(oldest)
  }

  succeeded(key: string): void {
    this.#failed.delete(key)
  }
}
