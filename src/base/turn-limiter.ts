/**
 * A turn limiter bounds how much heavy work runs at once. Further work waits in order of arrival.
 * One bound limits all waiting work. A smaller one limits each client, so no client can take all places.
 */
import { TooMany } from "./errors.ts"

export interface TurnLimits {
  readonly running: number
  readonly waiting: number
  /** Running and waiting work of one client. */
  readonly ofOneClient: number
}

export class TurnLimiter {
  readonly #limits: TurnLimits
  readonly #waiting: (() => void)[] = []
  readonly #asked = new Map<string, number>()
  #running = 0

  constructor(limits: TurnLimits) {
    this.#limits = limits
  }

  /** Does the work when its turn comes. Throws TooMany at once when there is no place to wait. */
  async run<T>(client: string, work: () => Promise<T>): Promise<T> {
    const mine = this.#asked.get(client) ?? 0
    const full = this.#running >= this.#limits.running && this.#waiting.length >= this.#limits.waiting
    if (full || mine >= this.#limits.ofOneClient) throw new TooMany(retryAfterSeconds)
    this.#asked.set(client, mine + 1)
    try {
      if (this.#running < this.#limits.running) this.#running++
      else await new Promise<void>((go) => this.#waiting.push(go))
      return await work()
    } finally {
      this.#leave(client)
    }
  }

  #leave(client: string): void {
    // The next work takes the place directly; the place is never free in between.
    const next = this.#waiting.shift()
    if (next) next()
    else this.#running--
    const left = (this.#asked.get(client) ?? 1) - 1
    if (left > 0) this.#asked.set(client, left)
    else this.#asked.delete(client)
  }
}

const retryAfterSeconds = 2
