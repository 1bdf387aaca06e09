/**
 * Names to addresses, cached for a short time:
 * - A stream of deliveries to one host asks the resolver once.
 * - Deliveries to a missing name do not block the resolver for others. In a trial it stopped answering after 25 such
 *   questions in a row.
 * - While the resolver is unreachable, the last answer serves.
 * A cached address is vetted again on every use, and the connection goes to the vetted address. So a name whose address
 * changes gains nothing.
 */
import { lookup } from "node:dns/promises"

/** All addresses of a name; empty when the name has none or the resolver could not be asked. */
export type Resolve = (name: string) => Promise<readonly string[]>

/** Caches the answers of `ask` as described above. `ask` may reject for a name that it could not find. */
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

/** How many of the vetted addresses are tried, one after the other, while none accepts the connection. */
export const triedAddresses = 4

/** IPv4 first: on a host without IPv6 every first try would fail. */
export const resolve: Resolve = keeping(async (name) => {
  const found = await lookup(name, { all: true })
  const sorted = found.sort((a, b) => a.family - b.family).map(({ address }) => address)
  return [...new Set(sorted)]
})

const maxNames = 10_000

interface Answer {
  readonly addresses: Promise<readonly string[]>
  until: number
  /** The last addresses found, and their time on the monotonic timer. */
  found: readonly string[]
  foundAt: number
}
