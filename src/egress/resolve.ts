/**
 * Names to addresses, kept for a short time so that a stream of deliveries to one host asks once. What is kept is vetted
 * again on every use, and the address that was vetted is the one that is connected to: a name that changes gains nothing.
 */
import { lookup } from "node:dns/promises"

/** All addresses of a name; empty when it has none or nobody could be asked. */
export type Resolve = (name: string) => Promise<readonly string[]>

export const resolve: Resolve = (name) => {
  const known = answers.get(name)
  if (known && known.until > performance.now()) return known.addresses
  answers.delete(name)
  if (answers.size >= maxNames) answers.delete(answers.keys().next().value ?? "")
  const answer = { addresses: ask(name), until: performance.now() + keptMs }
  answers.set(name, answer)
  answer.addresses.then((addresses) => {
    if (addresses.length === 0 && answers.get(name) === answer) answers.delete(name)
  })
  return answer.addresses
}

const keptMs = 10_000
const maxNames = 10_000
/** IPv4 first: a host without IPv6 of its own would fail on every other delivery. */
const maxAddresses = 4

const answers = new Map<string, { readonly addresses: Promise<readonly string[]>; readonly until: number }>()

async function ask(name: string): Promise<readonly string[]> {
  const found = await lookup(name, { all: true }).catch(() => [])
  const sorted = found.sort((a, b) => a.family - b.family).map(({ address }) => address)
  return [...new Set(sorted)]
}

/** How many of the vetted addresses are tried, one after the other, while none of them takes the connection. */
export const triedAddresses = maxAddresses
