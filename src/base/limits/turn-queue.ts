/**
 * Turns for heavy work. A bound limits the work that runs at once, and a smaller one the work of each client. Further
 * work waits: the clients take turns, and the work of one client follows in order of arrival. When all places are
 * taken, the client with the most waiting work gives one up, so no client can keep others out.
 */
import { TooMany } from "#base/errors.ts"
import type { Turns } from "./table.ts"

export class TurnQueue {
  readonly #limits: Turns
  /** In the order of the next turns. */
  readonly #clients = new Map<string, Client>()
  #running = 0
  #waiting = 0

  constructor(limits: Turns) {
    this.#limits = limits
  }

  /** Does the work when its turn comes. Throws TooMany when there is no place to wait, or the place was given up. */
  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const client = this.#clients.get(name) ?? { name, running: 0, waiting: [] }
    this.#clients.set(name, client)
    try {
      if (this.#running < this.#limits.running && client.running < this.#limits.runningOfOne) this.#begin(client)
      else await this.#wait(client)
    } catch (error) {
      this.#forgetIdle(client)
      throw error
    }
    try {
      return await work()
    } finally {
      client.running--
      this.#running--
      this.#forgetIdle(client)
      this.#startNext()
    }
  }

  #begin(client: Client): void {
    client.running++
    this.#running++
  }

  #wait(client: Client): Promise<void> {
    if (client.waiting.length >= this.#limits.waitingOfOne) throw new TooMany(retryAfterSeconds)
    if (this.#waiting >= this.#limits.waiting) this.#makeRoomFor(client)
    this.#waiting++
    return new Promise((go, refuse) => client.waiting.push({ go, refuse }))
  }

  #makeRoomFor({ waiting }: Client): void {
    const greediest = [...this.#clients.values()].reduce((a, b) => (b.waiting.length > a.waiting.length ? b : a))
    if (greediest.waiting.length <= waiting.length + 1) throw new TooMany(retryAfterSeconds)
    this.#waiting--
    greediest.waiting.pop()?.refuse(new TooMany(retryAfterSeconds))
  }

  #startNext(): void {
    for (const client of this.#clients.values()) {
      if (this.#running >= this.#limits.running) return
      if (client.running >= this.#limits.runningOfOne) continue
      const next = client.waiting.shift()
      if (next === undefined) continue
      this.#waiting--
      this.#begin(client)
      // To the end of the order.
      this.#clients.delete(client.name)
      this.#clients.set(client.name, client)
      next.go()
    }
  }

  #forgetIdle({ name, running, waiting }: Client): void {
    if (running === 0 && waiting.length === 0) this.#clients.delete(name)
  }
}

interface Client {
  readonly name: string
  running: number
  readonly waiting: { readonly go: () => void; readonly refuse: (error: TooMany) => void }[]
}

/** The waiting work of one address is done in about this time. */
const retryAfterSeconds = 2
