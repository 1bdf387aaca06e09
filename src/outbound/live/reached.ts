/** Waits until a process has published everything up to a position. */

export class ReachedPositions {
  readonly #waiting = new Set<{ readonly position: number; readonly go: (came: boolean) => void }>()

  /** The process has come to this position. */
  come(position: number): void {
    for (const each of this.#waiting) {
      if (each.position > position) continue
      this.#waiting.delete(each)
      each.go(true)
    }
  }

  /** False: it did not come within the time. */
  wait(position: number, ms: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const one = { position, go: resolve }
    this.#waiting.add(one)
    const timer = setTimeout(() => {
      this.#waiting.delete(one)
      resolve(false)
    }, ms)
    return promise.finally(() => clearTimeout(timer))
  }
}
