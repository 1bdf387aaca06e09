/** A token bucket on the monotonic timer: so many at once, and so many a second after that. */
export class RateLimit {
  readonly #atOnce: number
  readonly #perSecond: number
  #left: number
  #countedAt = performance.now()

  constructor(atOnce: number, perSecond: number) {
    this.#atOnce = atOnce
    this.#perSecond = perSecond
    this.#left = atOnce
  }

  /** Takes one; false when none is left. */
  take(): boolean {
    const now = performance.now()
    this.#left = Math.min(this.#atOnce, this.#left + ((now - this.#countedAt) / 1000) * this.#perSecond)
    this.#countedAt = now
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}
