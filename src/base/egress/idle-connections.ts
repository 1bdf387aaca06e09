/**
 * Connections that wait for their next request. They are closed after a few seconds, before servers and the networks in
 * between drop them without a word. A request on a connection that died so would wait for its whole time limit.
 */
import type { HttpConnection } from "./connection.ts"

export const idleLimits = {
  /** Common servers keep idle connections for 5 s (Node, Apache) and longer. */
  keptMs: 4_000,
  sweepMs: 500,
  ofOneWay: 128,
  all: 512,
}

export class IdleConnections {
  /** Those used last are taken first, so that the others grow old. The oldest way comes first. */
  readonly #idle = new Map<string, HttpConnection[]>()
  #count = 0
  #isSweeping = false

  get size(): number {
    return this.#count
  }

  put(connection: HttpConnection): void {
    const { key } = connection.way
    const waiting = this.#idle.get(key) ?? []
    if (waiting.length === 0) this.#idle.set(key, waiting)
    waiting.push(connection)
    this.#count++
    connection.onClosed = (closed) => this.#remove(closed)
    if (waiting.length > idleLimits.ofOneWay) waiting[0]?.close()
    if (this.#count > idleLimits.all) this.#oldest()?.close()
    if (!this.#isSweeping) this.#sweepLater()
  }

  /** The connection used last, out of the list; undefined when none is young enough. */
  take(key: string, now: number): HttpConnection | undefined {
    const connection = this.#idle.get(key)?.at(-1)
    if (!connection) return undefined
    if (now - connection.idleSince > idleLimits.keptMs) {
      this.closeAll(key)
      return undefined
    }
    this.#remove(connection)
    return connection
  }

  /** When one of them proved dead, the others are likely to be. */
  closeAll(key: string): void {
    for (const connection of [...(this.#idle.get(key) ?? [])]) connection.close()
  }

  #remove(connection: HttpConnection): void {
    connection.onClosed = () => {}
    const { key } = connection.way
    const waiting = this.#idle.get(key)
    const at = waiting?.lastIndexOf(connection) ?? -1
    if (!waiting || at === -1) return
    waiting.splice(at, 1)
    this.#count--
    if (waiting.length === 0) this.#idle.delete(key)
  }

  #oldest(): HttpConnection | undefined {
    for (const [first] of this.#idle.values()) return first
    return undefined
  }

  #sweepLater(): void {
    this.#isSweeping = this.#count > 0
    if (this.#isSweeping) setTimeout(() => this.#sweep(), idleLimits.sweepMs).unref()
  }

  #sweep(): void {
    const oldest = performance.now() - idleLimits.keptMs
    for (const waiting of this.#idle.values())
      for (const connection of [...waiting]) if (connection.idleSince < oldest) connection.close()
    this.#sweepLater()
  }
}
