/**
 * How many requests one push service may have under way. The address of a subscription is a caller's text, so a service
 * may be a trap that never answers. It must not take the places of the others. A host that has taken no message yet has
 * two at once. After time-outs in a row it is left alone for a while, and one request asks again.
 */
import { SendFailed } from "#outbound/messages/channels/channel.ts"

const atOnce = 12
const atOnceUntilKnown = 2
const slowAfter = 2
const firstRestMs = 30_000
const longestRestMs = 10 * 60_000
const laterMs = 1_000
const hostsKept = 1_000

interface Host {
  underWay: number
  isKnown: boolean
  timeouts: number
  restsUntil: number
}

export class Patience {
  readonly #hosts = new Map<string, Host>()

  /** Runs the request. Throws SendFailed, without having asked, when the host has enough under way or rests. */
  async ask<T>(name: string, request: () => Promise<T>, isTimeout: (error: unknown) => boolean, now = Date.now()) {
    const host = this.#hostOf(name)
    const rests = host.restsUntil - now
    if (rests > 0) throw waits(`${name} did not answer in time`, rests)
    const isDoubted = host.timeouts >= slowAfter
    if (host.underWay >= (isDoubted ? 1 : host.isKnown ? atOnce : atOnceUntilKnown))
      throw waits(`${name} has other messages to take first`, laterMs)
    host.underWay++
    try {
      const answer = await request()
      host.isKnown = true
      host.timeouts = 0
      return answer
    } catch (error) {
      if (isTimeout(error)) {
        host.timeouts++
        if (host.timeouts >= slowAfter)
          host.restsUntil = Date.now() + Math.min(longestRestMs, firstRestMs * 2 ** (host.timeouts - slowAfter))
      }
      throw error
    } finally {
      host.underWay--
    }
  }

  #hostOf(name: string): Host {
    const known = this.#hosts.get(name)
    if (known) return known
    for (const [key, { underWay }] of this.#hosts) {
      if (this.#hosts.size < hostsKept) break
      if (underWay === 0) this.#hosts.delete(key)
    }
    const host = { underWay: 0, isKnown: false, timeouts: 0, restsUntil: 0 }
    this.#hosts.set(name, host)
    return host
  }
}

const waits = (says: string, retryAfterMs: number) => new SendFailed(says, { outcome: "not_sent", retryAfterMs })
