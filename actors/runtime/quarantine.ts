/**
 * The quarantine of a process: one suspect at a time, a run or a delivery. A suspect may be the cause of crashes. In a
 * test, a run that crashed ten processes also dead-lettered an innocent delivery, because each process had just claimed
 * it. So a process never has a suspect run and a suspect delivery at the same time. There is one quarantine per
 * process.
 */

/**
 * Longer than any run that ends. A run that never ends must not block the quarantined runs of other handlers for ever.
 */
const longestRunMs = 90_000
/** How long a delivery waits behind a series of runs. A run that crashes its process mostly does so at once. */
const patienceMs = 2_000
/** Quarantined runs with no longer pause between them count as one series. */
const pauseMs = 500

export class Quarantine {
  /** Resolves when the last run that asked is over. */
  #lastRun: Promise<void> | undefined
  /** The present series of runs: its beginning and its end, on the monotonic timer, milliseconds. */
  #series: { readonly since: number; until: number } | undefined
  /** Resolves when the delivery in quarantine is over. */
  #delivery: Promise<void> | undefined

  /** Runs the work when no other suspect is in quarantine, in the order of the calls. */
  async handleRun<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#lastRun
    const { promise: over, resolve: end } = Promise.withResolvers<void>()
    this.#lastRun = before ? before.then(() => over) : over
    await before
    while (this.#delivery) await this.#delivery
    const series = this.#beginRun()
    const timer = setTimeout(end, longestRunMs)
    try {
      return await work()
    } finally {
      clearTimeout(timer)
      series.until = performance.now()
      end()
    }
  }

  #beginRun(): { until: number } {
    const [now, before] = [performance.now(), this.#series]
    const since = before !== undefined && now - before.until < pauseMs ? before.since : now
    this.#series = { since, until: Number.POSITIVE_INFINITY }
    return this.#series
  }

  /** Whether a run is in quarantine, so that a delivery must wait. */
  get hasRun(): boolean {
    const [now, series] = [performance.now(), this.#series]
    return series !== undefined && series.until > now && now - series.since < patienceMs
  }

  /** Begins the quarantine of a delivery and answers how to end it; undefined while another delivery is in it. */
  beginDelivery(): (() => void) | undefined {
    if (this.#delivery) return undefined
    const { promise: over, resolve } = Promise.withResolvers<void>()
    this.#delivery = over
    return () => {
      if (this.#delivery === over) this.#delivery = undefined
      resolve()
    }
  }
}
