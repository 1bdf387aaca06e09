// A deadline shared by many calls. Time is counted in ticks of one timer, which runs only while calls are in flight.
// Reading the clock for each query cost 5 to 10 % of its CPU time.
// A process that was stopped and continued counts the pause as one tick. So it reads the answers waiting in its sockets
// before it expires calls.

export interface Call {
  expire(): void
}

/** Calls must finish within `afterMs` milliseconds (and up to a twentieth more), or they expire. */
export class Deadline {
  readonly afterMs: number
  /** The tick at which each call expires. All calls have the same time, so the oldest is always the first. */
  readonly #calls = new Map<Call, number>()
  #tick = 0
  #ticking = false

  constructor(afterMs: number) {
    this.afterMs = Math.min(afterMs, LONGEST_MS)
  }

  get size(): number {
    return this.#calls.size
  }

  start(call: Call): void {
    // The present tick has partly passed, so it does not count.
    this.#calls.set(call, this.#tick + TICKS + 1)
    if (!this.#ticking) this.#tickOn()
  }

  /** The call has finished, successfully or not, and no longer expires. */
  settle(call: Call): void {
    this.#calls.delete(call)
  }

  #tickOn(): void {
    this.#ticking = this.#calls.size > 0
    if (this.#ticking) setTimeout(() => this.#expire(), this.afterMs / TICKS).unref()
  }

  #expire(): void {
    this.#tick += 1
    for (const [call, tick] of this.#calls) {
      if (tick > this.#tick) break
      this.#calls.delete(call)
      call.expire()
    }
    this.#tickOn()
  }
}

const TICKS = 20
const LONGEST_MS = 2 ** 31 - 1
