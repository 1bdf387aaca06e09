/**
 * Names to addresses, kept for a short time so that a stream of deliveries to one host asks once, and one to a name that
 * does not exist does not keep the resolver from the others (it stopped answering after 25 such questions in a row when
 * that was tried). While nobody can be asked, the last answer serves. What is kept is vetted again on every use, and the
 * address that was vetted is the one that is connected to: a name that changes gains nothing.
 */
import { lookup } from "node:dns/promises"

/** All addresses of a name; empty when it has none or nobody could be asked. */
export type Resolve = (name: string) => Promise<readonly string[]>

/** The answers of `ask`, kept as said above; it may reject for a name that it could not find. */
export function keeping(ask: Resolve, times = { foundMs: 10_000, notFoundMs: 2_000, lastMs: 600_000 }): Resolve {
  const answers = new Map<string, Answer>()

  async function renew(name: string, last: Answer | undefined): Promise<readonly string[]> {
    const answer = answers.get(name)
    const found = await ask(name).catch(() => [])
    const now = performance.now()
    const served = found.length === 0 && last && last.foundAt > now - times.lastMs ? last.found : found
    if (answer) {
      answer.found = served
      answer.foundAt = found.length > 0 ? now : (last?.foundAt ?? Number.NEGATIVE_INFINITY)
      answer.until = now + (found.length > 0 ? times.foundMs : times.notFoundMs)
    }
    return served
  }

  return (name) => {
    const known = answers.get(name)
    if (known && known.until > performance.now()) return known.addresses
    if (!known && answers.size >= maxNames) answers.delete(answers.keys().next().value ?? "")
    const { promise, resolve: answered } = Promise.withResolvers<readonly string[]>()
    answers.set(name, {
      addresses: promise,
      until: Number.POSITIVE_INFINITY,
      found: known?.found ?? [],
      foundAt: known?.foundAt ?? Number.NEGATIVE_INFINITY,
    })
    renew(name, known).then(answered)
    return promise
  }
}

/** How many of the vetted addresses are tried, one after the other, while none of them takes the connection. */
export const triedAddresses = 4

/** IPv4 first: on a host without IPv6 of its own every first try would fail. */
export const resolve: Resolve = keeping(async (name) => {
  const found = await lookup(name, { all: true })
  const sorted = found.sort((a, b) => a.family - b.family).map(({ address }) => address)
  return [...new Set(sorted)]
})

const maxNames = 10_000

interface Answer {
  readonly addresses: Promise<readonly string[]>
  until: number
  /** What was found last, and when, on the monotonic timer. */
  found: readonly string[]
  foundAt: number
}
