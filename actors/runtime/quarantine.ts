/**
 * The quarantine of a process: one suspect at a time, a run or a send. A send is a delivery to a webhook or a message
 * to a person. A suspect may be the cause of crashes. In a test, a run that crashed ten processes also dead-lettered an
 * innocent delivery, because each process had just claimed it. In another one, twenty crashes cost ten mails. So a
 * process never has a suspect run and a suspect send at the same time. There is one quarantine per process.
 */

/**
 * Longer than any run that ends. A run that never ends must not block the quarantined runs of other handlers for ever.
 */
const longestRunMs = 90_000
/**
 * How long a send waits behind a series of runs, and a run or another send behind a send. What crashes its process
 * mostly does so at once, and a receiver that hangs must not block the others. On a busy machine a send takes over half
 * a second.
 */
const patienceMs = 2_000
/** Quarantined runs with no longer pause between them count as one series. */
const pauseMs = 500

export class Quarantine {
  /** Resolves when the last run that asked is over. */
  #lastRun: Promise<void> | undefined
  /** The present series of runs: its beginning and its end, on the monotonic timer, milliseconds. */
  #series: { readonly since: number; until: number } | undefined
  /** Resolves when the send in quarantine is over. */
  #send: Promise<void> | undefined

  /** Runs the work when no other suspect is in quarantine, in the order of the calls. */
  async handleRun<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#lastRun
    const { promise: over, resolve: end } = Promise.withResolvers<void>()
    this.#lastRun = before ? before.then(() => over) : over
    await before
    while (this.#send) await this.#send
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

  /** Whether a run is in quarantine, so that a send must wait. */
  get hasRun(): boolean {
    const [now, series] = [performance.now(), this.#series]
    return series !== undefined && series.until > now && now - series.since < patienceMs
  }

  /** Begins the quarantine of a send and answers how to end it; undefined while a run or another send is in it. */
  beginSend(): (() => void) | undefined {
    if (this.#send || this.hasRun) return undefined
    const { promise: over, resolve } = Promise.withResolvers<void>()
    this.#send = over
    const end = () => {
      clearTimeout(timer)
      if (this.#send === over) this.#send = undefined
      resolve()
    }
    const timer = setTimeout(end, patienceMs)
    timer.unref()
    return end
  }
}
